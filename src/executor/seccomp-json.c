/* A system call filter from a profile in Docker's form of JSON (--security-opt
 * seccomp=FILE), compiled by libseccomp. Rules that the conditions of a profile leave out
 * (capabilities, architectures, kernels) are left out, and calls that libseccomp does not
 * know, as Docker has it. */
#include "executor/seccomp-priv.h"

#include "base/fs.h"
#include "base/json.h"
#include "executor/caps-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROGRAM_MAX (BPF_MAXINSNS * sizeof(struct sock_filter))
#define PROFILE_MAX (16u << 20)
#define ARGS_MAX    6

void cb_seccomp_program_clear(struct cb_seccomp_program *program)
{
    cb_strbuf_free(&program->bytes);
}

static int malformed(struct cb_error **err, const char *what, const char *text)
{
    return cb_error_set(err, CB_ERR_USAGE, "seccomp profile: %s `%s`", what,
                        text ? text : "");
}

static int find_action(const char *name, unsigned errnum, uint32_t *out,
                       struct cb_error **err)
{
    static const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
        {"SCMP_ACT_KILL", SCMP_ACT_KILL},
        {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL},
        {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
        {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
        {"SCMP_ACT_LOG", SCMP_ACT_LOG},
        {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
        {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    };

    for (size_t i = 0; name && i < CB_ARRAY_SIZE(actions); i++) {
        if (strcmp(name, actions[i].name))
            continue;
        *out = actions[i].action;
        if (*out == SCMP_ACT_ERRNO(0) || *out == SCMP_ACT_TRACE(0))
            *out |= errnum & 0xffff;
        return 0;
    }
    return malformed(err, "unknown action", name);
}

/* ── Conditions ── */

static const char *const native_names[] = {
#if defined(__x86_64__)
    "amd64",
#elif defined(__aarch64__)
    "arm64",
#endif
};

static int has_native(const json_t *arches)
{
    for (size_t i = 0; i < json_array_size(arches); i++) {
        const char *text = json_string_value(json_array_get(arches, i));

        for (size_t n = 0; text && n < CB_ARRAY_SIZE(native_names); n++) {
            if (!strcmp(text, native_names[n]))
                return 1;
        }
    }
    return 0;
}

/* The capabilities named that are in CAPS: all of them, any of them. */
static void look_for_caps(const json_t *names, uint64_t caps, int *all, int *any)
{
    *all = 1;
    *any = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        uint64_t mask = 0;

        if (!name || cb_caps_parse(name, &mask, NULL) < 0 || !(mask & caps))
            *all = 0;
        else
            *any = 1;
    }
}

/* "4.8": is the kernel that new? */
static int kernel_has(const char *least)
{
    unsigned wanted[2] = {0}, is[2] = {0};
    struct utsname name;

    if (!least || sscanf(least, "%u.%u", &wanted[0], &wanted[1]) != 2 ||
        uname(&name) < 0 || sscanf(name.release, "%u.%u", &is[0], &is[1]) != 2)
        return 1;
    return is[0] != wanted[0] ? is[0] > wanted[0] : is[1] >= wanted[1];
}

static int applies(const json_t *rule, uint64_t caps)
{
    const json_t *in = json_object_get(rule, "includes");
    const json_t *out = json_object_get(rule, "excludes");
    const char *kernel = json_string_value(json_object_get(in, "minKernel"));
    int all, any;

    look_for_caps(json_object_get(in, "caps"), caps, &all, &any);
    if (!all || (json_array_size(json_object_get(in, "arches")) &&
                 !has_native(json_object_get(in, "arches"))))
        return 0;
    if (kernel && !kernel_has(kernel))
        return 0;
    look_for_caps(json_object_get(out, "caps"), caps, &all, &any);
    kernel = json_string_value(json_object_get(out, "minKernel"));
    return !any && !has_native(json_object_get(out, "arches")) &&
           !(kernel && kernel_has(kernel));
}

/* ── Rules ── */

static int read_argument(const json_t *arg, struct scmp_arg_cmp *out,
                         struct cb_error **err)
{
    static const struct {
        const char *name;
        enum scmp_compare op;
    } ops[] = {
        {"SCMP_CMP_NE", SCMP_CMP_NE},
        {"SCMP_CMP_LT", SCMP_CMP_LT},
        {"SCMP_CMP_LE", SCMP_CMP_LE},
        {"SCMP_CMP_EQ", SCMP_CMP_EQ},
        {"SCMP_CMP_GE", SCMP_CMP_GE},
        {"SCMP_CMP_GT", SCMP_CMP_GT},
        {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    };
    const char *op = json_string_value(json_object_get(arg, "op"));
    json_int_t index = json_integer_value(json_object_get(arg, "index"));

    if (index < 0 || index >= ARGS_MAX)
        return malformed(err, "argument", "index");
    for (size_t i = 0; op && i < CB_ARRAY_SIZE(ops); i++) {
        if (strcmp(op, ops[i].name))
            continue;
        out->arg = (unsigned)index;
        out->op = ops[i].op;
        out->datum_a = (uint64_t)json_integer_value(json_object_get(arg, "value"));
        out->datum_b = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo"));
        return 0;
    }
    return malformed(err, "unknown comparison", op);
}

/* One argument compared twice means either, as in runc: a rule for each. */
static int add_call(scmp_filter_ctx filter, uint32_t action, int number,
                    const struct scmp_arg_cmp *args, unsigned count)
{
    int repeated = 0, status = 0;

    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < i; k++)
            repeated |= args[i].arg == args[k].arg;
    if (!repeated)
        return seccomp_rule_add_array(filter, action, number, count, args);
    for (unsigned i = 0; i < count && status == 0; i++)
        status = seccomp_rule_add_array(filter, action, number, 1, &args[i]);
    return status;
}

static int add_name(scmp_filter_ctx filter, const char *name, uint32_t action,
                    const struct scmp_arg_cmp *args, unsigned count,
                    struct cb_error **err)
{
    int number, status;

    if (!name)
        return malformed(err, "a rule without names", NULL);
    number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    status = add_call(filter, action, number, args, count);
    /* The same as the default is no rule. */
    if (status < 0 && status != -EACCES && status != -EEXIST)
        return cb_error_errno(err, -status, "seccomp profile: rule for `%s`", name);
    return 0;
}

static int add_rule(scmp_filter_ctx filter, const json_t *rule, uint64_t caps,
                    unsigned default_errno, struct cb_error **err)
{
    const json_t *names = json_object_get(rule, "names");
    const json_t *list = json_object_get(rule, "args");
    const json_t *errnum = json_object_get(rule, "errnoRet");
    const char *action = json_string_value(json_object_get(rule, "action"));
    struct scmp_arg_cmp args[ARGS_MAX] = {{0}};
    unsigned count = (unsigned)json_array_size(list);
    uint32_t what = 0;

    if (!applies(rule, caps))
        return 0;
    if (find_action(action, errnum ? (unsigned)json_integer_value(errnum) : default_errno,
                    &what, err) < 0)
        return -1;
    if (count > ARGS_MAX)
        return malformed(err, "too many arguments", NULL);
    for (unsigned i = 0; i < count; i++) {
        if (read_argument(json_array_get(list, i), &args[i], err) < 0)
            return -1;
    }
    if (!names)
        return add_name(filter, json_string_value(json_object_get(rule, "name")), what,
                        args, count, err);
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (add_name(filter, json_string_value(json_array_get(names, i)), what, args,
                     count, err) < 0)
            return -1;
    }
    return 0;
}

/* ── All ── */

/* What our own processor can also run; a profile that names architectures names these. */
static void add_arches(scmp_filter_ctx filter)
{
#if defined(__x86_64__)
    seccomp_arch_add(filter, SCMP_ARCH_X86);
    seccomp_arch_add(filter, SCMP_ARCH_X32);
#elif defined(__aarch64__)
    seccomp_arch_add(filter, SCMP_ARCH_ARM);
#endif
}

static int export(scmp_filter_ctx filter, struct cb_strbuf *out, struct cb_error **err)
{
    cb_autofd int fd = memfd_create("cbuild-seccomp", MFD_CLOEXEC);
    int status = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);

    if (status < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return cb_error_errno(err, status < 0 ? -status : errno,
                              "seccomp profile: compile");
    return cb_fs_read_fd(fd, PROGRAM_MAX, out, err);
}

static int fill(scmp_filter_ctx filter, const json_t *profile, uint64_t caps,
                unsigned default_errno, struct cb_error **err)
{
    const json_t *rules = json_object_get(profile, "syscalls");

    add_arches(filter);
    for (size_t i = 0; i < json_array_size(rules); i++) {
        if (add_rule(filter, json_array_get(rules, i), caps, default_errno, err) < 0)
            return -1;
    }
    return 0;
}

static int compile(const json_t *profile, uint64_t caps, struct cb_strbuf *out,
                   struct cb_error **err)
{
    const json_t *errnum = json_object_get(profile, "defaultErrnoRet");
    unsigned fallback = errnum ? (unsigned)json_integer_value(errnum) : EPERM;
    scmp_filter_ctx filter;
    uint32_t action = 0;
    int status;

    if (find_action(json_string_value(json_object_get(profile, "defaultAction")),
                    fallback, &action, err) < 0)
        return -1;
    filter = seccomp_init(action);
    if (!filter)
        return cb_error_set(err, CB_ERR_SYSTEM, "seccomp profile: libseccomp failed");
    status = fill(filter, profile, caps, EPERM, err);
    if (status == 0)
        status = export(filter, out, err);
    seccomp_release(filter);
    return status;
}

int cb_seccomp_compile_json(const char *json, uint64_t caps,
                            struct cb_seccomp_program *out, struct cb_error **err)
{
    cb_auto_json *profile = NULL;

    if (cb_json_parse(&profile, "seccomp profile", json, strlen(json), PROFILE_MAX, err) <
        0)
        return -1;
    if (!json_is_object(profile))
        return malformed(err, "not an object", NULL);
    return compile(profile, caps, &out->bytes, err);
}
