#!/usr/bin/env python3
"""Prints the OCI runtime configuration that Docker would give runc for a RUN step: the
reference our own sandbox is compared with. Usage: runc-config.py PROFILE.json COMMAND..."""
import json
import os
import resource
import sys

CAPS = """CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP
NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE""".split()
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
MASKED = """/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys
/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats
/sys/firmware /sys/devices/virtual/powercap""".split()
READ_ONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()


def applies(rule, caps):
    """Does a conditional rule hold for these capabilities on this machine?"""
    includes, excludes = rule.get("includes", {}), rule.get("excludes", {})
    if includes.get("arches") and ARCH not in includes["arches"]:
        return False
    if includes.get("caps") and not set(includes["caps"]) <= caps:
        return False
    if ARCH in excludes.get("arches", []):
        return False
    return not set(excludes.get("caps", [])) & caps


def seccomp(path, caps):
    with open(path) as file:
        profile = json.load(file)
    native = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}[ARCH]
    row = next(r for r in profile["archMap"] if r["architecture"] == native)
    rules = [
        {k: rule[k] for k in ("names", "action", "args", "errnoRet") if k in rule}
        for rule in profile["syscalls"]
        if applies(rule, caps)
    ]
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile["defaultErrnoRet"],
        "architectures": [native] + row["subArchitectures"],
        "syscalls": rules,
    }


def mount(target, kind, source, options):
    return {"destination": target, "type": kind, "source": source, "options": options.split(",")}


def main():
    caps = {"CAP_" + name for name in CAPS}
    files = min(1048576, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    config = {
        "ociVersion": "1.0.2",
        "hostname": "box",
        "root": {"path": "rootfs"},
        "process": {
            "user": {"uid": 0, "gid": 0, "additionalGids": [0]},
            "args": sys.argv[2:],
            "env": ["PATH=/bin", "HOME=/"],
            "cwd": "/",
            "capabilities": {k: sorted(caps) for k in ("bounding", "effective", "permitted")},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": files, "soft": files}],
        },
        "mounts": [
            mount("/proc", "proc", "proc", "nosuid,noexec,nodev"),
            mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
            mount("/dev/pts", "devpts", "devpts",
                  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
            mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
            mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=67108864"),
        ],
        "linux": {
            "namespaces": [{"type": t} for t in ("mount", "network", "uts", "pid", "ipc")],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
            "seccomp": seccomp(sys.argv[1], caps),
            "resources": {"devices": [{"allow": True, "access": "rwm"}]},
        },
    }
    json.dump(config, sys.stdout, indent=1)


main()
