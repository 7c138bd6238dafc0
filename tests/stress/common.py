"""What the stress scripts share: a store in a directory of its own, a registry, a build of all kinds of steps.

Every script makes its work below --dir (a real disk), prints what it counted, and ends with status 1 at the first
thing that is not as it must be; the store is then left for inspection.
"""
import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCKERFILE = """FROM %s
COPY data /data
%sRUN for i in 1 2 3 4 5 6 7 8 9; do echo $i > /f$i; done; touch -d @1 /f* /
RUN --mount=type=cache,target=/c echo x >> /c/x; echo two > /two; touch -d @1 /two /
RUN rm /f1; mkdir -p /d/e && mv /f2 /d/e/f2 && touch -d @1 /d/e /d /
"""


class Unsound(Exception):
    pass


def arguments(description, turns):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cbuild", default=os.path.join(TOP, "build/cbuild"))
    parser.add_argument("--base", default=os.path.join(TOP, "build/tests/bases/busybox.tar"),
                        help="a root file system with busybox")
    parser.add_argument("--dir", default="/var/tmp/cbuild-stress")
    parser.add_argument("--turns", type=int, default=turns)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.cbuild = os.path.abspath(given.cbuild)
    given.dir = os.path.join(given.dir, os.path.basename(sys.argv[0])[:-3])
    random.seed(given.seed)
    shutil.rmtree(given.dir, ignore_errors=True)
    os.makedirs(given.dir)
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    return given


class Store:
    def __init__(self, cbuild, root):
        self.cbuild, self.root = cbuild, root

    def line(self, *command):
        return [self.cbuild, "--root", self.root, *command]

    def run(self, *command, **more):
        return subprocess.run(self.line(*command), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=60, **more)

    def ok(self, *command, **more):
        done = self.run(*command, **more)
        if done.returncode:
            raise Unsound("%s: status %d\n%s%s" % (command, done.returncode, done.stdout, done.stderr))
        return done.stdout.strip()

    def start(self, *command):
        """In a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(self.line(*command), start_new_session=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def check(self):
        if os.path.exists(os.path.join(self.root, "format")):
            self.ok("fsck", "--deep")

    def mounts(self):
        with open("/proc/mounts") as table:
            return [line for line in table if self.root + "/" in line]

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


def context(directory, base="base", repository=None):
    """A context whose build has the same digest each time."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "data"), "wb") as data:
        data.write(random.Random(7).randbytes(200000))
    os.utime(os.path.join(directory, "data"), (1, 1))
    with open(os.path.join(directory, "Dockerfile"), "w") as file:
        file.write(DOCKERFILE % (base, "ADD %s /git/\n" % repository.url if repository else ""))
    return directory


class Registry:
    """Docker's own, on the loopback; its log tells what was asked for."""

    def __init__(self, directory):
        os.makedirs(directory)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.host = "127.0.0.1:%d" % port
        config = os.path.join(directory, "config.yml")
        with open(config, "w") as file:
            file.write('version: 0.1\nlog: {level: error, accesslog: {disabled: false}}\n'
                       'storage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s"}\n'
                       % (os.path.join(directory, "data"), self.host))
        self.log = os.path.join(directory, "log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        for _ in range(200):
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://%s/v2/" % self.host).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Unsound("the registry does not start: " + open(self.log).read())

    def layers_sent(self):
        """How many answers had a layer in them: the documents of the tests' images are smaller than 100 kB."""
        with open(self.log) as log:
            return sum(int(size) > 100000 for size in re.findall(r'"GET /v2/base/blobs/[^"]*" 20[06] (\d+)', log.read()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def publish(given, registry, layers=4, size=3000000):
    """Pushes an image of some layers besides the base; returns its name."""
    store = Store(given.cbuild, os.path.join(given.dir, "publisher"))
    store.ok("import", given.base, "busybox")
    directory = os.path.join(given.dir, "published")
    os.makedirs(directory)
    lines = ["FROM busybox"]
    for i in range(layers):
        with open(os.path.join(directory, "f%d" % i), "wb") as file:
            file.write(random.Random(i).randbytes(size))
        lines.append("COPY f%d /layers/" % i)
    with open(os.path.join(directory, "Dockerfile"), "w") as file:
        file.write("\n".join(lines) + "\n")
    name = registry.host + "/base:latest"
    store.ok("build", "-q", "-t", name, directory)
    store.ok("push", "-q", name)
    store.remove()
    return name


def archive(given, size=2000000):
    """A docker archive with plain layers, which are kept as files and outlines; returns its path. It has the name `plain`,
    and shares no layer with what is published: what of an image came plain decides how it is saved.
    """
    store, path = Store(given.cbuild, os.path.join(given.dir, "archiver")), os.path.join(given.dir, "plain.tar")
    directory = os.path.join(given.dir, "archived")
    os.makedirs(directory)
    lines = ["FROM scratch"]
    for layer in "first", "second":
        os.makedirs(os.path.join(directory, layer))
        for i in range(20):
            with open(os.path.join(directory, layer, "f%d" % i), "wb") as file:
                file.write(random.Random(layer + str(i)).randbytes(size // 40))
        lines.append("COPY %s /plain/%s/" % (layer, layer))
    with open(os.path.join(directory, "Dockerfile"), "w") as file:
        file.write("\n".join(lines) + "\n")
    store.ok("build", "-q", "-t", "plain", directory)
    store.ok("save", "-o", path, "plain")
    store.remove()
    return path


def digest_of_save(store, name):
    """What the image is made of: `save` as an archive is the same bytes for the same image. None: it cannot be saved."""
    save = subprocess.Popen(store.line("save", name), stdout=subprocess.PIPE)
    digest = hashlib.sha256()
    for block in iter(lambda: save.stdout.read(1 << 20), b""):
        digest.update(block)
    return None if save.wait() else digest.hexdigest()


def digest_of_file(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Repository:
    """A git repository behind git's own server, on the loopback."""

    def __init__(self, directory):
        work = os.path.join(directory, "repo")
        os.makedirs(work)
        with open(os.path.join(work, "file"), "wb") as file:
            file.write(random.Random(9).randbytes(300000))
        who = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_DATE="1700000000 +0000",
                   GIT_COMMITTER_DATE="1700000000 +0000")
        for line in ("init -q -b main", "add -A", "-c user.name=t -c user.email=t@localhost commit -q -m first"):
            subprocess.run(["git", "-C", work, *line.split()], check=True, env=who)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(["git", "daemon", "--base-path=" + directory, "--export-all", "--listen=127.0.0.1",
                                         "--port=%d" % port], start_new_session=True, env=who, stderr=subprocess.DEVNULL)
        self.url = "git://127.0.0.1:%d/repo/.git#main" % port
        for _ in range(200):
            if subprocess.run(["git", "ls-remote", "-q", self.url.split("#")[0]], capture_output=True, env=who).returncode == 0:
                return
            time.sleep(0.05)
        raise Unsound("git's server does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def main(body):
    try:
        body()
    except (Unsound, subprocess.TimeoutExpired) as error:
        print("NOT SOUND: %s" % error, file=sys.stderr)
        sys.exit(1)
