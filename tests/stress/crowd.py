#!/usr/bin/env python3
"""Sixteen builds, sixteen pulls and a collection every tenth of a second, all in one store, again and again for a while.
Nobody may fail; a step that several builds have is run once, a layer that several pulls want is fetched once; the store is
sound at the end. --turns is how many seconds it goes on.
"""
import os
import threading
import time

from common import Registry, Store, Unsound, arguments, main, publish


def context(directory):
    """A build whose result tells whether a step ran once: it makes something random, and all have the same."""
    os.makedirs(directory)
    with open(os.path.join(directory, "Dockerfile"), "w") as file:
        file.write("FROM base\nARG TURN\nRUN head -c 16 /dev/urandom > /random-$TURN\nRUN echo $TURN > /turn\n"
                   "RUN cat /turn /turn > /twice\n")
    return directory


class Crowd:
    def __init__(self, store):
        self.store, self.errors, self.done, self.results = store, [], {}, {}
        self.lock = threading.Lock()

    def run(self, turn, *command):
        done = self.store.run(*command)
        with self.lock:
            if done.returncode:
                self.errors.append("%s: status %d\n%s%s" % (command, done.returncode, done.stdout, done.stderr))
            self.done[command[0]] = self.done.get(command[0], 0) + 1
            if command[0] == "build":
                self.results.setdefault(turn, set()).add(done.stdout)

    def all(self, turn, commands):
        threads = [threading.Thread(target=self.run, args=(turn, *command)) for command in commands]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def collect(crowd, stop):
    while not stop.is_set():
        crowd.run(None, "prune", "-f")
        stop.wait(0.1)


def body():
    given = arguments(__doc__, 30)
    with Registry(os.path.join(given.dir, "registry")) as registry:
        name = publish(given, registry, layers=4, size=500000)
        store = Store(given.cbuild, os.path.join(given.dir, "store"))
        directory = context(os.path.join(given.dir, "context"))
        store.ok("import", given.base, "base")
        crowd, stop, turns = Crowd(store), threading.Event(), 0
        collector = threading.Thread(target=collect, args=(crowd, stop))
        collector.start()
        end = time.monotonic() + given.turns
        try:
            while time.monotonic() < end and not crowd.errors:
                before = registry.layers_sent()
                store.run("rmi", "-f", name)
                build = ["build", "-q", "--network=none", "--build-arg", "TURN=%d" % turns, "-t", "turn%d" % turns, directory]
                crowd.all(turns, [build] * 16 + [["pull", "-q", name]] * 16)
                fetched = registry.layers_sent() - before
                if fetched > 5:
                    crowd.errors.append("turn %d: %d requests for five layers" % (turns, fetched))
                turns += 1
        finally:
            stop.set()
            collector.join()
        if crowd.errors:
            raise Unsound("\n".join(crowd.errors[:5]))
        different = [turn for turn, results in crowd.results.items() if len(results) != 1]
        if different:
            raise Unsound("builds of turn %s disagree: %s" % (different[0], crowd.results[different[0]]))
        store.check()
        print("%d turns, %s: no error, each step and each layer once, the store is sound" % (turns, crowd.done))
        store.remove()


main(body)
