#!/usr/bin/env python3
"""Kills pull, build, load, save, tag and collection at random moments with SIGKILL, a whole process group at a time, while another
command goes on beside it half of the time. After each kill the store must be sound, nothing mounted, and a name that
was given be the old or the new one; after the last the build's digest must be that of an undisturbed store.
"""
import os
import random
import signal
import subprocess
import time

from common import (Registry, Repository, Store, Unsound, archive, arguments, context, digest_of_file, digest_of_save,
                    main, publish)

WORK = ('"$1" --root "$2" pull -q "$3" && "$1" --root "$2" tag "$3" base && '
        '"$1" --root "$2" build -q --network=none -t result "$4" && "$1" --root "$2" tag result other && '
        '"$1" --root "$2" load -q -i "$5" && "$1" --root "$2" save plain >/dev/null && '
        '"$1" --root "$2" rmi -f other && "$1" --root "$2" prune -a -f && "$1" --root "$2" tag base result && '
        '"$1" --root "$2" rmi -f plain')


def body():
    given = arguments(__doc__, 200)
    with (Registry(os.path.join(given.dir, "registry")) as registry,
          Repository(os.path.join(given.dir, "git")) as repository):
        name = publish(given, registry)
        plain = archive(given)
        plain_wanted = digest_of_file(plain)
        directory = context(os.path.join(given.dir, "context"), repository=repository)
        store = Store(given.cbuild, os.path.join(given.dir, "store"))

        errors = open(os.path.join(given.dir, "errors"), "w")

        def work():
            return subprocess.Popen(["sh", "-c", WORK, "work", given.cbuild, store.root, name, directory, plain],
                                    start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=errors)

        start = time.monotonic()
        store.ok("pull", "-q", name)
        base = store.ok("inspect", "--format", "{{.Id}}", name)
        store.ok("tag", name, "base")
        wanted = store.ok("build", "-q", "--network=none", directory)
        store.ok("load", "-q", "-i", plain)
        if digest_of_save(store, "plain") != plain_wanted:
            raise Unsound("an archive is loaded and saved as other bytes")
        store.ok("prune", "-a", "-f")
        length = (time.monotonic() - start) * 1.3
        store.remove()
        known = {base, wanted}
        killed = 0
        for turn in range(given.turns):
            if turn % 2 == 0:
                store.remove()
            beside = work() if turn % 4 > 1 else None
            process = work()
            try:
                process.wait(random.random() * length)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
            if beside:
                beside.wait(60)
            store.check()
            if store.mounts():
                raise Unsound("turn %d: still mounted: %s" % (turn, store.mounts()))
            for tag in "base", "result", "other":
                done = store.run("inspect", "--format", "{{.Id}}", tag)
                if done.returncode == 0 and done.stdout.strip() not in known:
                    raise Unsound("turn %d: %s is %s" % (turn, tag, done.stdout))
            if store.run("inspect", "plain").returncode == 0 and digest_of_save(store, "plain") != plain_wanted:
                raise Unsound("turn %d: plain is saved as other bytes" % turn)
        store.ok("pull", "-q", name)
        store.ok("tag", name, "base")
        if store.ok("build", "-q", "--network=none", directory) != wanted:
            raise Unsound("another digest than undisturbed")
        store.ok("prune", "-a", "-f")
        left = [entry for place in ("tmp", "leases") for entry in os.listdir(os.path.join(store.root, place))]
        if left:
            raise Unsound("left behind: %s" % left)
        print("%d turns, %d killed: the store was sound each time, the digest is as undisturbed" % (given.turns, killed))
        store.remove()


main(body)
