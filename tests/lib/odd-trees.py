#!/usr/bin/env python3
"""Images whose layers hold what is rare but legal, for round trips through other tools.

  odd-trees.py make OUT.tar [portable]
                                a docker-archive; image odd-NAME:latest for each tree, or
                                for those alone that other tools can read
  odd-trees.py list [portable]  the names
  odd-trees.py digests DIR      of each tree in DIR, a directory or a tar: its name, and the
                                digest of paths, types, modes, owners, contents, links,
                                devices and attributes
  odd-trees.py show TREE        what is digested

Only the standard library is used. What each tree is about is in its function below.
"""
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile

CAPABILITY = b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0".decode("latin-1")  # cap_net_bind_service=ep


class Layer:
    def __init__(self, kind=tarfile.PAX_FORMAT):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=kind, errors="surrogateescape")

    def add(self, name, data=b"", kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, link="", major=0,
            minor=0, mtime=1700000000, xattrs=None):
        info = tarfile.TarInfo(os.fsdecode(name))
        info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, uid, gid, mtime
        info.linkname, info.devmajor, info.devminor = os.fsdecode(link), major, minor
        info.size = len(data)
        info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def dir(self, name, mode=0o755, **more):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode, **more)

    def sym(self, name, link):
        return self.add(name, kind=tarfile.SYMTYPE, mode=0o777, link=link)

    def hard(self, name, link):
        return self.add(name, kind=tarfile.LNKTYPE, link=link)

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def hardlinks_across_directories():
    return [Layer().dir("a").dir("b").dir("b/c").add("a/one", b"same", mode=0o600, uid=7)
            .hard("b/two", "a/one").hard("b/c/three", "a/one").add("a/other", b"same")]


def hardlink_in_an_upper_layer():
    return [Layer().dir("a").add("a/one", b"old"),
            Layer().dir("a").add("a/one", b"new").hard("a/two", "a/one")]


def hardlink_to_a_symlink():
    return [Layer().add("file", b"x").sym("link", "file").hard("again", "link")]


def sparse(form):
    with tempfile.TemporaryDirectory() as top:
        with open(top + "/sparse", "wb") as file:
            for at in (4096, 1 << 20, 5 << 20):
                file.seek(at)
                file.write(b"data at %d" % at)
            file.truncate(9 << 20)
        with open(top + "/hole", "wb") as file:
            file.truncate(3 << 20)
        return [subprocess.run(["tar", "-C", top, "-S", "--owner=0", "--group=0", "-c", *form,
                                "sparse", "hole"], stdout=subprocess.PIPE, check=True).stdout]


def sparse_gnu():
    return sparse(["--format=gnu"])


def sparse_pax():
    return sparse(["--format=posix", "--sparse-version=1.0"])


def attributes():
    return [Layer().dir("d", xattrs={"user.of.dir": "x"})
            .add("f", b"x", xattrs={"user.text": "value", "user.bytes": "a=b\nc\t\x01"})]


def capabilities():
    return [Layer().add("ping", b"program", mode=0o755, xattrs={"security.capability": CAPABILITY})
            .hard("ping6", "ping")]


def devices():
    return [Layer().dir("dev").add("dev/null", kind=tarfile.CHRTYPE, mode=0o666, major=1, minor=3)
            .add("dev/disk", kind=tarfile.BLKTYPE, mode=0o660, gid=6, major=8, minor=17)
            .add("dev/far", kind=tarfile.CHRTYPE, mode=0o600, major=511, minor=70000)]


def fifos():
    return [Layer().add("pipe", kind=tarfile.FIFOTYPE, mode=0o620, uid=3)]


def largest_ids():
    return [Layer().add("f", b"x", uid=4294967294, gid=4294967294)
            .dir("d", uid=4294967294, gid=1).add("half", uid=2147483648, gid=2097152)]


def large_ids_in_base_256():
    return [Layer(tarfile.GNU_FORMAT).add("f", b"x", uid=4294967294, gid=2147483648)]


def names_of_any_bytes():
    layer = Layer(tarfile.GNU_FORMAT).dir("d")  # no PAX: its values are UTF-8
    for byte in range(1, 256):
        if byte not in b"/":
            layer.add(b"d/x" + bytes([byte]) + b"y", b"%d" % byte)
    return [layer]


def names_that_look_like_something():
    layer = Layer()
    for name in ("-rf", "~", "$(id)", "a b", " ", "  lead", "trail ", "\\n", "*", "'\"", "%s%n", "new\nline",
                 "\x1b[31mred", "...", "..a", "#", ".wha", ".w.h.", "=", ":", ","):
        layer.add(name, name.encode())
    return [layer]


def composed_and_decomposed():
    return [Layer().add("\u00e9", b"composed").add("e\u0301", b"decomposed").sym("l\u00e9", "e\u0301")]


def long_names():
    deep = "/".join(["directory-%03d" % i for i in range(60)])
    layer = Layer()
    for i in range(1, 61):
        layer.dir("/".join(deep.split("/")[:i]))
    return [layer.add(deep + "/file", b"deep").add("n" * 255, b"long")
            .sym("target", "t/" * 1500 + "end")]


def long_names_of_gnu():
    return [Layer(tarfile.GNU_FORMAT).add("g" * 255, b"long").sym("s" * 200, "t" * 300)]


def names_split_in_ustar():
    return [Layer(tarfile.USTAR_FORMAT).dir("p" * 90).add("p" * 90 + "/" + "q" * 90, b"split")]


def opaque_directory():
    return [Layer().dir("d").dir("d/sub").add("d/sub/old", b"1").add("d/old", b"2").add("kept", b"3"),
            Layer().dir("d").add("d/.wh..wh..opq").add("d/new", b"4")]


def opaque_mark_after_its_siblings():
    return [Layer().dir("d").add("d/old", b"2").dir("d/sub").add("d/sub/old", b"1"),
            Layer().dir("d").add("d/new", b"4").dir("d/sub").add("d/sub/new", b"5").add("d/.wh..wh..opq")]


def opaque_directory_below_another():
    return [Layer().dir("a").dir("a/b").add("a/b/x", b"1").add("a/y", b"1"),
            Layer().dir("a").dir("a/b").add("a/b/.wh..wh..opq").add("a/b/z", b"2"),
            Layer().dir("a").add("a/.wh..wh..opq").dir("a/b").add("a/b/w", b"3")]


def whiteouts():
    return [Layer().add("f", b"1").dir("d").add("d/f", b"1").sym("s", "f").dir("e").add("e/f", b"1")
            .add("e/g", b"1"),
            Layer().add(".wh.f").add(".wh.d").add(".wh.s").dir("e").add("e/.wh.f")]


def what_was_removed_comes_back():
    return [Layer().add("f", b"1").dir("d").add("d/old", b"1"),
            Layer().add(".wh.f").add(".wh.d"),
            Layer().add("f", b"2").dir("d").add("d/new", b"2"),
            Layer().add(".wh.f"), Layer().add("f", b"3", mode=0o600)]


def whiteouts_of_nothing():
    return [Layer().dir("d").add("d/f", b"1"), Layer().dir("d").add("d/.wh.none").add(".wh.never")]


def whiteout_and_the_same_name_in_one_layer():
    return [Layer().dir("d").add("d/old", b"1"), Layer().add(".wh.d").dir("d").add("d/new", b"2")]


def types_change():
    return [Layer().add("a", b"file").dir("b").add("b/f", b"1").sym("c", "a").dir("e").add("e/f", b"1"),
            Layer().dir("a").add("a/f", b"1").add("b", b"file").dir("c").add("c/f", b"1").sym("e", "a")]


def modes():
    layer = Layer()
    for mode in (0, 0o1, 0o4755, 0o2755, 0o1777, 0o6711, 0o7777, 0o400):
        layer.add("f%o" % mode, b"x", mode=mode).dir("d%o" % mode, mode=mode)
    return [layer]


def the_root_itself():
    return [Layer().dir("./", mode=0o711, uid=9, gid=8).add("./f", b"x")]


def directories_change_alone():
    return [Layer().dir("d", mode=0o755).add("d/f", b"x"),
            Layer().dir("d", mode=0o2700, uid=5, gid=6, xattrs={"user.a": "b"})]


def times():
    return [Layer().add("old", mtime=0).add("before", mtime=-86400.5).add("fine", mtime=1700000000.123456789)
            .add("late", mtime=1 << 33)]


def many_in_one_directory():
    layer = Layer().dir("d")
    for i in range(2000):
        layer.add("d/file-%d" % i, b"%d" % i)
    return [layer]


def empty_things():
    return [Layer().add("empty").dir("nothing").dir("nothing/at").dir("nothing/at/all"), Layer()]


TREES = [value for key, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", "") == __name__ and key != "sparse"
         and key != "Layer"]


def chosen():
    """docker and podman load no sparse files in GNU's older form, and cannot save those in the newer; umoci
    knows no older form either."""
    return [tree for tree in TREES if tree not in (sparse_gnu, sparse_pax) or "portable" not in sys.argv]


def name_of(tree):
    return "odd-" + tree.__name__.replace("_", "-")


def make(path):
    with tarfile.open(path, "w") as out:
        def add(name, data):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
            return name

        images, seen = [], set()
        for tree in chosen():
            layers = [one.done() if isinstance(one, Layer) else one for one in tree()]
            ids = [hashlib.sha256(one).hexdigest() for one in layers]
            config = json.dumps({
                "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/none"], "Labels": {"tree": name_of(tree)}},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + one for one in ids]}}).encode()
            for digest, data in zip(ids, layers):
                if digest not in seen:
                    seen.add(digest)
                    add(digest + "/layer.tar", data)
            images.append({"Config": add(hashlib.sha256(config).hexdigest() + ".json", config),
                           "RepoTags": [name_of(tree) + ":latest"],
                           "Layers": [one + "/layer.tar" for one in ids]})
        add("manifest.json", json.dumps(images).encode())


# What a tree is, whoever holds it: path → line. Times are no part of it, nor whether two
# symbolic links are one with two names.
def entry(kind, mode, uid, gid, rest, xattrs):
    return [kind, "%o" % (mode & 0o7777), uid, gid, rest,
            sorted((key, value.hex()) for key, value in xattrs.items()
                   if key.startswith("user.") or key == "security.capability")]


def of_directory(top):
    tree, inodes = {}, {}
    top = os.fsencode(top)
    paths = [b""]
    for directory, below, names in os.walk(top):
        paths += [os.path.relpath(os.path.join(directory, name), top) for name in below + names]
    for path in sorted(paths):
        full = os.path.join(top, path) if path else top
        st = os.lstat(full)
        xattrs = {key: os.getxattr(full, key, follow_symlinks=False)
                  for key in os.listxattr(full, follow_symlinks=False)}
        kind, rest = stat.S_IFMT(st.st_mode), ""
        if stat.S_ISREG(st.st_mode):
            rest = hashlib.sha256(open(full, "rb").read()).hexdigest()
        elif stat.S_ISLNK(st.st_mode):
            rest = os.readlink(full).hex()
        elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
            rest = "%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev))
        if kind not in (stat.S_IFDIR, stat.S_IFLNK):
            first = inodes.setdefault(st.st_ino, path)
            rest = [rest, first.hex()]
        tree[path] = entry(kind, 0 if stat.S_ISLNK(st.st_mode) else st.st_mode, st.st_uid, st.st_gid, rest, xattrs)
    return tree


KINDS = {tarfile.REGTYPE: stat.S_IFREG, tarfile.AREGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR,
         tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK,
         tarfile.FIFOTYPE: stat.S_IFIFO}


def of_tar(stream):
    tree, groups = {}, {}
    tar = tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape")
    for info in tar:
        path = os.fsencode(os.path.normpath(info.name))
        path = b"" if path == b"." else path
        if info.islnk():
            target = os.fsencode(os.path.normpath(info.linkname))
            if tree[target][0] == stat.S_IFLNK:
                tree[path] = list(tree[target])
                continue
            groups.setdefault(groups_of(groups, target), []).append(path)
            tree[path] = list(tree[target])
            continue
        rest = ""
        if info.isreg():
            rest = hashlib.sha256(tar.extractfile(info).read()).hexdigest()
        elif info.issym():
            rest = os.fsencode(info.linkname).hex()
        elif info.ischr() or info.isblk():
            rest = "%d:%d" % (info.devmajor, info.devminor)
        xattrs = {key[13:]: value.encode("utf-8", "surrogateescape") for key, value in info.pax_headers.items()
                  if key.startswith("SCHILY.xattr.")}
        tree[path] = entry(KINDS[info.type], 0 if info.issym() else info.mode, info.uid, info.gid, rest, xattrs)
        if not info.isdir() and not info.issym():
            groups[path] = [path]
    for group in groups.values():
        for path in group:
            tree[path][4] = [tree[path][4], min(group).hex()]
    return tree


def groups_of(groups, target):
    for first, group in groups.items():
        if target in group:
            return first
    return target


def text_of(place, shown):
    """A line for each entry of the tree in a directory or a tar."""
    if os.path.isdir(place):
        tree = of_directory(place)
    else:
        with open(place, "rb") as stream:
            tree = of_tar(stream)
    tree.pop(b"", None)  # the root has no entry in what `-o type=tar` writes
    return "\n".join(json.dumps([shown(path), tree[path]]) for path in sorted(tree))


def main():
    action = sys.argv[1]
    if action == "make":
        make(sys.argv[2])
    elif action == "list":
        print("\n".join(name_of(tree) for tree in chosen()))
    elif action == "show":
        print(text_of(sys.argv[2], repr))
    else:
        for name in sorted(os.listdir(sys.argv[2])):
            text = text_of(os.path.join(sys.argv[2], name), bytes.hex)
            print(name, hashlib.sha256(text.encode()).hexdigest())


main()
