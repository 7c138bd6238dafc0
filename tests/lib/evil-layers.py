#!/usr/bin/env python3
"""Images with one evil layer each, for tests. Only the standard library is used.

  evil-layers.py --base ROOTFS.tar --canary DIR OUT [NAME...]

writes for each NAME (default: all) OUT/NAME.tar, an archive for `cbuild load` whose image
`evil-NAME` has ROOTFS and the evil layer, and OUT/NAME.layer, the layer alone (for ADD and
import). DIR is a directory outside every root filesystem that the layers aim at; it has a
file `f`. `--list` prints the names. What each layer tries is in its function below.
"""
import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
import zlib

BLOCK = 512
CANARY = ""


def octal(value, width):
    """A number field, base 256 when octal digits do not do."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return bytes([0x80 if value >= 0 else 0xff]) + \
        (value % (1 << 8 * (width - 1))).to_bytes(width - 1, "big")


def encode(name):
    return name if isinstance(name, bytes) else name.encode()


class Layer:
    """A tar written block by block, so that every field can be wrong."""

    def __init__(self):
        self.out = io.BytesIO()

    def header(self, name, kind=b"0", size=0, mode=0o644, uid=0, gid=0, mtime=1700000000, link="",
               major=0, minor=0, size_field=None):
        long = {key: value for key, value in (("path", name), ("linkpath", link))
                if len(encode(value)) > 100}
        if long:
            self.pax(long)
        block = bytearray(BLOCK)
        fields = ((0, encode(name)[:100]), (100, octal(mode, 8)), (108, octal(uid, 8)),
                  (116, octal(gid, 8)), (124, size_field or octal(size, 12)),
                  (136, octal(mtime, 12)), (148, b" " * 8), (156, kind),
                  (157, encode(link)[:100]), (257, b"ustar\x0000"),
                  (329, octal(major, 8)), (337, octal(minor, 8)))
        for at, data in fields:
            block[at:at + len(data)] = data
        block[148:156] = b"%06o\0 " % sum(block)
        self.out.write(block)

    def data(self, data):
        self.out.write(data + b"\0" * (-len(data) % BLOCK))

    def pax(self, records, kind=b"x"):
        body = b""
        for key, value in records.items():
            record = b" " + encode(key) + b"=" + encode(value) + b"\n"
            length = len(record)
            while len(str(length)) + len(record) != length:
                length = len(str(length)) + len(record)
            body += str(length).encode() + record
        self.header("PaxHeaders/x", kind, len(body))
        self.data(body)

    def file(self, name, data=b"evil\n", pax=None, **more):
        if pax:
            self.pax(pax)
        self.header(name, b"0", len(data), **more)
        self.data(data)

    def dir(self, name, mode=0o755, pax=None, **more):
        if pax:
            self.pax(pax)
        self.header(name, b"5", mode=mode, **more)

    def symlink(self, name, to):
        self.header(name, b"2", link=to, mode=0o777)

    def hardlink(self, name, to):
        self.header(name, b"1", link=to)

    def end(self):
        self.out.write(b"\0" * 2 * BLOCK)

    def bytes(self):
        return self.out.getvalue()


# ── The layers ──

def dotdot(t):
    t.file("../" * 20 + CANARY.lstrip("/") + "/planted")


def dotdot_inner(t):
    t.dir("a")
    t.file("a/../../" + "../" * 20 + CANARY.lstrip("/") + "/planted")


def absolute(t):
    t.file(CANARY + "/planted")


def sym_dir_abs(t):
    t.symlink("d", CANARY)
    t.file("d/planted")


def sym_dir_rel(t):
    t.symlink("d", "../" * 20 + CANARY.lstrip("/"))
    t.file("d/planted")


def sym_chain(t):
    t.symlink("a", "b")
    t.symlink("b", "c/d")
    t.dir("c")
    t.symlink("c/d", CANARY)
    t.file("a/planted")
    t.file("a/f")


def sym_file(t):
    t.symlink("x", CANARY + "/f")
    t.file("x")


def sym_loop(t):
    t.symlink("a", "b")
    t.symlink("b", "a")
    t.file("a/planted")


def hard_out(t):
    t.hardlink("x", "../" * 20 + CANARY.lstrip("/") + "/f")
    t.file("x")


def hard_abs(t):
    t.hardlink("x", CANARY + "/f")
    t.file("x")


def hard_cwd(t):
    t.hardlink("x", "f")
    t.file("x")


def hard_via_sym(t):
    t.symlink("d", CANARY)
    t.hardlink("x", "d/f")
    t.file("x")


def hard_to_sym(t):
    t.symlink("s", CANARY + "/f")
    t.hardlink("x", "s")
    t.file("x")


def hard_to_self(t):
    t.file("x")
    t.hardlink("x", "x")


def hard_to_dir(t):
    t.dir("dir")
    t.hardlink("x", "dir")


def chmod_via_sym(t):
    t.symlink("x", CANARY + "/f")
    t.dir("x", mode=0o777, uid=1234)
    t.symlink("y", CANARY)
    t.dir("y", mode=0o777, uid=1234)


def meta_via_sym(t):
    t.dir("d", mode=0o777)
    t.symlink("d", CANARY)


def wh_empty(t):
    t.file(".wh.", b"")


def wh_dot(t):
    t.file(".wh..", b"")


def wh_dotdot(t):
    t.dir("etc")
    t.file("etc/.wh...", b"")


def wh_slash(t):
    t.dir("etc")
    t.file("etc/.wh.passwd/x", b"")


def wh_via_sym(t):
    t.symlink("d", CANARY)
    t.file("d/.wh.f", b"")


def wh_opq_via_sym(t):
    t.symlink("d", CANARY)
    t.file("d/.wh..wh..opq", b"")


def wh_root_opq(t):
    t.file(".wh..wh..opq", b"")
    t.file("only")


def wh_idle(t):
    """What merges with nothing below: a new directory, an opaque one, what is in it, a name that a link has there."""
    t.dir("new")
    t.file("new/.wh.x", b"")
    t.file("new/y")
    t.dir("etc")
    t.file("etc/.wh.passwd", b"")
    t.file("etc/.wh..wh..opq", b"")
    t.dir("etc/sub")
    t.file("etc/sub/.wh.x", b"")
    t.symlink("link", "new")
    t.file("link/.wh.z", b"")
    t.dir("bin")
    t.dir("bin/below")
    t.file("bin/below/.wh.x", b"")


def wh_of_file(t):
    """Names in what is a file: below, and in this layer."""
    t.file("etc/passwd/.wh.x", b"")
    t.file("etc/group/.wh..wh..opq", b"")
    t.file("file")
    t.file("file/.wh.x", b"")


def var_run(t):
    t.dir("run")
    t.file("run/a", b"same\n")
    t.symlink("lnk", "/run")
    t.file("lnk/b")
    t.hardlink("lnk/c", "lnk/a")


def fake_whiteout(t):
    t.dir("etc")
    t.header("etc/passwd", b"3")


def fake_whiteout_hard(t):
    t.dir("etc")
    t.file("etc/.wh.passwd", b"")
    t.hardlink("etc/group", "etc/passwd")


def xattr_overlay(t):
    for space in ("trusted", "user"):
        t.dir("etc", pax={"SCHILY.xattr.%s.overlay.opaque" % space: "y",
                          "SCHILY.xattr.%s.overlay.redirect" % space: CANARY,
                          "SCHILY.xattr.%s.overlay.whiteouts" % space: "y"})
    t.dir("bin2", pax={"SCHILY.xattr.trusted.overlay.redirect": "/etc"})
    t.file("meta", b"", pax={"SCHILY.xattr.trusted.overlay.metacopy": "",
                             "SCHILY.xattr.trusted.overlay.redirect": "/etc/passwd"})
    t.file("etc/whited", b"", pax={"SCHILY.xattr.trusted.overlay.whiteout": "y"})


def dev_node(t):
    t.header("mem", b"3", mode=0o666, major=1, minor=1)
    t.header("disk", b"4", mode=0o666, major=8, minor=0)
    t.header("null2", b"3", mode=0o666, major=1, minor=3)
    t.header("pipe", b"6", mode=0o666)


def setuid(t):
    t.file("su", b"#!/bin/sh\n", mode=0o6755)


def filecap(t):
    t.file("cap", b"x", mode=0o755, pax={
        "SCHILY.xattr.security.capability": b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"})


def uid_overflow(t):
    t.file("f", pax={"uid": "4294967296"})


def uid_minus(t):
    t.header("f", uid=-1)


def uid_all_ones(t):
    t.file("f", pax={"uid": "4294967295", "gid": "4294967295"})


def uid_base256(t):
    t.header("f", uid=1 << 40)


def uid_high(t):
    t.file("f", pax={"uid": "4294967294", "gid": "4294967294"})


def neg_size(t):
    t.header("f", size=-1)


def neg_size_pax(t):
    t.file("f", pax={"size": "-5"})


def huge_size(t):
    t.header("f", size=1 << 62)


def size_overflow(t):
    t.header("f", size_field=b"\x80" + b"\xff" * 11)


def size_overflow_pax(t):
    t.file("f", pax={"size": str(1 << 64)})


def size_junk(t):
    t.header("f", size_field=b"zzzzzzzzzzz\0")


def pax_64m(t):
    t.file("f", pax={"path": "p" * (64 << 20)})


def longlink_64m(t):
    t.header("././@LongLink", b"L", 64 << 20)
    t.data(b"l" * (64 << 20))
    t.file("f")


def pax_lies(t):
    body = b"999999 path=x\n"
    t.header("PaxHeaders/x", b"x", len(body))
    t.data(body)
    t.file("f")


def sparse_map(t):
    count = 400000
    pieces = b"".join(b"%d\n%d\n" % (i * 2, 1) for i in range(count))
    body = b"%d\n" % count + pieces
    body += b"\0" * (-len(body) % BLOCK) + b"x" * count
    t.file("sparse", body, pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                "GNU.sparse.name": "sparse",
                                "GNU.sparse.realsize": str(count * 2)})


def sparse_huge(t):
    body = b"1\n0\n1\n"
    body += b"\0" * (-len(body) % BLOCK) + b"x"
    t.file("sparse", body, pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                "GNU.sparse.name": "sparse",
                                "GNU.sparse.realsize": str(1 << 50)})


def sparse_negative(t):
    body = b"2\n-5\n9\n9223372036854775807\n9\n"
    body += b"\0" * (-len(body) % BLOCK) + b"x" * 18
    t.file("sparse", body, pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                "GNU.sparse.name": "../../escape",
                                "GNU.sparse.realsize": "-1"})


def dup_entries(t):
    t.file("x", b"first\n")
    t.dir("x")
    t.file("x/in")
    t.symlink("x", "/etc")
    t.file("x", b"last\n")
    t.file("y", b"1\n")
    t.hardlink("z", "y")
    t.file("y", b"2\n")


def dir_over_file(t):
    t.dir("etc")
    t.dir("etc/passwd")
    t.file("etc/passwd/in")
    t.file("bin", b"a file now\n")


def truncated(t):
    t.header("f", size=100000)
    t.out.write(b"x" * 700)
    t.end = lambda: None


def truncated_header(t):
    t.file("f")
    t.out.write(b"g" * 100)
    t.end = lambda: None


def trailing_junk(t):
    t.file("f")
    t.end()
    t.out.write(b"junk behind the end" * 1000)
    t.end = lambda: None


def second_archive(t):
    t.file("f")
    t.end()
    t.file("hidden")


def empty_tar(t):
    pass


def no_bytes(t):
    t.end = lambda: None


def garbage(t):
    t.out.write(hashlib.sha512(b"seed").digest() * 200)


def names_odd(t):
    for name in (b"new\nline", b"esc\x1b]0;owned\x07", b"latin\xe9", b"-rf", b"--checkpoint-action=x",
                 "nfc-\u00e9".encode(), "nfd-e\u0301".encode(), b"tab\t", b"back\\slash", b"sp ace",
                 b"quote'\"", b"\xff\xfe"):
        t.file(b"odd/" + name, b"odd\n")


def long_path(t):
    part = "d" * 200
    t.file("f", pax={"path": "/".join([part] * 30)})


def name_max(t):
    t.file("f", pax={"path": "n" * 256})


def pax_nul_path(t):
    t.file("f", pax={"path": b"etc/\0passwd"})


def pax_nul_link(t):
    t.pax({"linkpath": b"/etc\0/x"})
    t.symlink("s", "x")


def empty_name(t):
    t.file("")
    t.symlink("", "x")


def empty_link(t):
    t.symlink("s", "")
    t.hardlink("h", "")


def dot_file(t):
    t.file("./")
    t.symlink(".", CANARY)


def root_symlink(t):
    t.symlink("/", CANARY)


def unknown_type(t):
    t.header("f", b"Z")
    t.header("g", b"7")


def passwd_fifo(t):
    t.dir("etc")
    t.header("etc/passwd", b"6")


def passwd_symlink(t):
    t.dir("etc")
    t.symlink("etc/passwd", "/dev/zero")


def passwd_out(t):
    t.dir("etc")
    t.symlink("etc/passwd", CANARY + "/passwd")


def passwd_huge(t):
    t.dir("etc")
    t.file("etc/passwd", b"x:x:1:1::/:\n" * (1500 << 10))


def passwd_numeric(t):
    t.dir("etc")
    t.file("etc/passwd", b"root:x:0:0::/:\n1000:x:0:0::/root:/bin/sh\nu:x:1001:1002::/:\n"
           b"over:x:4294967296:0::/:\nminus:x:-1:-1::/:\nshort:x\n\n:::::\nhex:x:0x0:0::/:\n")
    t.file("etc/group", b"root:x:0:\n1000:x:0:\ng:x:1002:u\nover:x:4294967296:u\n")


def xz_hijack(t):
    for name in ("xz", "unpigz", "pigz", "gzip", "zstd", "bzip2", "lrzip", "lzop", "grzip"):
        t.file("usr/bin/" + name, b"#!/bin/sh\ntouch %s/planted\n" % CANARY.encode(), mode=0o755)
    t.file("lib/x86_64-linux-gnu/libnss_files.so.2", b"not a library", mode=0o755)
    t.file("etc/nsswitch.conf", b"passwd: evil\n")


def top_symlink(name):
    def make(t):
        t.file(".wh." + name, b"")
        t.symlink(name, CANARY)
    return make


def top_symlink_rel(name):
    def make(t):
        t.symlink(name, "../../../.." + CANARY)
    return make


def resolv_symlink(t):
    t.dir("etc")
    for name in ("resolv.conf", "hosts", "hostname"):
        t.symlink("etc/" + name, CANARY + "/f")


def dev_null_symlink(t):
    t.dir("dev")
    t.symlink("dev/null", "/proc/sys/kernel/core_pattern")
    t.symlink("dev/console", CANARY + "/f")
    t.symlink("dev/pts", CANARY)
    t.symlink("dev/shm", CANARY)


def bind_src_sym(t):
    t.symlink("rootdir", "/")
    t.symlink("outdir", CANARY)
    t.symlink("updir", "../../../../../.." + CANARY)


def many_files(t):
    for i in range(20000):
        t.header("many/%d" % i)


def bomb(t):
    t.header("zero", size=1500 << 20)
    t.bomb = 1500 << 20


LAYERS = {}


def collect():
    skip = {"octal", "encode", "collect", "main", "archive", "top_symlink", "top_symlink_rel", "digest",
            "pack", "write"}
    for name, value in list(globals().items()):
        if callable(value) and not isinstance(value, type) and name not in skip and name.islower():
            LAYERS[name.replace("_", "-")] = value
    for name in ("dev", "proc", "sys", "etc", "tmp"):
        LAYERS[name + "-symlink"] = top_symlink(name)
        LAYERS[name + "-symlink-rel"] = top_symlink_rel(name)


# ── Images ──

def digest(data):
    return hashlib.sha256(data).hexdigest()


def pack(layer):
    """Compressed layer, digest of the plain one."""
    plain = layer.bytes()
    zeros = getattr(layer, "bomb", 0)
    if not zeros:
        return plain, digest(plain)
    # What a full flush ends stands alone: one packed block serves for all. Nobody comes as far as the checksum.
    deflate, block = zlib.compressobj(9, zlib.DEFLATED, -15), b"\0" * (1 << 24)
    head = deflate.compress(plain) + deflate.flush(zlib.Z_FULL_FLUSH)
    packed = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    header = b"\x1f\x8b\x08" + bytes(7)
    return header + head + packed * (zeros // len(block)) + deflate.flush() + bytes(8), "0" * 64


def write(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def archive(path, name, base, layer, diff_id):
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers",
                   "diff_ids": ["sha256:" + digest(base), "sha256:" + diff_id]}}).encode()
    manifest = [{"Config": digest(config) + ".json", "RepoTags": ["evil-%s:latest" % name],
                 "Layers": ["base.tar", "evil.tar"]}]
    with tarfile.open(path, "w") as tar:
        write(tar, "base.tar", base)
        write(tar, "evil.tar", layer)
        write(tar, digest(config) + ".json", config)
        write(tar, "manifest.json", json.dumps(manifest).encode())


def main():
    global CANARY
    parser = argparse.ArgumentParser()
    parser.add_argument("--base")
    parser.add_argument("--canary")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("out", nargs="?")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    collect()
    if options.list:
        print("\n".join(LAYERS))
        return
    CANARY = os.path.abspath(options.canary)
    base = open(options.base, "rb").read()
    os.makedirs(options.out, exist_ok=True)
    for name in options.names or LAYERS:
        layer = Layer()
        LAYERS[name](layer)
        layer.end()
        packed, diff_id = pack(layer)
        with open(os.path.join(options.out, name + ".layer"), "wb") as out:
            out.write(packed)
        archive(os.path.join(options.out, name + ".tar"), name, base, packed, diff_id)


if __name__ == "__main__":
    sys.exit(main())
