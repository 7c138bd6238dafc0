"""Image archives as text that can be compared and read: what an image adds to its base.

    with ImageArchive(path, base) as archive:
        for line in archive.describe("name:tag"): ...

One line for each file the base does not have in that form, each setting of the configuration that is not the base's, and
each history entry that follows the base's. Times, digests of layers and what only says how an image was made are left out.
"""
import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile

SHORT = 200  # bytes of a file that are shown as they are

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}


def clean(name):
    return posixpath.normpath("/" + name)


def below(tree, path):
    prefix = path.rstrip("/") + "/"
    return [p for p in tree if p.startswith(prefix)]


def content(data):
    text = data.decode("utf-8", "replace")
    if len(data) <= SHORT and text.replace("\n", "").replace("\t", "").isprintable():
        return json.dumps(text, ensure_ascii=False)
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:16]}"


def entry(tree, layer, member):
    if member.islnk():
        # A name of the same file: compared by content and metadata like any other.
        return tree.get(clean(member.linkname), "hard link to nothing")
    kind = KINDS.get(member.type, repr(member.type))
    mode = 0o777 if kind == "link" else member.mode & 0o7777
    words = [kind, f"{mode:04o}", f"{member.uid}:{member.gid}"]
    if member.isreg():
        words.append(content(layer.extractfile(member).read()))
    if kind == "link":
        words.append(f"-> {member.linkname}")
    if kind in ("char", "block"):
        words.append(f"{member.devmajor},{member.devminor}")
    for key, value in sorted(member.pax_headers.items()):
        if key.startswith("SCHILY.xattr."):
            words.append(f"{key[len('SCHILY.xattr.'):]}={value!r}")
    return " ".join(words)


def apply_layer(tree, layer):
    """Whiteouts hide what lower layers have; then the layer's own entries go in."""
    members = layer.getmembers()
    for member in members:
        path = clean(member.name)
        parent, name = posixpath.split(path)
        gone = []
        if name == ".wh..wh..opq":
            gone = below(tree, parent)
        elif name.startswith(".wh."):
            hidden = posixpath.join(parent, name[4:])
            gone = below(tree, hidden) + [hidden]
        for path in gone:
            tree.pop(path, None)
    for member in members:
        path = clean(member.name)
        if posixpath.basename(path).startswith(".wh.") or path == "/":
            continue
        if path in tree and not member.isdir():
            for inner in below(tree, path):
                del tree[inner]
        tree[path] = entry(tree, layer, member)


def settings(config):
    """The configuration by names. Docker writes empty and null fields that the image specification leaves out."""
    found = {key: config.get(key) for key in ("author", "architecture", "os", "variant")}
    found.update(config.get("config") or {})
    return {key: value for key, value in found.items() if value not in (None, "", [], {}, False, 0)}


class ImageArchive:
    """A docker archive. BASE is the name, in the same archive, of the image the others are compared with."""

    def __init__(self, path, base):
        self.tar = tarfile.open(path)
        self.entries = {}
        for image in json.loads(self.read("manifest.json")):
            for name in image.get("RepoTags") or []:
                self.entries[re.sub(r"^docker\.io/library/", "", name)] = image
        self.layers = {}
        self.base_config = json.loads(self.read(self.entries[base]["Config"]))
        self.base_tree = self.tree(self.entries[base]["Layers"])

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.tar.close()

    def read(self, name):
        return self.tar.extractfile(name).read()

    def tree(self, layers):
        """The files after LAYERS. Images share most of them, so each prefix is kept."""
        key = tuple(layers)
        if not key:
            return {}
        if key not in self.layers:
            tree = dict(self.tree(layers[:-1]))
            data = self.read(layers[-1])
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as layer:
                apply_layer(tree, layer)
            self.layers[key] = tree
        return self.layers[key]

    def is_derived(self, config):
        base = self.base_config["rootfs"]["diff_ids"]
        return (config["rootfs"].get("diff_ids") or [])[: len(base)] == base

    def describe(self, name):
        image = self.entries[name]
        config = json.loads(self.read(image["Config"]))
        derived = self.is_derived(config)
        before = self.base_tree if derived else {}
        tree = self.tree(image["Layers"])
        lines = [f"{path} {text}" for path, text in sorted(tree.items()) if before.get(path) != text]
        lines += [f"{path} is gone" for path in sorted(before) if path not in tree]
        was, now = settings(self.base_config) if derived else {}, settings(config)
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                lines.append(f"{key} {json.dumps(now.get(key), sort_keys=True, ensure_ascii=False)}")
        skip = len(self.base_config.get("history", [])) if derived else 0
        for step in config.get("history", [])[skip:]:
            layer = "layer" if not step.get("empty_layer") else "-"
            lines.append(f"history {layer} {json.dumps(step.get('created_by', ''), ensure_ascii=False)}")
        return [line.encode("utf-8", "backslashreplace").decode() for line in lines]
