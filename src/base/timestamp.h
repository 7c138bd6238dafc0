/* RFC 3339 times as Docker and OCI documents write them, and human ages. */
#ifndef CB_BASE_TIMESTAMP_H
#define CB_BASE_TIMESTAMP_H

#include "base/error.h"

#include <stdint.h>
#include <time.h>

#define CB_TIMESTAMP_MAX 40

/* "2026-01-02T03:04:05.123456789Z", trailing zeros of the fraction dropped as Go does. */
const char *cb_timestamp_format(struct timespec time, char buffer[CB_TIMESTAMP_MAX]);
int cb_timestamp_parse(struct timespec *out, const char *text, struct cb_error **err);
/* A moment as docker's --since and until= take it: a duration back from now ("24h"), a
 * date or time with or without zone (then the local one), or seconds since the epoch with
 * a fraction. USAGE for others. */
int cb_moment_parse(struct timespec *out, const char *text, struct cb_error **err);
struct timespec cb_timestamp_now(void);
/* "About a minute", "3 hours", "2 weeks": docker's units.HumanDuration. Caller frees. */
char *cb_duration_human(int64_t seconds);
/* "99.3MB": base 1000, docker's units.HumanSizeWithPrecision(x, 3). Caller frees. */
char *cb_size_human(uint64_t bytes);
/* "1.984MB": as docker's units.HumanSize has totals, of `system df` and of what was
 * freed. */
char *cb_total_human(uint64_t bytes);
/* "1.5MiB": docker's units.BytesSize. Caller frees. */
char *cb_binary_human(uint64_t bytes);
/* "64m", "1.5g", "1024": docker's units.RAMInBytes. USAGE on bad text. */
int cb_size_parse(uint64_t *out, const char *text, struct cb_error **err);
/* Go's time.ParseDuration: "1h30m", "500ms", "0". Nanoseconds. */
int cb_duration_parse(int64_t *out_ns, const char *text, struct cb_error **err);
/* Go's Duration.String, as HEALTHCHECK shows it. Caller frees. */
char *cb_duration_text(int64_t ns);
/* The last second that 64 bits of nanoseconds can tell, in the year 2262. */
#define CB_EPOCH_MAX_S (INT64_MAX / 1000000000)
/* SOURCE_DATE_EPOCH from the environment: 1 set, 0 unset, -1 malformed or later than
 * CB_EPOCH_MAX_S. */
int cb_source_date_epoch(int64_t *out, struct cb_error **err);

#endif
