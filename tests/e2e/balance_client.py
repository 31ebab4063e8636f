#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""balance_client.py spread COUNT URL...       - COUNT connections to each URL, eight at a time
balance_client.py from ADDRESS,... COUNT URL  - from each address COUNT connections, in turn
balance_client.py storm COUNT RATE URL...     - COUNT connections to each URL, RATE a second, held
                                                for unlike times; what is open at the last stays
                                                open until a line, or the end, of stdin

One request on each connection, which the client closes. A line for each URL (or address):
"URL NAME:N ...": who answered, in a storm of those still open. Fails where a connection does.
"""
import asyncio
import collections
import random
import sys
import urllib.parse

LIMIT_S = 20
WORKERS = 8
SHORT_S, LONG_S, LONG_SHARE = 0.02, 3, 0.3


async def open_and_ask(url, address=None):
    """a connection on which one request was answered: the name that answered, the writer"""
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or 80, local_addr=(address, 0) if address else None)
    writer.write(b"GET / HTTP/1.1\r\nHost: leat\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    name = (await reader.readexactly(int(fields["content-length"]))).decode().strip()
    return name, writer


async def close(writer):
    writer.close()
    await writer.wait_closed()


async def ask_once(url, address=None):
    name, writer = await asyncio.wait_for(open_and_ask(url, address), LIMIT_S)
    await close(writer)
    return name


def report(what, names):
    counts = collections.Counter(names)
    print(what, " ".join(f"{name}:{n}" for name, n in sorted(counts.items())), flush=True)


async def spread(count, urls):
    for url in urls:
        left = iter(range(count))

        async def work():
            return [await ask_once(url) for _ in left]

        lists = await asyncio.gather(*(work() for _ in range(WORKERS)))
        report(url, [name for names in lists for name in names])


async def come_from(addresses, count, url):
    for address in addresses:
        report(address, [await ask_once(url, address) for _ in range(count)])


async def hold(url, seconds, frozen, still_open):
    name, writer = await asyncio.wait_for(open_and_ask(url), LIMIT_S)
    still_open[writer] = name
    try:
        await asyncio.wait_for(frozen.wait(), seconds)
    except asyncio.TimeoutError:
        del still_open[writer]
        await close(writer)


async def storm(count, rate, urls):
    loop = asyncio.get_running_loop()
    frozen = asyncio.Event()
    still_open = {url: {} for url in urls}
    start = loop.time()
    tasks = []
    for i in range(count):
        await asyncio.sleep(max(0, start + i / rate - loop.time()))
        seconds = LONG_S if random.random() < LONG_SHARE else SHORT_S
        tasks += [asyncio.create_task(hold(url, seconds, frozen, still_open[url])) for url in urls]
    frozen.set()
    await asyncio.gather(*tasks)
    for url in urls:
        report(url, still_open[url].values())
    await asyncio.to_thread(sys.stdin.readline)
    for writers in still_open.values():
        for writer in writers:
            await close(writer)


async def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    random.seed(1)
    if what == "spread":
        await spread(int(arguments[0]), arguments[1:])
    elif what == "from":
        await come_from(arguments[0].split(","), int(arguments[1]), arguments[2])
    elif what == "storm":
        await storm(int(arguments[0]), float(arguments[1]), arguments[2:])
    else:
        sys.exit(__doc__)


asyncio.run(main())
