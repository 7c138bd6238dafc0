#!/usr/bin/env python3
"""Runs a command whose output is its sign of life, and ends it when that stays away.

  until-still.py SECONDS OUTPUT COMMAND...

Both streams of the command go to the file OUTPUT. When nothing was added there for SECONDS, the processes that are left of it are
named in OUTPUT, in a line that fails as TAP, and killed. So are those that outlive the command: they do not fail it.
The status is the command's.
"""
import ctypes, os, signal, sys, time

PR_SET_CHILD_SUBREAPER = 36  # prctl(2): what its parent leaves behind becomes a child of ours


def read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:  # gone meanwhile
        return ""


def descendants(root):
    """All that descend from a process, as (pid, state), parents first."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = read(pid, "stat").rpartition(")")[2].split()
        if fields:
            children.setdefault(int(fields[1]), []).append((int(pid), fields[0]))
    found = list(children.get(root, []))
    for pid, _ in found:
        found += children.get(pid, [])
    return found


def describe(pid, state):
    words = read(pid, "cmdline").replace("\0", " ").replace("\n", " ").strip() or f"[{read(pid, 'comm').strip()}]"
    return f"#   {pid} {state} in {read(pid, 'wchan') or '?'}: {words[:300]}\n"


def kill_all():
    """Again and again, since they may make new ones, until each is gone or cannot be killed."""
    for _ in range(100):
        left = [pid for pid, state in descendants(os.getpid()) if state != "Z"]
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        reap(None)
        if not left:
            return
        time.sleep(0.05)


def reap(main):
    """The status of main, if it is among those that have ended."""
    status = None
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == main:
                status = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        pass
    return status


def run(limit, output, command):
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    main = os.fork()
    if main == 0:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)
    size, since = 0, time.monotonic()
    while (status := reap(main)) is None:
        time.sleep(0.1)
        now = os.fstat(output).st_size
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > limit:
            left = "".join(describe(*process) for process in descendants(os.getpid()))
            os.write(output, f"not ok 1 - nothing was heard for {limit:g} s of: {' '.join(command)}\n{left}".encode())
            status = 1
            break
    kill_all()
    return status if status >= 0 else 128 - status


limit, path, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
sys.exit(run(limit, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644), command))
