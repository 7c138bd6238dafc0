#!/usr/bin/env python3
"""Runs a command on a terminal of its own and plays a part in it.

  on-terminal.py [ROWSxCOLUMNS] STEP... -- COMMAND...

Steps: `expect:TEXT` waits for output that has TEXT, `send:TEXT` types it (with \\r, \\x10 and so on),
`resize:ROWSxCOLUMNS`, `signal:NUMBER`, `touch:FILE` makes a file. Then the end is waited for; output and exit status are the command's.
"""
import codecs, fcntl, os, pty, select, signal, struct, sys, termios, time

LIMIT = 120


def set_size(fd, text):
    rows, columns = (int(part) for part in text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    words = sys.argv[1:]
    steps, command = words[:words.index("--")], words[words.index("--") + 1:]
    size = steps.pop(0) if steps and ":" not in steps[0] else "24x80"
    pid, fd = pty.fork()
    if pid == 0:
        set_size(0, size)
        os.execvp(command[0], command)
    seen = b""
    at = 0
    deadline = time.monotonic() + LIMIT

    def read():
        nonlocal seen
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.stdout.buffer.write(seen)
            sys.exit("gave up")
        try:
            piece = os.read(fd, 65536)
        except OSError:
            piece = b""
        seen += piece
        return piece

    for step in steps:
        kind, _, text = step.partition(":")
        data = codecs.decode(text, "unicode_escape").encode("latin-1")
        if kind == "expect":
            while data not in seen[at:]:
                if not read():
                    sys.stdout.buffer.write(seen)
                    sys.exit("ended before: " + text)
            at = seen.index(data, at) + len(data)
        elif kind == "send":
            os.write(fd, data)
        elif kind == "resize":
            set_size(fd, text)
            os.kill(pid, signal.SIGWINCH)
        elif kind == "signal":
            os.kill(pid, int(text))
        elif kind == "touch":
            open(text, "w").close()
    while read():
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stdout.buffer.write(seen)
    sys.stdout.flush()
    sys.exit(status if status >= 0 else 128 - status)


main()
