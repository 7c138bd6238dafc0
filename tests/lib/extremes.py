#!/usr/bin/env python3
"""Images that are legal and at a limit, as docker-archives.

  extremes.py links COUNT OUT     a file with so many further names
  extremes.py xattr BYTES OUT     one with an attribute of that size, and one of a byte
  extremes.py layers COUNT OUT    so many layers, each with a file of its own and one that all have
  extremes.py names COUNT DIR     files in DIR: names of any bytes but NUL and slash, of 1 to 255 bytes
"""
import hashlib
import io
import json
import os
import random
import sys
import tarfile


class Layer:
    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=b"", kind=tarfile.REGTYPE, link="", xattrs=None):
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size, info.mtime = kind, link, len(data), 1700000000
        info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def links(count):
    layer = Layer().add("file", b"x").add("d", kind=tarfile.DIRTYPE)
    for i in range(count):
        layer.add("d/%d" % i, kind=tarfile.LNKTYPE, link="file")
    return [layer]


def xattr(size):
    return [Layer().add("file", b"x", xattrs={"user.large": "v" * size, "user.small": "1"})]


def layers(count):
    return [Layer().add("layer-%d" % i, b"%d" % i).add("last", b"%d" % i) for i in range(count)]


def names(count, directory):
    chosen, choice = set(), random.Random(1)
    letters = [byte for byte in range(1, 256) if byte != ord("/")]
    while len(chosen) < count:
        name = bytes(choice.choices(letters, k=choice.choice((1, 2, 7, 40, 100, 255))))
        if name not in (b".", b"..") and not name.startswith(b".wh."):
            chosen.add(name)
    for name in chosen:
        with open(os.path.join(os.fsencode(directory), name), "xb") as file:
            file.write(name)


def save(made, path):
    parts = [layer.done() for layer in made]
    ids = [hashlib.sha256(part).hexdigest() for part in parts]
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + one for one in ids]}}).encode()
    manifest = [{"Config": "config.json", "RepoTags": [sys.argv[1] + ":latest"],
                 "Layers": [one + "/layer.tar" for one in ids]}]
    with tarfile.open(path, "w") as out:
        for name, data in [(one + "/layer.tar", part) for one, part in zip(ids, parts)] + [
                ("config.json", config), ("manifest.json", json.dumps(manifest).encode())]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))


if sys.argv[1] == "names":
    names(int(sys.argv[2]), sys.argv[3])
else:
    save({"links": links, "xattr": xattr, "layers": layers}[sys.argv[1]](int(sys.argv[2])), sys.argv[3])
