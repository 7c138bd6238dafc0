"""Asks a name server by one connection, all at once: ask-names.py [--end] ADDRESS NAME...

Prints a line for each: the name, the code, and the addresses. With --end it says that it asks no more before it hears
the answers.
"""

import socket
import struct
import sys


def question(number, name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1)


def addresses(answer, start):
    for _ in range(struct.unpack(">H", answer[6:8])[0]):
        yield socket.inet_ntoa(answer[start + 12 : start + 16])
        start += 16


says_end = sys.argv[1] == "--end"
address, *names = sys.argv[1 + says_end :]
connection = socket.create_connection((address, 53))
stream = connection.makefile("rb")
questions = [question(number, name) for number, name in enumerate(names)]
connection.sendall(b"".join(struct.pack(">H", len(q)) + q for q in questions))
if says_end:
    connection.shutdown(socket.SHUT_WR)
answers = {}
for _ in names:
    answer = stream.read(struct.unpack(">H", stream.read(2))[0])
    answers[struct.unpack(">H", answer[:2])[0]] = answer
for number, name in enumerate(names):
    answer = answers[number]
    print(name, answer[3] & 15, *addresses(answer, len(questions[number])))
