#!/usr/bin/env python3
"""Cuts the power of the store's file system at random moments of pull, build, load, tag and create: a journaled ext4 on a
loop device is shut down without its log being flushed (EXT4_IOC_SHUTDOWN), mounted again, and asked. Nothing that a
command had reported as done may be lost: each name leads to the image it led to, which can be saved, to the same bytes as
before; containers start, with their volumes. What tells the store of a power cut is another boot id, so the script
changes that too, in a mount namespace of its own.
"""
import fcntl
import os
import random
import struct
import subprocess
import sys
import time
import uuid

from common import Registry, Repository, Store, Unsound, archive, arguments, context, digest_of_save, main, publish

BOOT_ID = "/proc/sys/kernel/random/boot_id"
EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_LOG = 2


class Disk:
    def __init__(self, directory):
        self.image, self.at = os.path.join(directory, "disk"), os.path.join(directory, "mnt")
        os.makedirs(self.at)
        with open(self.image, "wb") as image:
            image.truncate(1 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.boot = os.path.join(directory, "boot-id")
        open(self.boot, "w").close()
        subprocess.run(["mount", "--bind", self.boot, BOOT_ID], check=True)
        self.mount()

    def mount(self):
        with open(self.boot, "w") as boot:
            boot.write("%s\n" % uuid.uuid4())
        subprocess.run(["mount", "-o", "loop", self.image, self.at], check=True)

    def cut(self):
        fd = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        os.close(fd)

    def unmount(self):
        for _ in range(400):
            subprocess.run(["umount", self.at], capture_output=True)
            # Other mount namespaces of the machine may keep the dead file system alive for a while.
            if not subprocess.run(["losetup", "-j", self.image], capture_output=True).stdout:
                return
            time.sleep(0.05)
        raise Unsound("something still uses %s" % self.at)


known = {}


def body():
    given = arguments(__doc__, 40)
    with (Registry(os.path.join(given.dir, "registry")) as registry,
          Repository(os.path.join(given.dir, "git")) as repository):
        name = publish(given, registry)
        plain = archive(given)
        disk = Disk(given.dir)
        store = Store(given.cbuild, os.path.join(disk.at, "store"))
        lost = turns = 0
        try:
            for turn in range(given.turns):
                if turn % 4 == 0:
                    store.remove()
                turns += one(given, disk, store, (name, plain, repository), turn)
        finally:
            disk.unmount()
        print("%d cuts, %d of them after something was reported as done: none of it was lost" % (given.turns, turns))
        os.unlink(disk.image)


def one(given, disk, store, sources, turn):
    name, plain, repository = sources
    directory = context(os.path.join(given.dir, "context"), repository=repository)
    with open(os.path.join(directory, "Dockerfile"), "a") as file:
        file.write("LABEL turn=%d\nRUN echo %d > /turn\n" % (turn, turn))
    commands = [["pull", "-q", name], ["tag", name, "base"], ["build", "-q", "--network=none", "-t", "t%d" % turn, directory],
                ["tag", "t%d" % turn, "u%d" % turn], ["save", "-o", os.path.join(disk.at, "saved.tar"), "t%d" % turn],
                ["volume", "create", "v%d" % turn],
                ["create", "--name", "c%d" % turn, "--network=none", "-v", "v%d:/v" % turn, "-v", "/w", "base", "true"],
                ["import", given.base, "i%d" % turn]]
    if turn % 2:
        commands.insert(0, ["load", "-q", "-i", plain])
    done, deadline = [], time.monotonic() + random.random()
    for command in commands:
        process = store.start(*command)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        if process.poll() is None:
            break
        if process.returncode:
            raise Unsound("%s: %s" % (command, process.stdout.read()))
        process.stdout.close()
        done.append(command)
    before = {line.split()[0]: line.split()[1] for line in promised(store, done)} if done else {}
    disk.cut()
    if process.poll() is None:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            raise Unsound("%s hangs when its disk is gone" % process.args)
    process.stdout.close()
    disk.unmount()
    disk.mount()
    store.check()
    for tag, image in before.items():
        now = store.run("inspect", "--format", "{{.Id}}", tag)
        if now.stdout.strip() != image:
            raise Unsound("turn %d: %s was %s, is %s%s" % (turn, tag, image, now.stdout, now.stderr))
        first = digest_of_save(store, tag)
        if not first:
            raise Unsound("turn %d: %s, reported as done, cannot be saved after the cut" % (turn, tag))
        if known.setdefault((tag, image), first) != first:
            raise Unsound("turn %d: %s is saved as other bytes" % (turn, tag))
    for command in done:
        if command[0] == "volume":
            store.ok("volume", "inspect", command[-1])
        if command[0] == "create":
            store.ok("start", "-a", command[2])
    for container in store.ok("ps", "-aq").split():
        store.ok("rm", "-v", container)
    return bool(done)


def promised(store, done):
    """The names that the commands that were done have reported, without another look that would sync anything."""
    for command in done:
        tag = {"pull": command[-1], "tag": command[-1], "import": command[-1]}.get(command[0])
        tag = command[3 + 1] if command[0] == "build" else tag
        tag = "plain" if command[0] == "load" else tag
        if tag:
            yield "%s %s" % (tag, store.ok("inspect", "--format", "{{.Id}}", tag))


if "CB_STRESS_ALONE" not in os.environ:
    os.environ["CB_STRESS_ALONE"] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
main(body)
