#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams with the headers of QUIC (RFC 9000), and nothing of it behind them.

quic.py server NAME SERVER_ID ADDRESS...
    UDP port 443. An Initial is answered with one of its own, whose source connection id carries
    SERVER_ID (hexadecimal; draft-ietf-quic-load-balancers, plaintext); whatever is sent to an id
    is answered with NAME, and "NAME foreign" where the id is none that this server chose.

quic.py client VIP OWN OTHER N
    N connections from the address OWN, each from a port of its own. Each line of standard input is
    a command, done on all of them, and answered with one line, "same:N other:N lost:N foreign:N":
    whether the server that answers is the one that the connection began with, and how often the
    packet's id was none of that server's.
      say        a packet with a short header, from where the connection is
      move       the same, from another port of the other address: OTHER, then OWN, and so on
      long       a packet with a long header to the server's id
      unknown    a packet with a short header to an id that names no server
    "servers" lists who began how many: "web1:3 web2:5".
"""
import collections
import os
import selectors
import socket
import sys

PORT = 443
VERSION = (1).to_bytes(4, "big")
SHORT, INITIAL = 0x40, 0xC0
CONFIG = 0
ID_LENGTH = 8
WAIT_S = 1.0


def long_header(destination, source):
    return (bytes([INITIAL]) + VERSION + bytes([len(destination)]) + destination
            + bytes([len(source)]) + source)


def read_destination(packet):
    if packet[0] & 0x80:
        return packet[6:6 + packet[5]]
    return packet[1:1 + ID_LENGTH]


def read_source(packet):
    at = 6 + packet[5]
    return packet[at + 1:at + 1 + packet[at]]


# ---- the server ----


def new_id(server_id):
    first = bytes([CONFIG << 5 | ID_LENGTH - 1])
    return first + server_id + os.urandom(ID_LENGTH - 1 - len(server_id))


def serve(name, server_id, addresses):
    ready = selectors.DefaultSelector()
    chosen = set()
    for address in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                             socket.SOCK_DGRAM)
        sock.bind((address, PORT))
        ready.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            packet, client = key.fileobj.recvfrom(65535)
            destination = read_destination(packet)
            if packet[0] & 0x80 and destination not in chosen:
                mine = new_id(server_id)
                chosen.add(mine)
                reply = long_header(read_source(packet), mine) + name.encode()
            else:
                word = name if destination in chosen else name + " foreign"
                reply = bytes([SHORT]) + bytes(ID_LENGTH) + word.encode()
            key.fileobj.sendto(reply, client)


# ---- the client ----


class Connection:
    def __init__(self, vip, own, other):
        self.vip = vip
        self.addresses = [own, other]
        self.sock = None
        self.open()
        self.mine = os.urandom(ID_LENGTH)
        reply = self.exchange(long_header(os.urandom(ID_LENGTH), self.mine))
        self.theirs = read_source(reply) if reply else bytes(ID_LENGTH)
        self.server = reply[7 + len(self.mine) + len(self.theirs):].decode() if reply else "lost"

    def open(self):
        if self.sock:
            self.sock.close()
        self.sock = socket.socket(socket.AF_INET6 if ":" in self.vip else socket.AF_INET,
                                  socket.SOCK_DGRAM)
        self.sock.bind((self.addresses[0], 0))
        self.sock.settimeout(WAIT_S)

    def exchange(self, packet):
        for _ in range(2):  # a datagram may be lost
            try:
                self.sock.sendto(packet, (self.vip, PORT))
                return self.sock.recv(65535)
            except (socket.timeout, OSError):
                pass
        return b""

    def do(self, command):
        if command == "move":
            self.addresses.reverse()
            self.open()
        if command == "long":
            packet = long_header(self.theirs, self.mine)
        elif command == "unknown":
            packet = bytes([SHORT]) + b"\x07\xff\xff" + os.urandom(ID_LENGTH - 3)
        else:
            packet = bytes([SHORT]) + self.theirs
        reply = self.exchange(packet + bytes(20))
        return reply[1 + ID_LENGTH:].decode() if reply else "lost"


def count(connections, command):
    counts = collections.Counter(same=0, other=0, lost=0, foreign=0)
    for connection in connections:
        server, *foreign = connection.do(command).split()
        word = "lost" if server == "lost" else "same" if server == connection.server else "other"
        counts[word] += 1
        counts["foreign"] += len(foreign)
    return " ".join(f"{word}:{n}" for word, n in counts.items())


def be_client(vip, own, other, number):
    connections = [Connection(vip, own, other) for _ in range(number)]
    for line in sys.stdin:
        command = line.strip()
        if command == "servers":
            who = collections.Counter(c.server for c in connections)
            print(" ".join(f"{name}:{n}" for name, n in sorted(who.items())), flush=True)
        else:
            print(count(connections, command), flush=True)


if sys.argv[1] == "server":
    serve(sys.argv[2], bytes.fromhex(sys.argv[3]), sys.argv[4:])
else:
    be_client(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
