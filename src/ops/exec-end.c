/* How a RUN's process ended: what it took, and what is said of its failure. */
#include "ops/exec-priv.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <signal.h>

#define TIMEOUT_CODE   124 /* as timeout(1) has it */
#define TOO_LARGE_CODE 137 /* it is killed */

/* Its first line: the rest of a heredoc is in the excerpt below the message. */
static char *command_text(const struct cb_strings *argv)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (arg, argv) {
        const char *end = strchr(*arg, '\n');

        if (arg != argv->items)
            cb_strbuf_addc(&text, ' ');
        if (end) {
            cb_strbuf_add(&text, *arg, (size_t)(end - *arg));
            cb_strbuf_adds(&text,
                           end[1] || arg + 1 != argv->items + argv->count ? "..." : "");
            break;
        }
        cb_strbuf_adds(&text, *arg);
    }
    return cb_strbuf_steal(&text);
}

static int timed_out(const struct cb_exec_step *step, struct cb_error **err)
{
    cb_autofree char *command = command_text(&step->argv);
    cb_autofree char *limit =
        cb_duration_text(step->env->step_timeout_ms * INT64_C(1000000));

    cb_error_exit(err, TIMEOUT_CODE,
                  "process \"%s\" did not complete successfully: not ended after %s",
                  command, limit);
    return cb_error_hint(err, "give it more time with --step-timeout");
}

/* What it wrote could not have been kept, whatever else goes. */
static int too_large(const struct cb_exec_step *step, struct cb_error **err)
{
    cb_autofree char *command = command_text(&step->argv);

    cb_error_exit(err, TOO_LARGE_CODE,
                  "process \"%s\" did not complete successfully: it has written more "
                  "than the whole store may take",
                  command);
    return cb_error_hint(err, "raise --max-store, or write what need not be kept to a "
                              "--mount=type=tmpfs");
}

/* As it is typed: "64m". */
static char *limit_text(uint64_t bytes)
{
    return bytes % (1 << 20) ? xasprintf("%" PRIu64, bytes)
                             : xasprintf("%" PRIu64 "m", bytes >> 20);
}

/* A process of it was killed; whether that is why it failed is for the reader. */
static int out_of_memory(const struct cb_exec_step *step, const struct cb_exit *ended,
                         const char *command, struct cb_error **err)
{
    uint64_t limit = step->env->limits ? step->env->limits->memory_bytes : 0;
    cb_autofree char *text = limit_text(limit);

    cb_error_exit(err, ended->code,
                  "process \"%s\" did not complete successfully: out of memory, killed "
                  "by the OOM killer%s%s%s",
                  command, limit ? " (limit " : "", limit ? text : "", limit ? ")" : "");
    return cb_error_hint(err, "give the build more with --memory");
}

static void tell_usage(const struct cb_exec_step *step, struct cb_exec_context *context,
                       const struct cb_exit *ended)
{
    const struct cb_step_usage usage = {
        .peak_memory_bytes = ended->peak_memory_bytes,
        .cpu_ns = ended->cpu_ns,
        .read_bytes = ended->read_bytes,
        .written_bytes = ended->written_bytes,
        .oom_killed = ended->oom_killed,
        .memory_limit_bytes = step->env->limits ? step->env->limits->memory_bytes : 0,
    };

    cb_event_emit(context->sink, (struct cb_event){.kind = CB_EVENT_STEP_USAGE,
                                                   .id = context->event_id,
                                                   .usage = &usage});
}

int cb_exec_check_end(const struct cb_exec_step *step, struct cb_exec_context *context,
                      const struct cb_exec_end *end, struct cb_error **err)
{
    const struct cb_exit *ended = &end->exit;
    cb_autofree char *command = NULL;

    tell_usage(step, context, ended);
    if (end->timed_out)
        return timed_out(step, err);
    if (end->too_large)
        return too_large(step, err);
    if (ended->code == 0 && ended->signal == 0)
        return 0;
    command = command_text(&step->argv);
    if (ended->oom_killed)
        return out_of_memory(step, ended, command, err);
    if (ended->signal) {
        const char *name = sigabbrev_np(ended->signal);

        return cb_error_exit(
            err, ended->code,
            "process \"%s\" did not complete successfully: killed by signal "
            "%d (%s%s)",
            command, ended->signal, name ? "SIG" : "unknown", name ? name : "");
    }
    cb_error_exit(err, ended->code,
                  "process \"%s\" did not complete successfully: exit code: %d", command,
                  ended->code);
    return cb_exec_hint_missing(step, err);
}
