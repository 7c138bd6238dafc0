/* Whether a container is well: the image's HEALTHCHECK and run's --health options. */
#ifndef CB_CONTAINER_HEALTH_H
#define CB_CONTAINER_HEALTH_H

#include "container/container.h"

#define CB_HEALTH_LOG_MAX 5 /* results that are kept */

struct cb_health {
    struct cb_strings argv; /* what is run; none: nobody looks after it */
    int64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms;
    unsigned retries;
};
void cb_health_clear(struct cb_health *health);
CB_AUTO_VALUE_DEFINE(cb_health, cb_health_clear)

/* What OPTIONS say, and where they say nothing the image, and docker's defaults. USAGE.
 */
int cb_health_make(struct cb_health *out, const struct cb_container_options *options,
                   const struct cb_image_config *config, struct cb_error **err);

/* OPTIONS as docker writes them into the configuration, over the image's; they were
 * checked when the container was made. */
void cb_health_settle(struct cb_image_config *config,
                      const struct cb_container_options *options);
/* Docker's State.Health of a container that was just started. */
json_t *cb_health_json_new(void);
/* What came of running it once. */
struct cb_health_result {
    struct timespec start, end;
    int exit_code; /* -1: it took too long */
    int is_early;  /* in the start period, in which failures do not count */
    const char *output;
};
void cb_health_json_add(json_t *health, const struct cb_health *wish,
                        const struct cb_health_result *result);
/* "starting", "healthy", "unhealthy"; HEALTH NULL: "none". */
const char *cb_health_status(const json_t *health);

#endif
