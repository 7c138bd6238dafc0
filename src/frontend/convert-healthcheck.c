/* HEALTHCHECK: no part of the OCI configuration, kept in Docker's extension of it. */
#include "frontend/checks-priv.h"
#include "frontend/convert-priv.h"

#include "base/timestamp.h"
#include "base/utf8.h"

#include <string.h>

static void fill_test(const struct cb_inst_healthcheck *inst, struct cb_strings *test)
{
    if (inst->none) {
        cb_strings_add(test, "NONE");
        return;
    }
    if (!inst->command.is_exec) {
        cb_strings_add(test, "CMD-SHELL");
        cb_strings_add(test, inst->command.shell ? inst->command.shell : "");
        return;
    }
    cb_strings_add(test, "CMD");
    for (size_t i = 0; i < inst->command.argv.count; i++)
        cb_strings_add(test, inst->command.argv.items[i].text);
}

static void add_duration(struct cb_strbuf *out, int64_t ns)
{
    cb_autofree char *text = cb_duration_text(ns);

    cb_strbuf_addf(out, " \"%s\"", text);
}

/* Go's %q of an integer is a character literal, which but for its quotes is written as in
 * a string. */
static void add_rune(struct cb_strbuf *out, int64_t value)
{
    cb_auto_value(cb_strbuf) quoted = {0};
    int is_character =
        value >= 0 && value < 0x110000 && !(value >= 0xd800 && value < 0xe000);
    char text[5];

    cb_utf8_encode(is_character ? (unsigned)value : 0xfffd, text);
    cb_config_quote(&quoted, text);
    if (value == 0)
        cb_strbuf_adds(out, " '\\x00'");
    else if (value == '"' || value == '\'')
        cb_strbuf_adds(out, value == '"' ? " '\"'" : " '\\''");
    else
        cb_strbuf_addf(out, " '%.*s'", (int)quoted.len - 2, quoted.text + 1);
}

/* BuildKit prints its structure with %q; StartInterval is newer than the others and only
 * shown when used. */
static void add_history(struct cb_stage *stage, const struct cb_healthcheck *check)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "HEALTHCHECK &{");
    cb_config_quote_list(&text, &check->test);
    add_duration(&text, check->interval_ns);
    add_duration(&text, check->timeout_ns);
    add_duration(&text, check->start_period_ns);
    if (check->start_interval_ns)
        add_duration(&text, check->start_interval_ns);
    add_rune(&text, check->retries);
    cb_strbuf_addc(&text, '}');
    cb_config_history(stage, cb_strbuf_text(&text), 0, 0);
}

int cb_convert_healthcheck(struct cb_stage *stage, const struct cb_item *item,
                           struct cb_error **err)
{
    const struct cb_inst_healthcheck *inst = &item->inst->healthcheck;
    struct cb_healthcheck *check = stage->config->healthcheck;

    cb_checks_once(stage, item, &stage->last_healthcheck);
    if (!check)
        check = stage->config->healthcheck = xcalloc(1, sizeof(*check));
    cb_strings_free(&check->test);
    *check = (struct cb_healthcheck){
        .interval_ns = inst->interval_ns,
        .timeout_ns = inst->timeout_ns,
        .start_period_ns = inst->start_period_ns,
        .start_interval_ns = inst->start_interval_ns,
        .retries = inst->retry_count,
    };
    fill_test(inst, &check->test);
    add_history(stage, check);
    return 0;
}
