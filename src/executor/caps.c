/* Capabilities: Docker's default set plus and minus what was asked. The calls are the
 * kernel's own: libcap would allocate and read /proc for each of them. */
#include "executor/caps-priv.h"

#include <errno.h>
#include <linux/capability.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* In the kernel's numbering. */
static const char *const names[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};

#define ALL_CAPS ((1ULL << CB_ARRAY_SIZE(names)) - 1)

int cb_caps_parse(const char *name, uint64_t *mask, struct cb_error **err)
{
    const char *bare = strncasecmp(name, "CAP_", 4) ? name : name + 4;

    if (!strcasecmp(bare, "ALL")) {
        *mask = ALL_CAPS;
        return 0;
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (!strcasecmp(bare, names[i])) {
            *mask = 1ULL << i;
            return 0;
        }
    }
    return cb_error_set(err, CB_ERR_USAGE, "unknown capability: \"%s%s\"",
                        bare == name ? "CAP_" : "", name);
}

int cb_cap_is_known(const char *name)
{
    uint64_t mask;

    return cb_caps_parse(name, &mask, NULL) == 0;
}

int cb_caps_held(uint64_t *mask, struct cb_error **err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};

    if (syscall(SYS_capget, &header, data) < 0)
        return cb_error_errno(err, errno, "capget");
    *mask = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

static int add_all(const struct cb_strings *list, uint64_t *mask, struct cb_error **err)
{
    *mask = 0;
    for (size_t i = 0; list && i < list->count; i++) {
        uint64_t one;

        if (cb_caps_parse(list->items[i], &one, err) < 0)
            return -1;
        *mask |= one;
    }
    return 0;
}

static int not_held(uint64_t mask, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_DENIED,
                        "capability not available in the current environment: "
                        "\"CAP_%s\"",
                        names[__builtin_ctzll(mask)]);
}

int cb_caps_of_spec(const struct cb_process_spec *spec, uint64_t *mask,
                    struct cb_error **err)
{
    uint64_t base = CB_CAPS_DEFAULT, added = 0, dropped = 0, ours = 0;

    if (add_all(spec->cap_add, &added, err) < 0 ||
        add_all(spec->cap_drop, &dropped, err) < 0 || cb_caps_held(&ours, err) < 0)
        return -1;
    if (spec->security == CB_SECURITY_INSECURE)
        base = ALL_CAPS;
    /* --cap-add ALL --cap-drop X leaves all but X; --cap-drop ALL --cap-add X leaves X;
     * what is both added and dropped is added. */
    if (added == ALL_CAPS)
        *mask = ALL_CAPS & ~(dropped == ALL_CAPS ? 0 : dropped);
    else if (dropped == ALL_CAPS)
        *mask = added;
    else
        *mask = (base & ~dropped) | added;
    if (added != ALL_CAPS && added & ~ours)
        return not_held(added & ~ours, err);
    *mask &= ours;
    return 0;
}

int cb_caps_bound(uint64_t mask, struct cb_error **err)
{
    for (int cap = 0; cap < 64; cap++) {
        if (mask & 1ULL << cap)
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL)
            break; /* beyond the kernel's last one */
        return cb_error_errno(err, errno, "drop capability %d", cap);
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return cb_error_errno(err, errno, "clear ambient capabilities");
    return 0;
}

int cb_caps_set(uint64_t mask, struct cb_error **err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)mask, .permitted = (uint32_t)mask},
        {.effective = (uint32_t)(mask >> 32), .permitted = (uint32_t)(mask >> 32)},
    };

    if (syscall(SYS_capset, &header, data) < 0)
        return cb_error_errno(err, errno, "capset");
    return 0;
}
