#!/usr/bin/env python3
"""Makes every call that takes space on a disk fail once, one after another: with a full disk at this one call, with a disk
that stays full from there on, with an error of the device, and by killing the process there (tests/stress/fail-at.c). Each
time the command must end by itself, with its result or with an error that names the cause, and the store be sound; then
the same command must work and the build's digest be as undisturbed.

  faults.py [--turns N]   at most N places of each command and fault, evenly spread (default: all)
"""
import errno
import os
import shutil
import signal
import struct
import subprocess

from common import TOP, Registry, Repository, Store, Unsound, archive, arguments, context, digest_of_file, main, publish

FAULTS = [("full once", errno.ENOSPC, False, "no space left"), ("full from there", errno.ENOSPC, True, "no space left"),
          ("broken once", errno.EIO, False, "input/output error"), ("killed", 0, False, "")]

# What SQLite calls it when a call on the index fails for whatever reason.
OF_SQLITE = ("disk i/o error", "unable to open database file")


class Place:
    """The store before the command, which each try begins with."""

    def __init__(self, given, library):
        self.given, self.library = given, library
        self.good = os.path.join(given.dir, "good")
        self.store = Store(given.cbuild, os.path.join(given.dir, "store"))
        self.count = os.path.join(given.dir, "count")
        self.saved, self.archive_wanted = os.path.join(given.dir, "saved.tar"), None

    def keep(self):
        shutil.rmtree(self.good, ignore_errors=True)
        if os.path.exists(self.store.root):
            subprocess.run(["cp", "-a", "--sparse=always", self.store.root, self.good], check=True)

    def again(self):
        self.store.remove()
        if os.path.exists(self.good):
            subprocess.run(["cp", "-a", "--sparse=always", self.good, self.store.root], check=True)

    def run(self, command, at, code, onward):
        with open(self.count, "wb") as count:
            count.write(bytes(8))
        more = dict(os.environ, LD_PRELOAD=self.library, CB_FAIL_COUNT=self.count, CB_FAIL_AT=str(at),
                    CB_FAIL_ERRNO=str(code))
        if onward:
            more["CB_FAIL_ONWARD"] = "1"
        return self.store.run(*command, env=more)

    def archive(self):
        """What `save` has written, as a digest."""
        return digest_of_file(self.saved) if os.path.exists(self.saved) else None

    def calls(self):
        with open(self.count, "rb") as count:
            return struct.unpack("q", count.read(8))[0]


def judge(done, command, fault, at, text):
    what = "%s, %s at call %d: status %d\n%s%s" % (command[0], fault, at, done.returncode, done.stdout, done.stderr)
    if fault == "killed":
        if done.returncode not in (-signal.SIGKILL, 0, 1, 125):
            raise Unsound(what)
    elif done.returncode not in (0, 1, 125):
        raise Unsound(what)
    elif done.returncode and not any(cause in done.stderr.lower() for cause in (text, *OF_SQLITE)):
        raise Unsound("the cause is not named: " + what)
    return what


def one(place, command, wanted):
    place.keep()
    done = place.run(command, 0, 0, False)
    if done.returncode:
        raise Unsound("%s: %s" % (command, done.stderr))
    calls = place.calls()
    step = max(1, calls // place.given.turns) if place.given.turns else 1
    failed = 0
    for fault, code, onward, text in FAULTS:
        for at in range(1, calls + 1, step):
            place.again()
            try:
                done = place.run(command, at, code, onward)
            except subprocess.TimeoutExpired:
                raise Unsound("%s, %s at call %d: it hangs" % (command[0], fault, at))
            what = judge(done, command, fault, at, text)
            failed += done.returncode != 0
            if done.returncode == 0 and wanted and done.stdout.strip() != wanted:
                raise Unsound("no error, and another result: " + what)
            if done.returncode == 0 and place.archive_wanted and place.archive() != place.archive_wanted:
                raise Unsound("no error, and another archive: " + what)
            try:
                place.store.check()
                if place.store.mounts():
                    raise Unsound("still mounted")
                if place.store.ok(*command) != wanted and wanted:
                    raise Unsound("another result")
                place.store.check()
            except Unsound as error:
                raise Unsound("%safter that: %s" % (what, error))
    print("%-7s %4d calls, each %d faults: %d failed, the store was sound each time" % (command[0], calls, len(FAULTS), failed),
          flush=True)
    place.again()
    place.store.ok(*command)


def containers(place, file):
    one(place, ["volume", "create", "named"], "named")
    one(place, ["create", "--network=none", "-v", "named:/n", "-v", "/w", "base", "true"], None)
    place.store.ok("create", "--name=kept", "--network=none", "base", "true")
    one(place, ["cp", "-q", file, "kept:/"], "")
    one(place, ["commit", "kept", "committed"], None)
    place.store.ok("rm", "-v", *place.store.ok("ps", "-aq").split())
    place.store.ok("volume", "rm", "named")
    place.store.ok("rmi", "-f", "committed")


def body():
    given = arguments(__doc__.split("\n\n")[0], 0)
    library = os.path.join(given.dir, "fail-at.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, os.path.join(TOP, "tests/stress/fail-at.c"), "-ldl"],
                   check=True)
    with (Registry(os.path.join(given.dir, "registry")) as registry,
          Repository(os.path.join(given.dir, "git")) as repository):
        name = publish(given, registry, layers=2, size=300000)
        plain = archive(given, size=400000)
        directory = context(os.path.join(given.dir, "context"), repository=repository)
        place = Place(given, library)
        one(place, ["pull", "-q", name], "")
        one(place, ["tag", name, "base"], "")
        containers(place, plain)
        other = Store(given.cbuild, os.path.join(given.dir, "other"))
        other.ok("pull", "-q", name)
        other.ok("tag", name, "base")
        wanted = other.ok("build", "-q", "--network=none", directory)
        one(place, ["build", "-q", "--network=none", "-t", "result", directory], wanted)
        save = ["save", "--format", "oci-archive", "-o", place.saved, "result"]
        place.store.ok(*save)
        place.archive_wanted = place.archive()
        os.unlink(place.saved)
        one(place, save, "")
        place.archive_wanted = None
        one(place, ["import", given.base, "imported"], "")
        one(place, ["rmi", "-f", "imported"], None)
        one(place, ["prune", "-a", "-f"], None)
        one(place, ["load", "-q", "-i", place.saved], "")
        one(place, ["load", "-q", "-i", plain], "")
        place.archive_wanted = digest_of_file(plain)
        one(place, ["save", "-o", place.saved, "plain"], "")
        place.store.remove()


main(body)
