#!/usr/bin/env python3
"""Kills a pull at random moments with SIGKILL, again and again, and then lets it finish: the store is sound, the image
is the one that was pushed, and the registry sent at most a tenth more than the image has. What was sent is counted by
a relay between the two, which is slower than cbuild, so that next to nothing lies in buffers when a pull is killed.
"""
import os
import random
import signal
import socket
import subprocess
import threading
import time

from common import Registry, Store, Unsound, arguments, main, publish

BYTES_PER_SECOND = 30e6
PIECE = 16384


class Relay:
    def __init__(self, to):
        self.to, self.sent, self.lock = to, 0, threading.Lock()
        self.next = time.monotonic()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.to)
            threading.Thread(target=self.carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, True), daemon=True).start()

    def wait(self, count):
        with self.lock:
            self.next = max(self.next, time.monotonic()) + count / BYTES_PER_SECOND
            pause = self.next - time.monotonic()
        if pause > 0.002:
            time.sleep(pause)

    def count(self, count):
        """What waits its turn here has not been sent when the pull is killed."""
        with self.lock:
            self.sent += count

    def carry(self, source, target, counted):
        try:
            while piece := source.recv(PIECE):
                if counted:
                    self.wait(len(piece))
                target.sendall(piece)
                if counted:
                    self.count(len(piece))
        except OSError:
            pass
        for end in source, target:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def body():
    given = arguments(__doc__, 50)
    with Registry(os.path.join(given.dir, "registry")) as registry:
        name = publish(given, registry, layers=8, size=25000000)
        host, port = registry.host.split(":")
        relay = Relay((host, int(port)))
        pulled = name.replace(registry.host, relay.host)
        whole = Store(given.cbuild, os.path.join(given.dir, "whole"))
        wanted = whole.ok("pull", "-q", pulled) and whole.ok("inspect", "--format", "{{.Id}}", pulled)
        size, relay.sent = relay.sent, 0
        whole.remove()
        store = Store(given.cbuild, os.path.join(given.dir, "store"))
        killed = 0
        for turn in range(given.turns):
            process = subprocess.Popen(store.line("pull", "-q", pulled), start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(0.03 + random.random() * 0.25)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
        store.ok("pull", "-q", pulled)
        store.check()
        if store.ok("inspect", "--format", "{{.Id}}", pulled) != wanted:
            raise Unsound("another image was pulled")
        print("killed %d times of %d, %.1f MB sent for %.1f MB: %.1f %%"
              % (killed, given.turns, relay.sent / 1e6, size / 1e6, 100 * relay.sent / size))
        if relay.sent > 1.1 * size:
            raise Unsound("more than a tenth was sent twice")


main(body)
