#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""passive_client.py RATE SECONDS URL [slow] - RATE new connections a second, one GET on each.

Each gives up after 4 s, as people do. With "slow" the client is the slow one: it sends half of its
request, waits 2.5 s and sends the rest. Prints "NAME:N ..." of who answered, and "failed:N".
"""
import asyncio
import collections
import sys
import urllib.parse

GIVE_UP_S = 4
DAWDLE_S = 2.5


async def ask(parts, is_slow, answers):
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        request = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.hostname}\r\n\r\n".encode()
        if is_slow:
            writer.write(request[:20])
            await writer.drain()
            await asyncio.sleep(DAWDLE_S)
            request = request[20:]
        writer.write(request)
        reply = await reader.read()
        writer.close()
        answers[reply.rsplit(b"\n", 2)[-2].decode() if reply else "failed"] += 1
    except (OSError, IndexError):
        answers["failed"] += 1


async def give_up_after(seconds, work, answers):
    try:
        await asyncio.wait_for(work, seconds)
    except asyncio.TimeoutError:
        answers["failed"] += 1


async def main():
    rate, seconds, url = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    is_slow = len(sys.argv) > 4
    answers = collections.Counter()
    parts = urllib.parse.urlsplit(url)
    loop = asyncio.get_running_loop()
    start = loop.time()
    tasks = []
    for i in range(int(rate * seconds)):
        await asyncio.sleep(max(0, start + i / rate - loop.time()))
        limit = GIVE_UP_S + (DAWDLE_S if is_slow else 0)
        tasks.append(asyncio.create_task(give_up_after(limit, ask(parts, is_slow, answers), answers)))
    await asyncio.gather(*tasks)
    print(" ".join(f"{name}:{n}" for name, n in sorted(answers.items())))


asyncio.run(main())
