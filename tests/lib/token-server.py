#!/usr/bin/env python3
"""A token server for docker's registry: tokens signed by a key whose certificate the registry trusts.

usage: token-server.py CERTIFICATE KEY LOG TLS-CERTIFICATE TLS-KEY; prints its https port on 127.0.0.1 and ends when its
input does. The registry's configuration names it: auth: {token: {realm, service: test, issuer: tests, rootcertbundle:
CERTIFICATE}}. Everybody may
pull public/*; tester (opensesame) may do everything but push to readonly/*. A login gets a refresh token. The log has a
JSON object for each request: method, who asks, by what, for which scopes.
"""
import base64
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CERTIFICATE, KEY, LOG, TLS_CERTIFICATE, TLS_KEY = sys.argv[1:]
BASIC = "Basic " + base64.b64encode(b"tester:opensesame").decode()
REFRESH = "refresh-token-of-the-login"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def granted(scope, known):
    kind, name, actions = scope.split(":", 2)
    actions = actions.split(",")
    if not known:
        actions = [a for a in actions if a == "pull" and name.startswith("public/")]
    elif name.startswith("readonly/"):
        actions = [a for a in actions if a == "pull"]
    return {"type": kind, "name": name, "actions": actions}


def token(scopes, known):
    der = subprocess.run(["openssl", "x509", "-in", CERTIFICATE, "-outform", "DER"], capture_output=True, check=True).stdout
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    claims = {"iss": "tests", "sub": "tester" if known else "", "aud": "test", "exp": now + 300, "nbf": now - 10, "iat": now,
              "jti": str(time.time_ns()), "access": [granted(scope, known) for scope in scopes]}
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=text.encode(), capture_output=True, check=True)
    return text + "." + b64(signature.stdout)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, query, by, known):
        scopes = [scope for each in query.get("scope", []) for scope in each.split()]
        with open(LOG, "a") as log:
            log.write(json.dumps({"method": self.command, "by": by, "known": known, "scopes": scopes}) + "\n")
        if not known and by != "nobody":
            return self.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]})
        document = {"expires_in": 300, "access_token" if self.command == "POST" else "token": token(scopes, known)}
        if query.get("offline_token") == ["true"] or query.get("access_type") == ["offline"]:
            document["refresh_token"] = REFRESH
        return self.reply(200, document)

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        authorization = self.headers.get("Authorization")
        return self.answer(query, "password" if authorization else "nobody", authorization == BASIC)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form.get("grant_type") == ["refresh_token"]:
            return self.answer(form, "refresh token", form.get("refresh_token") == [REFRESH])
        known = form.get("username") == ["tester"] and form.get("password") == ["opensesame"]
        return self.answer(form, "password", known)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS_CERTIFICATE, TLS_KEY)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
