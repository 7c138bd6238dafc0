#!/usr/bin/env python3
"""A registry for tests: correct under `good/`, hostile or broken under other prefixes.

The first component of a repository chooses the fault: `127.0.0.1:PORT/good/image:latest`
is well served, `127.0.0.1:PORT/wrongdigest/image:latest` has a layer whose bytes do not
match its digest, and so on (table FAULTS, named after docs/design/registry.md). Images
pushed to `good/...` are kept in memory. Only the standard library is used.

  registry.py [--auth MODE] [--log FILE] [--port N] [--layer FILE]... [--slow SECONDS]

prints `PORT OTHER` on one line when ready: the registry's port on 127.0.0.1, and that of
a second server on 127.0.0.9 and 127.0.0.1 (the "other host" that redirects and realms
lead to). The log gets one JSON object
per request: server, method, path, range, authorization. Ends when its input is closed.
"""
import argparse
import base64
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
IN_TOTO, SPDX = "application/vnd.in-toto+json", "https://spdx.dev/Document"
USER, PASSWORD, TOKEN = "tester", "opensesame", "token-of-the-registry"
REFRESH_TOKEN = "token-of-the-login"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(media_type, data, **more):
    return dict(mediaType=media_type, digest=digest(data), size=len(data), **more)


def make_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.mtime = 1700000000
            if data is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size, info.mode = len(data), 0o644
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def noise(count):
    """Incompressible bytes, the same each time."""
    out, block = [], b"seed"
    while len(out) * 32 < count:
        block = hashlib.sha256(block).digest()
        out.append(block)
    return b"".join(out)[:count]


class Image:
    """The documents of one image; `change` edits the manifest before it is serialised."""

    def __init__(self, layers, architecture="amd64", change=None, config_change=None):
        self.blobs = {}
        tars = [gzip.decompress(l) if l[:2] == b"\x1f\x8b" else l for l in layers]
        packed = [l if l[:2] == b"\x1f\x8b" else gzip.compress(l, mtime=0) for l in layers]
        config = {
            "architecture": architecture, "os": "linux",
            "created": "2024-01-02T03:04:05Z",
            "config": {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(t) for t in tars]},
            "history": [{"created": "2024-01-02T03:04:05Z", "created_by": "layer %d" % i}
                        for i in range(len(tars))],
        }
        if config_change:
            config_change(config)
        self.config = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, self.config),
            "layers": [descriptor(OCI_LAYER, p) for p in packed],
        }
        self.layers = packed
        for blob in packed + [self.config]:
            self.blobs[digest(blob)] = blob
        if change:
            change(manifest, self)
        self.manifest = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        self.type = OCI_MANIFEST
        self.manifests = {digest(self.manifest): (self.type, self.manifest)}


def set_layer(key, value):
    def change(manifest, image):
        old = manifest["layers"][-1]
        manifest["layers"][-1][key] = value(old[key]) if callable(value) else value
        if key == "digest":
            image.blobs[manifest["layers"][-1]["digest"]] = image.layers[-1]
    return change


def many_layers(manifest, image):
    manifest["layers"] = manifest["layers"] * 20000


def sha512_layer(honest):
    def change(manifest, image):
        data = image.layers[-1]
        name = "sha512:" + hashlib.sha512(data if honest else data + b"x").hexdigest()
        manifest["layers"][-1]["digest"] = name
        image.blobs[name] = data
    return change


def other_config(make):
    """A config that is what its descriptor says, and no good."""
    def change(manifest, image):
        image.config = make(image.config)
        image.blobs[digest(image.config)] = image.config
        manifest["config"] = descriptor(OCI_CONFIG, image.config)
    return change


def two_sizes(manifest, image):
    twin = dict(manifest["layers"][-1], size=manifest["layers"][-1]["size"] + 1)
    manifest["layers"].append(twin)


class Faults:
    """What is wrong with the image of each prefix. Faults of the transport are in Handler."""

    def __init__(self, layers):
        self.layers = layers
        self.cache = {}

    def get(self, mode):
        if mode not in self.cache:
            self.cache[mode] = self.make(mode)
        return self.cache[mode]

    def make(self, mode):
        edits = {
            "negsize": set_layer("size", -1),
            "bigsize": set_layer("size", 2 ** 62),
            "sizestr": set_layer("size", "12"),
            "fsize": set_layer("size", 12.0),
            "short": set_layer("size", lambda n: n + 1),
            "long": set_layer("size", lambda n: n - 1),
            "digesttrav": set_layer("digest", "sha256:../../../../etc/passwd"),
            "digestalg": set_layer("digest", "md5:d41d8cd98f00b204e9800998ecf8427e"),
            "digestupper": set_layer("digest", lambda d: "sha256:" + d[7:].upper()),
            "manylayers": many_layers,
            "urls": lambda m, i: m["layers"][-1].update(
                urls=["http://127.0.0.1:%d/foreign" % Handler.other_port],
                mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
            "sha512": sha512_layer(True),
            "sha512lie": sha512_layer(False),
            "sha512short": set_layer("digest", lambda d: "sha512:" + d[7:]),
            "twosizes": two_sizes,
            "configdup": other_config(lambda c: c.replace(b'"os":', b'"os": "plan9", "os":')),
            "confignul": other_config(lambda c: c.replace(b"PATH=", b"PA\\u0000TH=")),
            "configgzip": other_config(lambda c: gzip.compress(bytes(64 << 20), mtime=0)),
            "confighuge": other_config(lambda c: c + b" " * (8 << 20)),
            "configdeep": other_config(lambda c: b'{"config":' + b"[" * 500000),
            "configsize": lambda m, i: m["config"].update(size=1 << 40),
            "nulmanifest": lambda m, i: m["layers"][-1].update(mediaType="application/x\0y"),
            "artifact": lambda m, i: m["config"].update(
                mediaType="application/vnd.example.chart+json"),
        }
        config_edits = {
            "diffid": lambda c: c["rootfs"].update(
                diff_ids=["sha256:" + "0" * 64] * len(c["rootfs"]["diff_ids"])),
        }
        image = Image(self.layers, change=edits.get(mode), config_change=config_edits.get(mode))
        wrap = getattr(self, "wrap_" + mode, None)
        if wrap:
            wrap(image)
        return image

    @staticmethod
    def replace(image, media_type, data):
        image.manifests = {digest(data): (media_type, data), **image.manifests}
        image.manifest, image.type = data, media_type

    def wrap_index(self, image):
        other = Image(self.layers, architecture="arm64")
        entries = [descriptor(OCI_MANIFEST, image.manifest,
                              platform={"os": "linux", "architecture": "amd64"}),
                   descriptor(OCI_MANIFEST, other.manifest,
                              platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
                   descriptor(OCI_MANIFEST, other.manifest,
                              platform={"os": "unknown", "architecture": "unknown"})]
        image.blobs.update(other.blobs)
        image.manifests.update(other.manifests)
        self.replace(image, OCI_INDEX, json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode())

    # ── what an index says of its image ──

    def wrap_said(self, image, *attestations):
        """An index with the image, and what is said of it: lists of statements, or (media type, manifest)."""
        entries = [descriptor(OCI_MANIFEST, image.manifest, platform={"os": "linux", "architecture": "amd64"})]
        about = {"vnd.docker.reference.type": "attestation-manifest",
                 "vnd.docker.reference.digest": digest(image.manifest)}
        for item in attestations:
            kind, data = item if isinstance(item, tuple) else (OCI_MANIFEST, self.said_manifest(image, item))
            image.manifests[digest(data)] = (kind, data)
            entries.append(descriptor(kind, data, annotations=about,
                                      platform={"os": "unknown", "architecture": "unknown"}))
        self.replace(image, OCI_INDEX, json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode())

    @staticmethod
    def said_manifest(image, statements):
        config = b'{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}'
        for blob in [config, *statements]:
            image.blobs[digest(blob)] = blob
        return json.dumps({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(OCI_CONFIG, config),
            "layers": [descriptor(IN_TOTO, s, annotations={"in-toto.io/predicate-type": SPDX})
                       for s in statements]}).encode()

    @staticmethod
    def statement(predicate):
        return b'{"predicateType":"%s","predicate":%s}' % (SPDX.encode(), predicate)

    def wrap_saidgood(self, image):
        self.wrap_said(image, [self.statement(b'{"good":1}')])

    def wrap_saidhuge(self, image):
        self.wrap_said(image, [self.statement(b'["%s"]' % (b'\\"' * (16 << 20)))])

    def wrap_saidquotes(self, image):
        self.wrap_said(image, [self.statement(b'["%s"]' % (b'\\"' * (3 << 20)))])

    def wrap_saidcontrols(self, image):
        self.wrap_said(image, [b"\x01" * (7 << 20)])

    def wrap_saidvalues(self, image):
        self.wrap_said(image, [self.statement(b"[" + b"{}," * (2 << 20) + b"{}]")])

    def wrap_saiddeep(self, image):
        self.wrap_said(image, [self.statement(b"[" * (1 << 20) + b"]" * (1 << 20))])

    def wrap_saidmany(self, image):
        """900 manifests of 400 statements, which the server makes once: 360,000 would take it as long as the rest of the test."""
        manifest = self.said_manifest(image, [self.statement(b'{"%d":0}' % i) for i in range(400)])
        self.wrap_said(image, *[(OCI_MANIFEST, manifest[:-1] + b',"annotations":{"number":"%d"}}' % i) for i in range(900)])

    def wrap_saidmanifests(self, image):
        """Manifests that are large, and nothing but blanks."""
        self.wrap_said(image, *[(OCI_MANIFEST, self.said_manifest(image, []) + b" " * ((3 << 20) + i))
                                for i in range(40)])

    def wrap_saiditself(self, image):
        self.wrap_said(image, (OCI_MANIFEST, image.manifest))

    def wrap_saidindex(self, image):
        self.wrap_said(image, (OCI_INDEX, json.dumps({
            "schemaVersion": 2, "mediaType": OCI_INDEX,
            "manifests": [descriptor(OCI_MANIFEST, image.manifest)]}).encode()))

    def wrap_saidabsent(self, image):
        self.wrap_said(image, [self.statement(b'{"absent":1}')])
        image.blobs = {name: blob for name, blob in image.blobs.items() if b"absent" not in blob}

    def wrap_wrongdigestm(self, image):
        self.wrap_index(image)
        for name, (kind, data) in list(image.manifests.items()):
            if kind == OCI_MANIFEST:
                image.manifests[name] = (kind, data.replace(b"layers", b"Layers"))

    def wrap_noplatform(self, image):
        entry = descriptor(OCI_MANIFEST, image.manifest,
                           platform={"os": "linux", "architecture": "s390x"})
        self.replace(image, OCI_INDEX, json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode())

    def wrap_deepindex(self, image):
        data, kind = image.manifest, OCI_MANIFEST
        documents = {}
        for _ in range(50):
            documents[digest(data)] = (kind, data)
            data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
                descriptor(kind, data, platform={"os": "linux", "architecture": "amd64"})]}).encode()
            kind = OCI_INDEX
        image.manifests.update(documents)
        self.replace(image, kind, data)

    def wrap_manyentries(self, image):
        entry = json.dumps(descriptor(OCI_MANIFEST, image.manifest,
                                      platform={"os": "linux", "architecture": "s390x"}))
        head = '{"schemaVersion":2,"mediaType":"%s","manifests":[' % OCI_INDEX
        self.replace(image, OCI_INDEX, (head + ",".join([entry] * 15000) + "]}").encode())

    def wrap_millionentries(self, image):
        self.replace(image, OCI_INDEX, b'{"schemaVersion":2,"manifests":[' + b"{}," * 1000000 + b"{}]}")

    def wrap_dualtype(self, image):
        document = json.loads(image.manifest)
        document["manifests"] = []
        self.replace(image, OCI_MANIFEST, json.dumps(document).encode())

    def wrap_badtype(self, image):
        self.replace(image, OCI_INDEX, image.manifest)

    def wrap_dupkeys(self, image):
        self.replace(image, OCI_MANIFEST, image.manifest.replace(
            b'"schemaVersion": 2', b'"schemaVersion": 1, "schemaVersion": 2'))

    def wrap_deep(self, image):
        self.replace(image, OCI_MANIFEST, b'{"layers":' + b"[" * 1000000 + b"]" * 1000000 + b"}")

    def wrap_hugemanifest(self, image):
        self.replace(image, OCI_MANIFEST, image.manifest + b" " * (8 << 20))

    def wrap_notjson(self, image):
        self.replace(image, OCI_MANIFEST, b"<html>Sign in to the airport network</html>")

    def wrap_schema1(self, image):
        self.replace(image, "application/vnd.docker.distribution.manifest.v1+prettyjws",
                     b'{"schemaVersion":1,"name":"x","fsLayers":[]}')


class State:
    def __init__(self, layers, log):
        self.faults = Faults(layers)
        self.lock = threading.Lock()
        self.counts = {}
        self.pushed_blobs = {}      # repo -> {digest: bytes}
        self.pushed_manifests = {}  # repo -> {tag or digest: (type, bytes)}
        self.uploads = {}
        self.tokens = set()         # of those that change, what is good
        self.refresh = None         # the refresh token that is
        self.log_file = open(log, "a", buffering=1) if log else None

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]

    def log(self, **entry):
        if self.log_file:
            with self.lock:
                self.log_file.write(json.dumps(entry) + "\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    state = None
    auth = "none"
    other_port = 0
    port = 0
    slow = 1.0
    role = "registry"

    def log_message(self, *args):
        pass

    # ── answering ──

    def reply(self, status, body=b"", content_type="application/json", headers=()):
        self.send_response(status)
        names = [name.lower() for name, _ in headers]
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(body)))
        if body and "content-type" not in names:
            self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, status, code, message, headers=()):
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.reply(status, body, headers=headers)

    def is_chunked(self):
        return self.headers.get("Transfer-Encoding", "").lower() == "chunked"

    def read_body(self, most=1 << 40):
        """Of a chunked one no more chunks when MOST bytes are there."""
        if self.is_chunked():
            out = b""
            while len(out) < most:
                size = int(self.rfile.readline().strip(), 16)
                out += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    break
            return out[:most]
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), most))

    # ── who may ──

    def basic(self):
        return "Basic " + base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()

    def challenge(self):
        realms = {
            "bearer": "http://127.0.0.1:%d/token" % self.port,
            "oauth": "http://127.0.0.1:%d/token-oauth" % self.port,
            "realm-other": "http://127.0.0.9:%d/token" % self.other_port,
            "realm-port": "http://127.0.0.1:%d/token" % self.other_port,
            "realm-meta": "http://127.0.0.9:%d/latest/meta-data" % self.other_port,
            "realm-file": "file:///etc/passwd",
            "realm-gopher": "gopher://127.0.0.1:%d/x" % self.other_port,
            "realm-crlf": "http://127.0.0.1:%d/token%%0d%%0aX: y z" % self.port,
            "realm-huge": "http://127.0.0.1:%d/token-huge" % self.port,
        }
        if self.auth == "many":
            return ", ".join('Bearer realm="http://127.0.0.%d:1/",service="%d"' % (i % 250 + 1, i) for i in range(2000))
        if self.auth == "basic":
            return 'Basic realm="test registry, \\"quoted\\""'
        realm = realms.get(self.auth, "http://127.0.0.1:%d/%s" % (self.port, self.auth))
        return 'Bearer realm="%s",service="test",scope="repository:placeholder:pull"' % realm

    def authorized(self):
        if self.auth == "none":
            return True
        wanted = self.basic() if self.auth == "basic" else "Bearer " + TOKEN
        given = self.headers.get("Authorization")
        if given == wanted or given in self.state.tokens:
            return True
        self.read_body()
        self.fail(401, "UNAUTHORIZED", "authentication required",
                  [("WWW-Authenticate", self.challenge())])
        return False

    def token(self, path):
        if path == "/token-huge":
            body = b'{"token":"' + b"x" * (64 << 20) + b'"}'
            return self.reply(200, body)
        bad = {
            "/token-crlf": b'{"token":"a\\r\\nX-Evil: 1","expires_in":300}',
            "/token-nul": b'{"token":"a\\u0000b"}',
            "/token-number": b'{"token":5}',
            "/token-wrong": b'{"token":"not-this-one","expires_in":300}',
            "/token-twice": b'{"token":"%s","token":"other"}' % TOKEN.encode(),
            "/token-ages": b'{"token":"%s","expires_in":1e300}' % TOKEN.encode(),
            "/token-past": b'{"token":"%s","expires_in":-9223372036854775808}' % TOKEN.encode(),
            "/token-none": b"{}",
        }
        if path in bad:
            return self.reply(200, bad[path])
        if path == "/token-loop":
            return self.reply(401, headers=[("WWW-Authenticate", self.challenge())])
        if path == "/token-away":
            return self.reply(307, headers=[("Location", "http://127.0.0.9:%d/token" % self.other_port)])
        if path == "/token-rotating":
            return self.token_once()
        if path == "/token-get":  # takes no POST; the login's token is the password then
            login = "Basic " + base64.b64encode(("%s:%s" % (USER, REFRESH_TOKEN)).encode()).decode()
            if self.command == "POST":
                self.read_body()
                return self.fail(405, "UNSUPPORTED", "no POST here")
            if self.headers.get("Authorization") != login:
                return self.fail(401, "UNAUTHORIZED", "authentication required")
            return self.reply(200, json.dumps({"token": TOKEN, "expires_in": 300}).encode())
        if self.command == "POST":  # OAuth: the token that a login was given
            form = dict(urllib.parse.parse_qsl(self.read_body().decode()))
            if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != REFRESH_TOKEN:
                return self.fail(401, "UNAUTHORIZED", "unknown refresh token")
            return self.reply(200, json.dumps({"access_token": TOKEN, "expires_in": 300}).encode())
        authorization = self.headers.get("Authorization")
        if self.role == "registry" and authorization != self.basic():
            return self.fail(401, "UNAUTHORIZED", "authentication required")
        answer = {"token": TOKEN, "expires_in": 300}
        if path == "/token-oauth" and "offline_token=true" in self.path:
            answer["refresh_token"] = REFRESH_TOKEN
        return self.reply(200, json.dumps(answer).encode())

    def token_once(self):
        """Each token is another one, and a refresh token is good for one request, which brings the next."""
        if self.command == "POST":
            form = dict(urllib.parse.parse_qsl(self.read_body().decode()))
            if form.get("refresh_token") != self.state.refresh:
                return self.fail(400, "UNAUTHORIZED", "this refresh token was used before")
        elif self.headers.get("Authorization") != self.basic():
            return self.fail(401, "UNAUTHORIZED", "authentication required")
        number = self.state.count("token")
        self.state.refresh = "%s-%d" % (REFRESH_TOKEN, number)
        self.state.tokens.add("Bearer %s-%d" % (TOKEN, number))
        return self.reply(200, json.dumps({"access_token": "%s-%d" % (TOKEN, number), "expires_in": 300,
                                           "issued_at": "2001-02-03T04:05:06Z",
                                           "refresh_token": self.state.refresh}).encode())

    # ── routes ──

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        self.state.log(server=self.role, method=self.command, path=self.path,
                       range=self.headers.get("Range"), sent=self.headers.get("Content-Range"),
                       chunked=self.is_chunked(),
                       authorization=self.headers.get("Authorization"),
                       proxied=self.headers.get("Proxy-Authorization"))
        if url.path.startswith("/token") or url.path.startswith("/latest/"):
            return self.token(url.path)
        if url.path.startswith("/plain/"):
            return self.plain(url.path[7:])
        if self.role == "other":
            return self.other(url)
        if url.path == "/v1/search":
            hit = dict(name="tool", description="A\n\ttool\x1b[31m", star_count=7, is_official=True)
            return self.reply(200, json.dumps(dict(results=[hit])).encode())
        if not url.path.startswith("/v2/"):
            return self.reply(404, b"not here\n", "text/plain")
        if not self.authorized():
            return None
        if url.path == "/v2/":
            return self.reply(200, b"{}")
        query = dict(urllib.parse.parse_qsl(url.query))
        for pattern, action in (
                (r"/v2/(.+)/manifests/([^/]+)", self.manifests),
                (r"/v2/(.+)/blobs/uploads/([^/]*)", self.upload),
                (r"/v2/(.+)/blobs/([^/]+)", self.blobs),
                (r"/v2/(.+)/tags/list", self.tags)):
            match = re.fullmatch(pattern, url.path)
            if match:
                return action(query, *match.groups())
        self.fail(404, "NAME_UNKNOWN", "no such route")
        return None

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_CONNECT = route

    def other(self, url):
        """The other host: serves what redirects lead to, wants nothing. As a proxy, it refuses."""
        if self.command == "CONNECT":
            return self.reply(407)
        self.read_body()
        match = re.fullmatch(r"/blob/([^/]+)/(.+)", url.path)
        if match:
            blob = self.state.faults.get(match.group(1)).blobs.get(match.group(2))
            return self.reply(200, blob, "application/octet-stream") if blob else self.reply(404)
        if self.command == "PUT":
            return self.reply(201)
        return self.reply(404, b"nothing here\n", "text/plain")

    def mode_of(self, repo):
        return repo.split("/")[0]

    def manifests(self, query, repo, name):
        pushed = self.state.pushed_manifests.setdefault(repo, {})
        if self.command == "PUT":
            body = self.read_body()
            if self.mode_of(repo) == "pushdenied":
                return self.fail(403, "DENIED", "requested access to the resource is denied")
            pushed[name] = pushed[digest(body)] = (self.headers["Content-Type"], body)
            listed = [("OCI-Subject", "sha256:" + "3" * 64)] if self.mode_of(repo) == "pushlists" else []
            return self.reply(201, headers=[("Docker-Content-Digest", digest(body)),
                                            ("Location", "/v2/%s/manifests/%s" % (repo, name))] + listed)
        if self.command == "DELETE":
            return self.fail(405, "UNSUPPORTED", "the operation is unsupported")
        if name.startswith("sha512:"):
            return self.by_sha512(repo, name, {**self.state.faults.get(self.mode_of(repo)).manifests, **pushed})
        if name in pushed:
            kind, body = pushed[name]
            return self.reply(200, body, kind, [("Docker-Content-Digest", digest(body))])
        mode = self.mode_of(repo)
        if mode == "pushchain" and name.startswith("sha256-"):
            body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [],
                               "subject": {"digest": digest(name.encode())}}).encode()
            return self.reply(200, body, OCI_INDEX, [("Docker-Content-Digest", digest(body))])
        fault = getattr(self, "manifest_" + mode, None)
        if fault and fault(repo, name):
            return None
        image = self.state.faults.get(mode)
        kind, body = (image.type, image.manifest) if not name.startswith("sha256:") else \
            image.manifests.get(name, (None, None))
        if body is None or name == "missing" or mode == "absent" or mode.startswith("push"):
            return self.fail(404, "MANIFEST_UNKNOWN", "manifest unknown")
        headers = [] if mode == "nodigest" else [("Docker-Content-Digest", digest(body))]
        if mode == "warns":
            headers += [("Warning", '299 - "this name goes away \x1b[31msoon"'), ("Warning", '110 - "stale"'), ("Warning", "299")]
        if mode == "lieheader":
            headers = [("Docker-Content-Digest", "sha256:" + "1" * 64)]
        return self.reply(200, body, kind, headers)

    def by_sha512(self, repo, name, manifests):
        for kind, body in manifests.values():
            if name == "sha512:" + hashlib.sha512(body).hexdigest():
                return self.reply(200, body, kind, [("Docker-Content-Digest", name)])
        return self.fail(404, "MANIFEST_UNKNOWN", "manifest unknown")

    def manifest_redirloop(self, repo, name):
        self.reply(307, headers=[("Location", self.path)])
        return True

    def manifest_redirfile(self, repo, name):
        self.reply(307, headers=[("Location", "file:///etc/passwd")])
        return True

    def manifest_nohead(self, repo, name):
        if self.command == "HEAD":
            self.fail(405, "UNSUPPORTED", "GET it")
        return self.command == "HEAD"

    def manifest_nohead404(self, repo, name):
        if self.command == "HEAD":
            self.fail(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return self.command == "HEAD"

    def manifest_hugehdr(self, repo, name):
        self.send_response(200)
        for i in range(2000):
            self.send_header("X-Filler-%d" % i, "x" * 1000)
        self.end_headers()
        return True

    def manifest_slowhdr(self, repo, name):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(120):
            self.wfile.write(b"X")
            self.wfile.flush()
            time.sleep(self.slow)
        return True

    def raw(self, *pieces):
        """Bytes that are not HTTP as it should be."""
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)
        return True

    def manifest_notyet(self, repo, name):
        while True:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)

    def manifest_nohttp(self, repo, name):
        return self.raw(self.state.faults.get("good").manifest)

    def manifest_chunkhuge(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"F" * 40 + b"\r\n{}")

    def manifest_chunkneg(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"-5\r\n{}\r\n0\r\n\r\n")

    def manifest_chunkext(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", *[b"x" * 65536] * 1024)

    def manifest_chunkdrops(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n" * 65536] * 80)

    def manifest_trailers(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
                        *[b"X-Filler: " + b"x" * 1000 + b"\r\n"] * 4000)

    def manifest_twolengths(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 500\r\n\r\n{}", b" " * 498)

    def manifest_neglength(self, repo, name):
        return self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")

    def manifest_empty(self, repo, name):
        self.reply(200, b"", headers=[("Content-Type", OCI_MANIFEST)])
        return True

    def manifest_encoded(self, repo, name):
        self.reply(200, gzip.compress(bytes(64 << 20)), OCI_MANIFEST, [("Content-Encoding", "gzip")])
        return True

    def manifest_nullocation(self, repo, name):
        return self.raw(b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1\0.example/\r\nContent-Length: 0\r\n\r\n")

    def manifest_nolocation(self, repo, name):
        self.reply(307)
        return True

    def manifest_redirchain(self, repo, name):
        url = "%s?%d" % (self.path.split("?")[0], self.state.count((repo, "chain")))
        self.reply(307, headers=[("Location", url)])
        return True

    def manifest_escapes(self, repo, name):
        self.fail(404, "MANIFEST_UNKNOWN", "\x1b]0;owned\x07\x1b[2Jmanifest unknown")
        return True

    def manifest_hugeerror(self, repo, name):
        self.reply(404, b"E" * (64 << 20), "text/plain")
        return True

    def retry_with(self, repo, key, times, status, retry_after):
        if self.state.count((repo, key)) > times:
            return False
        headers = [("Retry-After", retry_after)] if retry_after else []
        headers.append(("RateLimit-Limit", "100;w=21600"))
        self.fail(status, "TOOMANYREQUESTS", "slow down", headers)
        return True

    def manifest_e429(self, repo, name):
        return self.retry_with(repo, name, 1, 429, "0")

    def manifest_e429big(self, repo, name):
        return self.retry_with(repo, name, 1, 429, "999999999")

    def manifest_e429bad(self, repo, name):
        return self.retry_with(repo, name, 1, 429, "soon")

    def manifest_e429neg(self, repo, name):
        return self.retry_with(repo, name, 1, 429, "-5")

    def manifest_e429ever(self, repo, name):
        return self.retry_with(repo, name, 1000000, 429, "0")

    def manifest_e503(self, repo, name):
        return self.retry_with(repo, name, 2, 503, None)

    def manifest_flip(self, repo, name):
        if name.startswith("sha256:") or self.state.count((repo, "flip")) % 2:
            return False
        image = self.state.faults.get("index")
        self.reply(200, image.manifest, image.type)
        return True

    # ── blobs ──

    def blobs(self, query, repo, name):
        mode = self.mode_of(repo)
        blob = self.find_blob(repo, name)
        if blob is None:
            return self.fail(404, "BLOB_UNKNOWN", "blob unknown to registry")
        fault = getattr(self, "blob_" + mode, None)
        if fault and self.command == "GET" and blob != self.state.faults.get(mode).config:
            return fault(repo, name, blob)
        return self.send_blob(blob)

    def find_blob(self, repo, name):
        mode = self.mode_of(repo)
        blob = self.state.pushed_blobs.get(repo, {}).get(name)
        if blob is None and not mode.startswith("push"):
            blob = self.state.faults.get(mode).blobs.get(name)
        return blob

    def send_blob(self, blob, limit=None):
        start = self.range_start()
        if start is None:
            headers = [("Accept-Ranges", "bytes"), ("Content-Length", str(len(blob)))]
            status, part = 200, blob
        elif start >= len(blob):
            return self.reply(416, headers=[("Content-Range", "bytes */%d" % len(blob))])
        else:
            part = blob[start:self.range_end(len(blob))]
            headers = [("Content-Range", "bytes %d-%d/%d" % (start, start + len(part) - 1, len(blob))),
                       ("Content-Length", str(len(part)))]
            status = 206
        if limit is not None and limit < len(part):
            part = part[:limit]
            self.close_connection = True
        return self.reply(status, part, "application/octet-stream", headers)

    def range_start(self):
        match = re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range") or "")
        return int(match.group(1)) if match else None

    def range_end(self, length):
        match = re.fullmatch(r"bytes=\d+-(\d+)", self.headers.get("Range") or "")
        return min(int(match.group(1)) + 1, length) if match else length

    def slowly(self, status, part, headers, speed=3):
        """So many MiB a second in each connection."""
        self.reply(status, b"", "application/octet-stream", headers + [("Content-Length", str(len(part)))])
        for at in range(0, len(part), 65536):
            self.wfile.write(part[at:at + 65536])
            time.sleep(65536 / (speed << 20))

    def slow_range(self, repo, blob, change=lambda part, repo: part):
        start = self.range_start()
        if start is None:
            return self.slowly(200, blob, [])
        part = blob[start:self.range_end(len(blob))]
        headers = [("Content-Range", "bytes %d-%d/%d" % (start, start + len(part) - 1, len(blob)))]
        return self.slowly(206, change(part, repo), headers, 8)

    def blob_slow(self, repo, name, blob):
        return self.slow_range(repo, blob)

    def blob_slowlie(self, repo, name, blob):
        """Ranges with other bytes; and none at the second time."""
        if self.state.count((repo, name)) == 1:
            return self.slowly(200, blob, [])
        if self.range_start() is None:
            return self.send_blob(blob)
        return self.slow_range(repo, blob, lambda part, repo: bytes(len(part)))

    def blob_slowshort(self, repo, name, blob):
        """Half of each range."""
        if self.state.count((repo, name)) == 1:
            return self.slowly(200, blob, [])
        if self.range_end(len(blob)) == len(blob):
            return self.send_blob(blob)
        return self.slow_range(repo, blob, lambda part, repo: part[:len(part) // 2])

    def blob_slowwhole(self, repo, name, blob):
        """No ranges at all; slow the first time."""
        if self.state.count((repo, name)) == 1:
            return self.slowly(200, blob, [])
        return self.reply(200, blob, "application/octet-stream")

    def blob_slow416(self, repo, name, blob):
        if self.state.count((repo, name)) == 1:
            return self.slowly(200, blob, [])
        if self.range_start() is not None:
            return self.reply(416)
        return self.reply(200, blob, "application/octet-stream")

    def blob_wrongdigest(self, repo, name, blob):
        return self.send_blob(blob[:-1] + bytes([blob[-1] ^ 1]))

    def blob_cut(self, repo, name, blob):
        """Only 64 KiB in each connection."""
        return self.send_blob(blob, 65536)

    def blob_cutonce(self, repo, name, blob):
        return self.send_blob(blob, len(blob) // 2 if self.state.count((repo, name)) == 1 else None)

    def blob_norange(self, repo, name, blob):
        """Cut once, and ranges are ignored."""
        first = self.state.count((repo, name)) == 1
        part = blob[:len(blob) // 2] if first else blob
        self.close_connection = first
        return self.reply(200, part, "application/octet-stream",
                          [("Content-Length", str(len(blob)))])

    def blob_badrange(self, repo, name, blob):
        """Cut once; the partial answer begins elsewhere."""
        start = self.range_start()
        if start is None:
            return self.send_blob(blob, len(blob) // 2 if self.state.count((repo, name)) == 1 else None)
        return self.reply(206, blob[7:], "application/octet-stream", [
            ("Content-Range", "bytes 7-%d/%d" % (len(blob) - 1, len(blob)))])

    def blob_lierange(self, repo, name, blob):
        """Cut once; the partial answer claims to be right and is not."""
        start = self.range_start()
        if start is None:
            return self.send_blob(blob, len(blob) // 2 if self.state.count((repo, name)) == 1 else None)
        return self.reply(206, b"\0" * (len(blob) - start), "application/octet-stream", [
            ("Content-Range", "bytes %d-%d/%d" % (start, len(blob) - 1, len(blob)))])

    def blob_cenc(self, repo, name, blob):
        return self.reply(200, blob, "application/octet-stream", [("Content-Encoding", "gzip")])

    def blob_endless(self, repo, name, blob):
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b"\0" * 65536)

    def blob_drip(self, repo, name, blob):
        self.send_response(200)
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        for byte in blob[:120]:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(self.slow)
        self.close_connection = True

    def blob_redirect(self, repo, name, blob):
        return self.reply(307, headers=[
            ("Location", "http://127.0.0.9:%d/blob/%s/%s" % (self.other_port, self.mode_of(repo), name))])

    def blob_redirmeta(self, repo, name, blob):
        return self.reply(307, headers=[("Location", "http://169.254.169.254/latest/meta-data/")])

    def blob_rediruser(self, repo, name, blob):
        return self.reply(307, headers=[("Location", "http://%s:%s@127.0.0.9:%d/blob/good/%s" % (
            USER, PASSWORD, self.other_port, name))])

    def blob_redirunix(self, repo, name, blob):
        return self.reply(307, headers=[("Location", "http://127.0.0.9:%d@localhost:1/x" % self.other_port)])

    def rest_with(self, repo, name, blob, content_range):
        """Cut once; the rest comes with CONTENT_RANGE."""
        start = self.range_start()
        if start is None:
            return self.send_blob(blob, len(blob) // 2 if self.state.count((repo, name)) == 1 else None)
        return self.reply(206, blob[start:], "application/octet-stream",
                          [("Content-Range", content_range(start, len(blob)))])

    def blob_rangetotal(self, repo, name, blob):
        return self.rest_with(repo, name, blob, lambda start, size: "bytes %d-%d/1" % (start, size - 1))

    def blob_rangeback(self, repo, name, blob):
        return self.rest_with(repo, name, blob, lambda start, size: "bytes %d-%d/%d" % (start, start - 9, size))

    def blob_rangeunit(self, repo, name, blob):
        return self.rest_with(repo, name, blob, lambda start, size: "lines %d-%d/%d" % (start, size - 1, size))

    def blob_rangehuge(self, repo, name, blob):
        return self.rest_with(repo, name, blob, lambda start, size: "bytes %d-%s/%s" % (start, "9" * 30, "9" * 40))

    def blob_rangetwice(self, repo, name, blob):
        """The rest, and the rest once more."""
        start = self.range_start()
        if start is None:
            return self.send_blob(blob, len(blob) // 2 if self.state.count((repo, name)) == 1 else None)
        return self.reply(206, blob[start:] * 2, "application/octet-stream", [
            ("Content-Range", "bytes %d-%d/%d" % (start, len(blob) - 1, len(blob)))])

    def blob_redirrel(self, repo, name, blob):
        return self.reply(307, headers=[("Location", "../../../good/image/blobs/" + name)])

    def blob_redirdown(self, repo, name, blob):
        return self.reply(307, headers=[("Location", "http://192.0.2.1/blob/" + name)])

    def blob_e503(self, repo, name, blob):
        return None if self.retry_with(repo, name, 2, 503, "0") else self.send_blob(blob)

    # ── pushing ──

    def upload(self, query, repo, session):
        mode = self.mode_of(repo)
        if self.command == "PATCH" and session in self.state.uploads and \
                self.patch_badly(mode, repo, session):
            return None
        body = self.read_body()
        stored = self.state.pushed_blobs.setdefault(repo, {})
        if mode == "pushdenied":
            return self.fail(403, "DENIED", "requested access to the resource is denied")
        if self.command == "POST":
            return self.start_upload(query, repo, mode, stored)
        if self.command == "DELETE":
            return self.reply(204 if self.state.uploads.pop(session, None) is not None else 404)
        if session not in self.state.uploads:
            return self.fail(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if self.command == "PUT" and mode == "pushflaky" and self.state.count((repo, "put")) <= 2:
            del self.state.uploads[session]
            return self.fail(503, "UNAVAILABLE", "try later")
        if self.command == "GET":
            if mode == "pushstatus" and self.state.count((repo, "status")) <= 5:
                return self.fail(503, "UNAVAILABLE", "try later", [("Retry-After", "0")])
            size = 1 << 60 if mode == "pushrangelie" else len(self.state.uploads[session])
            return self.reply(204, headers=[("Location", self.path), ("Range", "0-%d" % max(size - 1, 0))])
        if self.command == "PATCH":
            first = int((self.headers.get("Content-Range") or "0-").split("-")[0])
            if first != len(self.state.uploads[session]):
                return self.fail(416, "RANGE_INVALID", "invalid content range")
        self.state.uploads[session] += body
        if self.command == "PATCH":
            size = len(self.state.uploads[session])
            location = self.path
            if mode == "pushpatchredir":
                location = "http://127.0.0.9:%d/upload/%s" % (self.other_port, session)
            return self.reply(202, headers=[("Location", location), ("Range", "0-%d" % (size - 1))])
        data = self.state.uploads.pop(session)
        if digest(data) != query.get("digest"):
            return self.fail(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        stored[digest(data)] = data
        answer = "sha256:" + "2" * 64 if mode == "pushlie" else digest(data)
        return self.reply(201, headers=[("Docker-Content-Digest", answer)])

    def patch_badly(self, mode, repo, session):
        """Takes a part of it, or nothing, and breaks off."""
        if mode == "pushnopatch":
            self.read_body()
            self.fail(405, "UNSUPPORTED", "the operation is unsupported")
            return True
        if mode == "push416":
            self.read_body()
            self.fail(416, "RANGE_INVALID", "invalid content range")
            return True
        if mode == "pushlength" and self.is_chunked():
            self.read_body()
            self.fail(411, "SIZE_INVALID", "how much will it be?")
            return True
        count = self.state.count((repo, "patch"))
        if mode in ("pushexpire", "pushexpired") and count == 1:  # half way, or before the first byte
            self.state.tokens.clear()
            self.state.uploads[session] += self.read_body(6 << 20) if mode == "pushexpire" else b""
            self.close_connection = True
            self.fail(401, "UNAUTHORIZED", "the token is too old", [("WWW-Authenticate", self.challenge())])
            return True
        if mode in ("pushcut", "pushrangelie") or mode in ("pushhang", "pushstatus", "pushforget") and count == 1 or \
                mode == "pushthere" and count > 1:
            length = int(self.headers.get("Content-Length") or 1 << 40)
            self.state.uploads[session] += self.read_body(6 << 20)
            self.state.log(server=self.role, event="cut", path=self.path)
            if mode in ("pushhang", "pushthere"):  # until the client is gone
                self.rfile.read(length)
            if mode == "pushforget":
                del self.state.uploads[session]
            self.close_connection = True
            if mode == "pushcut" and length <= 6 << 20:
                self.reply(202, headers=[("Location", self.path)])
            return True
        return False

    def start_upload(self, query, repo, mode, stored):
        source = "from" in query and mode != "nomount" and self.find_blob(query["from"], query.get("mount"))
        if source:
            stored[query["mount"]] = source
            return self.reply(201, headers=[("Docker-Content-Digest", query["mount"])])
        session = "session-%d" % self.state.count("upload")
        self.state.uploads[session] = b""
        location = "/v2/%s/blobs/uploads/%s?state=a%%2Fb" % (repo, session)
        if mode == "pushredir":
            location = "http://127.0.0.9:%d/upload/%s" % (self.other_port, session)
        elif mode == "pushabs":
            location = "http://127.0.0.1:%d%s" % (self.port, location)
        return self.reply(202, headers=[("Location", location)])

    def tags(self, query, repo):
        names = ["a", "b", "c", "latest", "v1"]
        if self.mode_of(repo) == "tagloop":
            return self.reply(200, json.dumps({"name": repo, "tags": names}).encode(),
                              headers=[("Link", "<%s>; rel=\"next\"" % self.path)])
        if self.mode_of(repo) == "tagends":  # never
            page = self.state.count((repo, "page"))
            return self.reply(200, json.dumps({"name": repo, "tags": ["t%d" % page]}).encode(),
                              headers=[("Link", '</v2/%s/tags/list?page=%d>; rel="next"' % (repo, page))])
        if self.mode_of(repo) == "taggiant":
            return self.reply(200, json.dumps({"name": repo, "tags": ["t%d" % i for i in range(1000000)]}).encode())
        if self.mode_of(repo) == "tagaway":
            if "last" in query:
                return self.reply(200, json.dumps({"name": repo, "tags": ["b"]}).encode())
            return self.reply(200, json.dumps({"name": repo, "tags": ["a"]}).encode(), headers=[
                ("Link", '<http://127.0.0.9:%d/v2/%s/tags/list?last=a>; rel="next"' % (self.other_port, repo))])
        if self.mode_of(repo) == "tagnames":
            return self.reply(200, json.dumps(
                {"name": repo, "tags": ["\x1b]0;owned\x07", "../../x", "fine"]}).encode())
        start = names.index(query["last"]) + 1 if query.get("last") in names else 0
        page = names[start:start + 2]
        headers = []
        if start + 2 < len(names):
            headers = [("Link", '</v2/%s/tags/list?last=%s&n=2>; rel="next"' % (repo, page[-1]))]
        return self.reply(200, json.dumps({"name": repo, "tags": page}).encode(), headers=headers)

    # ── for the HTTP client's own tests ──

    def plain(self, what):
        body = self.read_body()
        if what == "echo":
            return self.reply(200, json.dumps({
                "method": self.command, "body": body.decode("latin-1"),
                "headers": {k.lower(): v for k, v in self.headers.items()}}).encode())
        if what.startswith("status/"):
            return self.reply(int(what[7:]), b"status body\n", "text/plain")
        if what.startswith("flaky/"):
            times, status = what[6:].split("/")[:2]
            if self.state.count(what) <= int(times):
                return self.reply(int(status), headers=[("Retry-After", "0")])
            return self.reply(200, b"at last")
        if what.startswith("to/"):
            return self.reply(302, headers=[("Location", urllib.parse.unquote(what[3:]))])
        if what.startswith("keep/"):
            return self.reply(307, headers=[("Location", urllib.parse.unquote(what[5:]))])
        if what.startswith("loop"):
            return self.reply(302, headers=[("Location", "/plain/loop")])
        if what.startswith("bytes/"):
            mode, count, _ = (what[6:] + "/").split("/", 2)
            blob = noise(int(count))
            if mode == "good":
                return self.send_blob(blob)
            return getattr(self, "blob_" + mode)("plain", what, blob)
        if what == "hugehdr":
            return self.manifest_hugehdr("", "")
        if what == "reset":
            self.close_connection = True
            return None
        if what == "longlength":
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\npart")
            return None
        return self.reply(404, b"no such thing\n", "text/plain")


class OtherHandler(Handler):
    role = "other"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests


def two_at_one_port():
    """A port free at one address may be taken at the other: then the next is tried."""
    for _ in range(100):
        other = Server(("127.0.0.9", 0), OtherHandler)
        try:
            return other, Server(("127.0.0.1", other.server_port), OtherHandler)
        except OSError:
            other.server_close()
    sys.exit("registry.py: no port is free at both addresses")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--auth", default="none")
    parser.add_argument("--log")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--layer", action="append", default=[])
    parser.add_argument("--slow", type=float, default=1.0)
    options = parser.parse_args()
    layers = [open(name, "rb").read() for name in options.layer] or [
        make_tar([("etc", None), ("etc/motd", b"hello\n"), ("usr", None), ("usr/bin", None)]),
        make_tar([("data", None), ("data/noise", noise(300000)), ("etc/.wh.motd", b"")]),
    ]
    Handler.state = State(layers, options.log)
    Handler.auth, Handler.slow = options.auth, options.slow
    registry = Server(("127.0.0.1", options.port), Handler)
    other, same_host = two_at_one_port()
    Handler.port, Handler.other_port = registry.server_port, other.server_port
    for server in (registry, other, same_host):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(registry.server_port, other.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
