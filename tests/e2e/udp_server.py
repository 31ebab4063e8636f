#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""udp_server.py NAME ADDRESS... - answers every datagram with NAME, a space and the datagram.

Ports 53 and 5353. One socket an address: an answer leaves from the address that was asked.
"""
import selectors
import signal
import socket
import sys


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the demo is no news
    name = sys.argv[1].encode()
    ready = selectors.DefaultSelector()
    for address in sys.argv[2:]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for port in (53, 5353):
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
            ready.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            datagram, client = key.fileobj.recvfrom(65535)
            key.fileobj.sendto(name + b" " + datagram, client)


main()
