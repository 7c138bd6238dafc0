#!/usr/bin/env python3
"""Serves the files of a directory by https on 127.0.0.1 until its standard input ends.

usage: https.py DIRECTORY CERTIFICATE KEY; prints the port.
"""
import functools
import http.server
import ssl
import sys
import threading


def main():
    directory, certificate, key = sys.argv[1:]
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.shutdown()


main()
