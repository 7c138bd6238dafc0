/* Stamps events and hands them to the sink. */
#include "base/event.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

void cb_event_emit(struct cb_event_sink *sink, struct cb_event event)
{
    if (!sink)
        return;
    event.time_ns = cb_clock_ns();
    sink->emit(sink, &event);
}

void cb_event_say(struct cb_event_sink *sink, enum cb_event_kind kind, uint64_t id,
                  const char *format, ...)
{
    cb_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    cb_event_emit(sink, (struct cb_event){
                            .kind = kind, .id = id, .text = text, .len = strlen(text)});
}

uint64_t cb_event_next_id(void)
{
    /* The one counter of the process: numbers only have to differ. */
    static atomic_uint_fast64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

uint64_t cb_event_step_start(struct cb_event_sink *sink, const char *name)
{
    uint64_t id = cb_event_next_id();

    cb_event_emit(sink,
                  (struct cb_event){.kind = CB_EVENT_STEP_START, .id = id, .name = name});
    return id;
}

int cb_event_step_end(struct cb_event_sink *sink, uint64_t id, int status,
                      struct cb_error **error, struct cb_error **err)
{
    struct cb_event event = {.kind = CB_EVENT_STEP_DONE, .id = id};

    if (status < 0) {
        event.kind = CB_EVENT_STEP_ERROR;
        event.error = *error;
    }
    cb_event_emit(sink, event);
    if (status < 0)
        cb_error_move(err, error);
    return status;
}
