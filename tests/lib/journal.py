#!/usr/bin/env python3
"""A journal's socket: journal.py FILE. Everything it gets becomes a line of JSON in FILE, an object of the fields (bytes as
latin-1 has them) and, as "by", whether they came as a "datagram" or as a "file" that is sealed."""
import fcntl
import json
import os
import socket
import struct
import sys

PLACE = '/run/systemd/journal/socket'
SEALED = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def fields(data):
    out = {}
    while data:
        line, data = data.split(b'\n', 1)
        name, equals, value = line.partition(b'=')
        if not equals:
            size = struct.unpack('<Q', data[:8])[0]
            value, data = data[8:8 + size], data[8 + size:]
            assert data[:1] == b'\n', 'no newline behind a value'
            data = data[1:]
        name = name.decode('ascii')
        assert name not in out, name + ' comes twice'
        out[name] = value.decode('latin-1')
    return out


def main():
    if os.path.lexists(PLACE):
        os.unlink(PLACE)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(PLACE)
    with open(sys.argv[1], 'a') as out:
        while True:
            data, files, _, _ = socket.recv_fds(server, 1 << 20, 1)
            by = 'datagram'
            for file in files:
                assert not data and fcntl.fcntl(file, fcntl.F_GET_SEALS) == SEALED
                data, by = os.pread(file, os.fstat(file).st_size, 0), 'file'
                os.close(file)
            out.write(json.dumps({**fields(data), 'by': by}) + '\n')
            out.flush()


main()
