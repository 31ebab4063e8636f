#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""hold.py COUNT FILE URL... - COUNT connections to each URL, each asking again and again.

The body must be FILE, and the X-Backend header the same as in the connection's first answer.
A connection is never opened a second time: broken stays broken.

For each line on stdin, one line on stdout about each URL, once every connection that lives has
been served anew: "URL alive=N broken=N moved=N corrupted=N backends=NAME:N,...". What broke is
told on stderr; no answer for REPLY_LIMIT_S seconds is broken. Ends with stdin.
"""
import asyncio
import collections
import os
import sys
import urllib.parse

PAUSE_S = 0.5
REPLY_LIMIT_S = float(os.environ.get("REPLY_LIMIT_S", "15"))


class Connection:
    """One connection: what it asks, who answers, what went wrong."""

    def __init__(self, url, expected):
        self.url = url
        self.parts = urllib.parse.urlsplit(url)
        self.expected = expected
        self.backend = None
        self.served = 0
        self.broken = None
        self.moved = False
        self.corrupted = False

    async def run(self):
        try:
            self.reader, self.writer = await asyncio.open_connection(
                self.parts.hostname, self.parts.port or 80)
            while True:
                await asyncio.wait_for(self.ask(), REPLY_LIMIT_S)
                self.served += 1
                await asyncio.sleep(PAUSE_S)
        except Exception as error:  # whatever ends it is what is counted
            self.broken = f"{type(error).__name__} {error}"
            print(f"{self.url} of {self.backend}: {self.broken}", file=sys.stderr, flush=True)

    async def ask(self):
        self.writer.write(f"GET {self.parts.path} HTTP/1.1\r\nHost: leat\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = await self.reader.readexactly(int(fields["content-length"]))
        if not head[0].startswith("HTTP/1.1 200") or body != self.expected:
            self.corrupted = True
        if self.backend is None:
            self.backend = fields["x-backend"]
        self.moved |= self.backend != fields["x-backend"]


async def wait_served(connections):
    """until every living connection has two more answers: one was asked for from now on"""
    goal = {c: c.served + 2 for c in connections}
    while any(not c.broken and c.served < goal[c] for c in connections):
        await asyncio.sleep(0.05)


def report(url, connections):
    backends = collections.Counter(c.backend for c in connections if not c.broken)
    print(url,
          f"alive={sum(not c.broken for c in connections)}",
          f"broken={sum(bool(c.broken) for c in connections)}",
          f"moved={sum(c.moved for c in connections)}",
          f"corrupted={sum(c.corrupted for c in connections)}",
          "backends=" + ",".join(f"{name}:{n}" for name, n in sorted(backends.items())),
          flush=True)


async def main():
    count = int(sys.argv[1])
    with open(sys.argv[2], "rb") as file:
        expected = file.read()
    connections = [Connection(url, expected) for url in sys.argv[3:] for _ in range(count)]
    tasks = [asyncio.create_task(c.run()) for c in connections]  # kept: the loop does not
    while await asyncio.to_thread(sys.stdin.readline):
        await wait_served(connections)
        for url in sys.argv[3:]:
            report(url, [c for c in connections if c.url == url])
    # without cancel(): wait_for() of Python 3.11 swallows one now and then, and nothing would end
    os._exit(0)


asyncio.run(main())
