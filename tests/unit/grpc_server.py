#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""grpc_server.py DIR - a gRPC server (Debian's grpcio) with grpc.health.v1.Health, for the tests

Listens on free ports of 127.0.0.1 and writes them to DIR/ports: "clear=N tls=N bare=N". clear and tls
(DIR/good.crt, DIR/good.key) serve Health; bare serves nothing. The name asked for says the answer.
Messages are read and made by hand: one field each.
"""
import os
import sys
import time
from concurrent import futures

import grpc

STATUS = {"": 1, "up": 1, "unknown": 0, "down": 2, "gone": 3, "odd": 9}


def check(request, context):
    name = request[2:].decode() if request else ""
    if name == "slow":
        time.sleep(1)
    if name == "abort":
        context.abort(grpc.StatusCode.UNAVAILABLE, "going down: 100% sure")
    if name == "garbage":
        return b"\xff\xff"
    if name not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    # field 2 is of no known version and has to be skipped
    return bytes([0x12, 2, 0x08, 0x07] + ([0x08, STATUS[name]] if STATUS[name] else []))


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(check)


def new_server(handlers):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(handlers)
    return server


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(directory):
    serving = new_server((Health(),))
    bare = new_server(())
    credentials = grpc.ssl_server_credentials(
        [(read(directory + "/good.key"), read(directory + "/good.crt"))])
    clear_port = serving.add_insecure_port("127.0.0.1:0")
    tls_port = serving.add_secure_port("127.0.0.1:0", credentials)
    bare_port = bare.add_insecure_port("127.0.0.1:0")
    serving.start()
    bare.start()
    with open(directory + "/ports.new", "w") as file:
        file.write(f"clear={clear_port} tls={tls_port} bare={bare_port}\n")
    os.rename(directory + "/ports.new", directory + "/ports")
    serving.wait_for_termination()


main(sys.argv[1])
