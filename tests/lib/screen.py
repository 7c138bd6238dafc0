#!/usr/bin/env python3
"""Runs a command with standard error on a terminal of a given size and prints what stands on that terminal.

    screen.py COLUMNSxROWS[,TEXT:COLUMNSxROWS] COMMAND...

Just enough of a terminal for a live view: lines, wrapping, cursor up, erasing, carriage return; colours are passed over. With a
second size the terminal gets it once TEXT stands on it, and then the file $WHEN_RESIZED is made. Lines that scrolled off are
printed, too. The command's standard output is thrown away, and its exit status is the last line.
"""
import fcntl, os, pty, re, select, signal, struct, sys, termios, unicodedata


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.y, self.x = [""], 0, 0  # all lines since the beginning; the last ROWS are visible

    def put(self, c):
        width = 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if self.x + width > self.columns:
            self.newline()
            self.x = 0
        line = self.lines[self.y].ljust(self.x)
        self.lines[self.y] = line[:self.x] + c + "\0" * (width - 1) + line[self.x + width:]
        self.x += width

    def newline(self):
        self.y += 1
        if self.y == len(self.lines):
            self.lines.append("")

    def control(self, code, number):
        if code == "A":
            self.y = max(self.y - (number or 1), len(self.lines) - self.rows, 0)
        elif code == "K":
            self.lines[self.y] = self.lines[self.y][:self.x]
        elif code == "J":
            self.lines[self.y] = self.lines[self.y][:self.x]
            del self.lines[self.y + 1:]
        elif code != "m":
            sys.exit("unknown control: %r" % code)

    def resize(self, columns, rows):
        """As terminals do that wrap lines anew: the cursor stays at its text."""
        lines, y = [], 0
        for i, line in enumerate(self.lines):
            parts = [line[j:j + columns] for j in range(0, len(line), columns)] or [""]
            if i == self.y:
                y = len(lines)
            lines += parts
        self.lines, self.y, self.columns, self.rows = lines, y, columns, rows

    def feed(self, text):
        for escape, number, code, c in re.findall(r"(\x1b\[(\d*)[;\d]*([A-Za-z]))|(.)", text, re.S):
            if escape:
                self.control(code, int(number or 0))
            elif c == "\n":
                self.newline()
            elif c == "\r":
                self.x = 0
            elif c < " ":
                sys.exit("control code on the terminal: %r" % c)
            else:
                self.put(c)


def size(text):
    return [int(n) for n in text.split("x")]


first, _, later = sys.argv[1].partition(",")
screen = Screen(*size(first))
when, _, then = later.rpartition(":")
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", screen.rows, screen.columns, 0, 0))
child = os.fork()
if child == 0:
    os.dup2(slave, 2)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execvp(sys.argv[2], sys.argv[2:])
os.close(slave)
pending = b""


def read():
    """Takes what has come; nothing more is to come when that is false."""
    global pending
    try:
        data = os.read(master, 65536)
    except OSError:
        data = b""
    pending += data
    text = pending.decode("utf-8", "ignore")
    cut = re.search(r"\x1b\[?[\d;]*$", text)
    if cut:
        text = text[:cut.start()]
    pending = pending[len(text.encode()):]
    screen.feed(text)
    return data


def resize():
    """Between two pictures: what was drawn for the old size stands there before."""
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    while select.select([master], [], [], 0)[0] and read():
        pass
    screen.resize(*size(then))
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", screen.rows, screen.columns, 0, 0))
    if "WHEN_RESIZED" in os.environ:
        open(os.environ["WHEN_RESIZED"], "w").close()
    os.kill(child, signal.SIGCONT)


while read():
    if when and any(when in line for line in screen.lines):
        when = ""
        resize()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("\n".join(line.replace("\0", "").rstrip() for line in screen.lines).rstrip("\n"))
print("status %d" % status)
