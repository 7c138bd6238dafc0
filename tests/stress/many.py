#!/usr/bin/env python3
"""Ten thousand images in the store: listing those of a name, a rebuild with nothing changed and a tag must take at most twice the
processor time that they take in a store with ten, and the store be sound; then one `rmi` takes a thousand of them away, and `image prune -a`
the rest. --turns is how often each is measured; the medians count.
"""
import json
import os
import statistics
import subprocess
import tarfile
import hashlib
import io
import time

from common import Store, Unsound, arguments, context, main


def archive(path, base, first, count):
    """An archive of images that differ in a label."""
    with open(base, "rb") as layer:
        data = layer.read()
    diff_id = "sha256:" + hashlib.sha256(data).hexdigest()
    with tarfile.open(path, "w") as out:
        def add(name, content):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))

        entries = []
        add("layer.tar", data)
        for i in range(first, first + count):
            config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"n": str(i)}},
                                 "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
            name = hashlib.sha256(config).hexdigest() + ".json"
            add(name, config)
            entries.append({"Config": name, "RepoTags": ["many/image%d:latest" % i], "Layers": ["layer.tar"]})
        add("manifest.json", json.dumps(entries).encode())


def median(turns, store, command):
    """Processor time of the whole process, in milliseconds: what else the machine does counts for little."""
    times = []
    for turn in range(turns + 2):
        line = store.line(*[word.replace("TURN", str(turn)) for word in command])
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise Unsound("%s: status %d" % (command, status))
        times.append((used.ru_utime + used.ru_stime) * 1000)
    return statistics.median(times[2:])


def clear(store):
    start = time.monotonic()
    store.ok("rmi", *["many/image%d" % i for i in range(1000)])
    print("1000 of them removed in %.1f s" % (time.monotonic() - start))
    start = time.monotonic()
    store.ok("image", "prune", "-a", "-f")
    print("the others in %.1f s" % (time.monotonic() - start))
    store.ok("fsck")
    if store.ok("images", "-a", "-q") or os.listdir(os.path.join(store.root, "blobs/sha256")):
        raise Unsound("something is left of images that were removed")


def body():
    given = arguments(__doc__, 21)
    directory = context(os.path.join(given.dir, "context"))
    path = os.path.join(given.dir, "images.tar")
    figures = {}
    for count in 10, 10000:
        store = Store(given.cbuild, os.path.join(given.dir, "store%d" % count))
        store.ok("import", given.base, "base")
        start = time.monotonic()
        for first in range(0, count, 500):
            archive(path, given.base, first, min(count, 500))
            store.ok("load", "-q", "-i", path)
        print("%d images loaded in %.1f s" % (count, time.monotonic() - start), flush=True)
        store.ok("build", "-q", "--network=none", "-t", "result", directory)
        figures[count] = {
            "images NAME": median(given.turns, store, ["images", "base"]),
            "a rebuild with nothing changed": median(given.turns, store, ["build", "-q", "--network=none", "-t", "result", directory]),
            "tag": median(given.turns, store, ["tag", "base", "tagged:TURN"]),
        }
        every = median(3, store, ["images"])
        print("all %d listed: %.1f ms, %.1f us each" % (count, every, every * 1000 / count), flush=True)
    for what, few in figures[10].items():
        print("%-32s %6.1f ms with ten, %6.1f ms with ten thousand" % (what, few, figures[10000][what]))
    for what, few in figures[10].items():
        if figures[10000][what] > 2 * few:
            raise Unsound("%s takes more than twice as long" % what)
    store.ok("fsck")
    clear(store)
    store.remove()


main(body)
