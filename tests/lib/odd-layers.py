#!/usr/bin/env python3
"""Docker archives of one plain layer that is an odd tar: odd-layers.py DIRECTORY. An archive NAME.tar for each; the names
that begin with `kept-` are of layers that cannot be made again from their files."""
import hashlib, io, json, os, subprocess, sys, tarfile, tempfile

top = sys.argv[1]
os.makedirs(top, exist_ok=True)
MANY = 200000  # bytes; a layer below 64 KiB is not worth an outline


def archive(name, layer):
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": "2020-01-01T00:00:00Z"}]}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": [name + ":1"], "Layers": ["l/layer.tar"]}]).encode()
    with tarfile.open(os.path.join(top, name + ".tar"), "w") as tar:
        for path, data in ("c.json", config), ("l/layer.tar", layer), ("manifest.json", manifest):
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with open(os.path.join(top, name + ".diff-id"), "w") as out:
        out.write("sha256:" + hashlib.sha256(layer).hexdigest())


def data(seed, size=MANY):
    return (hashlib.sha256(seed.encode()).digest() * (size // 32 + 1))[:size]


def add(tar, path, content=None, kind=None, link="", **fields):
    info = tarfile.TarInfo(path)
    info.type = kind or (tarfile.REGTYPE if content is not None else tarfile.DIRTYPE)
    info.linkname = link
    info.mtime = 1600000000.25
    info.mode = 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    if content is not None:
        info.size = len(content)
    tar.addfile(info, io.BytesIO(content) if content is not None else None)


def tree(tar):
    add(tar, "./")
    add(tar, "a")
    add(tar, "a/file", data("file"))
    add(tar, "a/empty", b"")
    add(tar, "a/odd", data("odd", 513))
    add(tar, "a/same", kind=tarfile.LNKTYPE, link="a/file")
    add(tar, "a/link", kind=tarfile.SYMTYPE, link="file")
    add(tar, "way", kind=tarfile.SYMTYPE, link="a")
    add(tar, "way/through", data("through", 700))
    add(tar, "a/.wh.gone", b"")
    add(tar, "a/.wh..wh..opq", b"")
    add(tar, "pipe", kind=tarfile.FIFOTYPE)
    add(tar, "device", kind=tarfile.CHRTYPE, devmajor=1, devminor=3)
    add(tar, "n" * 120 + "/" + "m" * 120, data("long", 1000), uid=60000, uname="somebody")
    add(tar, "xattr", b"x", pax_headers={"SCHILY.xattr.user.key": "value", "comment": "for nobody"})


def made(format, fill=tree):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        fill(tar)
    return out.getvalue()


pax = made(tarfile.PAX_FORMAT)
archive("pax", pax)
archive("gnu", made(tarfile.GNU_FORMAT))
archive("ids", made(tarfile.GNU_FORMAT, lambda tar: add(tar, "file", data("file"), uid=3000000000, gid=4000000000)))
archive("no-end", pax.rstrip(b"\0") + b"\0" * (-len(pax.rstrip(b"\0")) % 512))
archive("no-padding", pax.rstrip(b"\0"))
archive("behind-the-end", pax + data("behind", 70000))
archive("long-end", pax + bytes(300000))


def twice(tar):
    add(tar, "file", data("first"))
    add(tar, "file", data("second"))


def instead(tar):
    add(tar, "a")
    add(tar, "a/file", data("below"))
    add(tar, "a", data("above"))


def hidden(tar):
    add(tar, "file", data("file"))
    add(tar, ".wh.other", data("whiteout", 600))


archive("kept-twice", made(tarfile.PAX_FORMAT, twice))
archive("kept-instead", made(tarfile.PAX_FORMAT, instead))
archive("kept-hidden", made(tarfile.PAX_FORMAT, hidden))
with tempfile.TemporaryDirectory() as where:
    path = os.path.join(where, "sparse")
    with open(path, "wb") as file:
        file.write(data("start"))
        file.seek(3 << 20)
        file.write(data("end"))
    for name, options in ("kept-sparse", ["--format=posix"]), ("kept-sparse-gnu", ["--format=gnu"]):
        archive(name, subprocess.run(["tar", "-cS", *options, "-C", where, "sparse"], check=True,
                                     stdout=subprocess.PIPE).stdout)
