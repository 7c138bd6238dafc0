/* A plan in words, one step per line: what `what would this sandbox do` shows, and what
 * tests compare. */
#include "executor/plan-priv.h"

static const char *const names[CB_PLAN_KINDS] = {
    [CB_PLAN_JOIN] = "join",
    [CB_PLAN_NAMESPACE] = "namespace",
    [CB_PLAN_LOOPBACK] = "loopback",
    [CB_PLAN_HOSTNAME] = "hostname",
    [CB_PLAN_DOMAINNAME] = "domainname",
    [CB_PLAN_OOM_SCORE] = "oom-score",
    [CB_PLAN_SYSCTL] = "sysctl",
    [CB_PLAN_ROOTFS] = "rootfs",
    [CB_PLAN_FILESYSTEM] = "filesystem",
    [CB_PLAN_CGROUPS] = "cgroups",
    [CB_PLAN_DEVICE] = "device",
    [CB_PLAN_NODE] = "node",
    [CB_PLAN_LINK] = "link",
    [CB_PLAN_CONSOLE] = "console",
    [CB_PLAN_BIND] = "bind",
    [CB_PLAN_FILE] = "file",
    [CB_PLAN_MASK] = "mask",
    [CB_PLAN_READ_ONLY] = "read-only",
    [CB_PLAN_CWD] = "cwd",
    [CB_PLAN_ENTER] = "enter",
    [CB_PLAN_STDIO] = "stdio",
    [CB_PLAN_RLIMIT] = "rlimit",
    [CB_PLAN_SECCOMP] = "seccomp",
    [CB_PLAN_USER] = "user",
    [CB_PLAN_NO_NEW_PRIVS] = "no-new-privs",
    [CB_PLAN_BIRTH] = "birth",
    [CB_PLAN_LEND] = "lend",
    [CB_PLAN_RESTORE] = "restore",
    [CB_PLAN_INIT] = "init",
    [CB_PLAN_EXEC] = "exec",
};

static void print_text(const struct cb_plan *plan, uint32_t offset, struct cb_strbuf *out)
{
    const char *text = plan->pool.text + offset;

    if (offset && *text) {
        cb_strbuf_addc(out, ' ');
        cb_strbuf_add_escaped(out, text, strlen(text), 0);
    }
}

static void print_step(const struct cb_plan *plan, const struct cb_plan_step *step,
                       struct cb_strbuf *out)
{
    cb_strbuf_adds(out, names[step->kind]);
    print_text(plan, step->target, out);
    switch ((enum cb_plan_kind)step->kind) {
    case CB_PLAN_FILESYSTEM:
        print_text(plan, step->text, out);
        print_text(plan, step->options, out);
        cb_strbuf_addf(out, " attributes=%#llx", (unsigned long long)step->value);
        break;
    case CB_PLAN_NAMESPACE:
        cb_strbuf_addf(out, " %#llx", (unsigned long long)step->value);
        break;
    case CB_PLAN_CGROUPS:
        cb_strbuf_addf(out, " attributes=%#llx", (unsigned long long)step->value);
        break;
    case CB_PLAN_HOSTNAME:
    case CB_PLAN_DOMAINNAME:
    case CB_PLAN_SYSCTL:
    case CB_PLAN_LINK:
    case CB_PLAN_EXEC:
        print_text(plan, step->text, out);
        break;
    case CB_PLAN_FILE:
        cb_strbuf_addf(out, " %u bytes mode=%o %u:%u", step->text_len, step->mode,
                       step->uid, step->gid);
        break;
    case CB_PLAN_RLIMIT:
        cb_strbuf_addf(out, " %u %llu:%llu", step->mode, (unsigned long long)step->value,
                       (unsigned long long)step->value2);
        break;
    case CB_PLAN_SECCOMP:
        if (step->text_len)
            cb_strbuf_addf(out, " %u instructions", step->text_len);
        else
            cb_strbuf_addf(out, " caps=%llx", (unsigned long long)step->value);
        break;
    case CB_PLAN_USER:
        cb_strbuf_addf(out, " %u:%u bounding=%llx effective=%llx", step->uid, step->gid,
                       (unsigned long long)step->value, (unsigned long long)step->value2);
        break;
    default:
        break;
    }
    cb_strbuf_addc(out, '\n');
}

void cb_plan_print(const struct cb_plan *plan, struct cb_strbuf *out)
{
    cb_vec_foreach (step, &plan->steps)
        print_step(plan, step, out);
}
