"""A name server that knows one name: name-server.py NAME ADDRESS READY

Answers datagrams and connections on port 53 of all addresses, and makes the file READY as soon as it does.
"""

import socket
import socketserver
import struct
import sys
import threading

NAME, ADDRESS, READY = sys.argv[1:]


def answer(query):
    end = query.index(b"\0", 12) + 5
    labels = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split(".")) + b"\0"
    known = query[12 : end - 4].lower() == labels
    wanted = known and query[end - 3] == 1
    data = struct.pack(">3HIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(ADDRESS) if wanted else b""
    return query[:2] + struct.pack(">5H", 0x8180 | (0 if known else 3), 1, bool(data), 0, 0) + query[12:end] + data


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        query, own = self.request
        own.sendto(answer(query), self.client_address)


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            reply = answer(self.rfile.read(struct.unpack(">H", size)[0]))
            self.wfile.write(struct.pack(">H", len(reply)) + reply)


class Connections(socketserver.ThreadingTCPServer):
    daemon_threads = True


datagrams = socketserver.UDPServer(("", 53), Datagram)
connections = Connections(("", 53), Connection)
open(READY, "w", encoding="ascii").close()
threading.Thread(target=datagrams.serve_forever, daemon=True).start()
connections.serve_forever()
