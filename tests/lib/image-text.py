#!/usr/bin/env python3
"""Prints an image archive as text that can be compared: its merged tree, or its configuration.

    image-text.py tree ARCHIVE      path type mode uid:gid size sha256-of-content link xattrs, one entry a line
    image-text.py config ARCHIVE    the configuration as sorted JSON, without times and layer digests
"""
import gzip
import hashlib
import io
import json
import posixpath
import sys
import tarfile


def read(archive, name):
    return archive.extractfile(name).read()


def documents(archive):
    manifest = json.loads(read(archive, "manifest.json"))[0]
    return json.loads(read(archive, manifest["Config"])), manifest["Layers"]


def clean(name):
    return posixpath.normpath("/" + name).lstrip("/")


def apply_layer(tree, layer):
    """Whiteouts hide what lower layers have; then the layer's own entries go in."""
    members = layer.getmembers()
    for member in members:
        base = posixpath.basename(clean(member.name))
        parent = posixpath.dirname(clean(member.name))
        if base == ".wh..wh..opq":
            for path in [p for p in tree if p.startswith(parent + "/") or (not parent and p)]:
                del tree[path]
        elif base.startswith(".wh."):
            gone = posixpath.join(parent, base[4:])
            for path in [p for p in tree if p == gone or p.startswith(gone + "/")]:
                del tree[path]
    for member in members:
        path = clean(member.name)
        if posixpath.basename(path).startswith(".wh.") or not path:
            continue
        if path in tree and not member.isdir():
            for below in [p for p in tree if p.startswith(path + "/")]:
                del tree[below]
        tree[path] = entry(tree, layer, member)


def entry(tree, layer, member):
    if member.islnk():
        # A name of the same file: compared by content and metadata like any other.
        return tree.get(clean(member.linkname), "hard link to nothing")
    kind = {
        tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link",
        tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo",
    }.get(member.type, repr(member.type))
    content = "-"
    if member.isreg():
        content = hashlib.sha256(layer.extractfile(member).read()).hexdigest()[:16]
    device = f"{member.devmajor},{member.devminor}" if kind in ("char", "block") else "-"
    xattrs = ",".join(
        f"{k[len('SCHILY.xattr.'):]}={v!r}" for k, v in sorted(member.pax_headers.items()) if k.startswith("SCHILY.xattr.")
    )
    mode = 0o777 if kind == "link" else member.mode & 0o7777
    return f"{kind} {mode:04o} {member.uid}:{member.gid} {member.size} {content} {member.linkname or '-'} {device} {xattrs or '-'}"


def print_tree(archive):
    _, layers = documents(archive)
    tree = {}
    for name in layers:
        data = read(archive, name)
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as layer:
            apply_layer(tree, layer)
    for path in sorted(tree):
        sys.stdout.buffer.write(f"{path!r} {tree[path]}\n".encode("utf-8", "surrogateescape"))


def print_config(archive):
    config, _ = documents(archive)
    config.pop("created", None)
    for key in ("container", "container_config", "docker_version", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0"):
        config.pop(key, None)
    config["layers"] = len(config.pop("rootfs")["diff_ids"])
    for step in config.get("history", []):
        step.pop("created", None)
    # Docker writes empty and null fields that the image specification leaves out.
    settings = {k: v for k, v in config.get("config", {}).items() if v not in (None, "", [], {}, False)}
    if "Env" in settings:
        settings["Env"] = sorted(settings["Env"])
    config["config"] = settings
    json.dump(config, sys.stdout, indent=1, sort_keys=True)
    print()


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("tree", "config"):
        sys.exit(__doc__)
    with tarfile.open(sys.argv[2]) as archive:
        (print_tree if sys.argv[1] == "tree" else print_config)(archive)


main()
