#!/usr/bin/env python3
"""A web server for tests: files of a directory, and git repositories below it.

The first component of a path chooses how the rest is served (table MODES):

  etag/F      with ETag and Last-Modified, questions answered with 304
  weak/F      as etag, but a weak ETag
  deaf/F      with an ETag, but questions are not heeded: always 200, and rubbish then
  modified/F  with Last-Modified only; a Date an hour later, questions answered with 304
  fresh/F     with Last-Modified only, which is the Date
  plain/F     with neither
  cut/F       the first request ends half-way; ranges are served
  short/F     always ends half-way
  auth/F      401 without an Authorization header
  to/P        redirect to /P                other/P  redirect to /P of the other host
  down/       redirect to file:///etc/passwd
  loop/       redirect to itself
  git/R       the repository R (a directory), by git's own smart http program
  gitold/R    the same for the oldest protocol, which serves tips of branches only
  gitbusy/R   as git, but the first request of each kind is answered with 503
  gitdown/R   503, always
  gitauth/R   as git, 401 without an Authorization header
  gitto/R     redirect to the other host's git/R

  web.py --root DIR [--log FILE]

prints `PORT OTHER` on one line when ready: the port on 127.0.0.1, and that of the other
host, 127.0.0.9. The log gets one JSON object per request: host, method, path, query,
status, sent, and the headers asked, range, authorization. Ends when its input is closed.
Only the standard library is used.
"""
import argparse
import email.utils
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GIT = "/usr/lib/git-core/git-http-backend"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cut_before = set()
    busy_before = set()

    def log_message(self, *args):
        pass

    def log(self, status, sent):
        path, _, query = self.path.partition("?")
        entry = dict(
            host=self.server.server_address[0], method=self.command, path=path, query=query,
            status=status, sent=sent, asked=self.headers.get("If-None-Match")
            or self.headers.get("If-Modified-Since"), range=self.headers.get("Range"),
            authorization=self.headers.get("Authorization"))
        with self.server.lock:
            self.server.log_file.write(json.dumps(entry) + "\n")
            self.server.log_file.flush()

    def reply(self, status, body=b"", headers=(), date=None):
        # Before the answer: whoever has it may look at the log.
        self.log(status, len(body))
        self.send_response_only(status)
        self.send_header("Date", date or self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        if status != 304 and "Content-Length" not in [name for name, _ in headers]:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def redirect(self, target):
        self.reply(302, headers=[("Location", target)])

    # ── files ──

    def read(self, name):
        path = os.path.normpath(os.path.join(self.server.root, name))
        if not path.startswith(self.server.root) or not os.path.isfile(path):
            return None, 0
        with open(path, "rb") as file:
            return file.read(), int(os.stat(path).st_mtime)

    def serve(self, name, etag=None, modified=False, heed=True, settled=True):
        data, mtime = self.read(name)
        if data is None:
            return self.reply(404, b"no such file\n")
        headers, asked = [], False
        date = email.utils.formatdate(mtime + (3600 if settled else 0), usegmt=True)
        if etag:
            value = etag % hashlib.sha256(data).hexdigest()[:16]
            headers.append(("ETag", value))
            asked = self.headers.get("If-None-Match") == value
        if modified:
            value = email.utils.formatdate(mtime, usegmt=True)
            headers.append(("Last-Modified", value))
            asked = asked or self.headers.get("If-Modified-Since") == value
        if asked and heed:
            return self.reply(304, headers=headers, date=date)
        if asked:  # whoever reads this body although it is an old one gets another
            data = b"?" * len(data)
        return self.reply(200, data, headers, date)

    def half(self, name, every_time):
        data, _ = self.read(name)
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        etag = ("ETag", '"%s"' % hashlib.sha256(data).hexdigest()[:16])
        if start and not every_time:
            return self.reply(206, data[start:], [
                etag, ("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))])
        if name in self.cut_before and not every_time:
            return self.reply(200, data, [etag])
        self.cut_before.add(name)
        self.close_connection = True
        return self.reply(200, data[:len(data) // 2], [etag, ("Content-Length", str(len(data)))])

    # ── git ──

    def git(self, rest, old=False):
        path, _, query = rest.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = dict(
            PATH=os.environ["PATH"], GIT_PROJECT_ROOT=self.server.root, GIT_HTTP_EXPORT_ALL="1",
            GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.path.join(self.server.root, "gitconfig"),
            PATH_INFO="/" + path, QUERY_STRING=query, REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
            REMOTE_ADDR="127.0.0.1")
        for header, name in (("Git-Protocol", "GIT_PROTOCOL"),
                             ("Content-Encoding", "HTTP_CONTENT_ENCODING")):
            if self.headers.get(header) and not (old and name == "GIT_PROTOCOL"):
                env[name] = self.headers[header]
        done = subprocess.run([GIT], input=body, env=env, stdout=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        return self.reply(status, content, headers)

    def busy(self, rest):
        path = rest.partition("?")[0]
        if (self.command, path) in self.busy_before:
            return self.git(rest)
        self.busy_before.add((self.command, path))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return self.reply(503, b"later\n")

    # ── requests ──

    def handle_request(self):
        mode, _, rest = self.path[1:].partition("/")
        name = rest.partition("?")[0]
        other = "http://%s:%d/" % (
            "127.0.0.9" if self.server.server_address[0] == "127.0.0.1" else "127.0.0.1",
            self.server.other_port)
        if mode in ("auth", "gitauth") and not self.headers.get("Authorization"):
            return self.reply(401, b"who are you\n", [("WWW-Authenticate", 'Basic realm="x"')])
        return {
            "etag": lambda: self.serve(name, etag='"%s"', modified=True),
            "weak": lambda: self.serve(name, etag='W/"%s"'),
            "deaf": lambda: self.serve(name, etag='"%s"', heed=False),
            "modified": lambda: self.serve(name, modified=True),
            "fresh": lambda: self.serve(name, modified=True, settled=False),
            "plain": lambda: self.serve(name),
            "auth": lambda: self.serve(name),
            "cut": lambda: self.half(name, False),
            "short": lambda: self.half(name, True),
            "to": lambda: self.redirect("/" + rest),
            "other": lambda: self.redirect(other + rest),
            "down": lambda: self.redirect("file:///etc/passwd"),
            "loop": lambda: self.redirect(self.path),
            "git": lambda: self.git(rest),
            "gitold": lambda: self.git(rest, old=True),
            "gitbusy": lambda: self.busy(rest),
            "gitdown": lambda: self.reply(503, b"never\n"),
            "gitauth": lambda: self.git(rest),
            "gitto": lambda: self.redirect(other + "git/" + rest),
        }.get(mode, lambda: self.reply(404, b"no such mode\n"))()

    do_GET = do_HEAD = do_POST = handle_request


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--log", required=True)
    options = parser.parse_args()
    servers = [Server((host, 0), Handler) for host in ("127.0.0.1", "127.0.0.9")]
    log_file, lock = open(options.log, "a"), threading.Lock()
    for server, other in zip(servers, reversed(servers)):
        server.root, server.log_file = os.path.realpath(options.root), log_file
        server.lock, server.other_port = lock, other.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(servers[0].server_port, servers[1].server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
