# SPDX-License-Identifier: GPL-2.0-only
"""Dump one object type of the "netdev" generic netlink family as JSON, one dict per object.

    genl.py page-pool|queue|napi|qstats|qstats-queue
"""
import json
import socket
import struct
import sys

NETLINK_GENERIC, GENL_CTRL, GETFAMILY, FAMILY_ID, FAMILY_NAME = 16, 16, 3, 1, 2
REQUEST, DUMP, DONE, ERROR = 1, 0x300, 3, 2
QSTATS_SCOPE = 4

# include/uapi/linux/netdev.h: command and the attributes worth having
OBJECTS = {
    "page-pool": (5, {1: "id", 2: "ifindex", 3: "napi", 4: "inflight", 6: "detached"}),
    "queue": (10, {1: "id", 2: "ifindex", 3: "type", 4: "napi"}),
    "napi": (11, {1: "ifindex", 2: "id", 3: "irq", 4: "pid"}),
    "qstats": (12, {1: "ifindex", 2: "type", 3: "id", 8: "rx-packets", 9: "rx-bytes",
                    10: "tx-packets", 11: "tx-bytes", 12: "rx-alloc-fail",
                    33: "tx-stop", 34: "tx-wake"}),
}


def attr(kind, data):
    size = 4 + len(data)
    return struct.pack("HH", size, kind) + data + bytes(-size % 4)


def attrs(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        yield kind & 0x3fff, data[4:size]
        data = data[(size + 3) & ~3:]


def request(sock, family, command, flags, payload=b""):
    """The attribute blocks of every answer."""
    sock.send(struct.pack("IHHIIBBH", 20 + len(payload), family, REQUEST | flags, 1, 0,
                          command, 1, 0) + payload)
    while True:
        data = sock.recv(1 << 16)
        while data:
            size, kind = struct.unpack_from("IH", data)
            body, data = data[16:size], data[(size + 3) & ~3:]
            if kind == ERROR:
                code = struct.unpack_from("i", body)[0]
                raise OSError(-code, f"netlink error {code}")
            if kind == DONE:
                return
            yield body[4:]
            if not flags & DUMP:
                return


def main(what):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.bind((0, 0))
    answer = next(request(sock, GENL_CTRL, GETFAMILY, 0, attr(FAMILY_NAME, b"netdev\0")))
    family = struct.unpack("H", dict(attrs(answer))[FAMILY_ID])[0]
    payload = attr(QSTATS_SCOPE, struct.pack("Q", 1)) if what == "qstats-queue" else b""
    command, names = OBJECTS[what.removesuffix("-queue")]
    print(json.dumps([{names[kind]: int.from_bytes(value, sys.byteorder)
                       for kind, value in attrs(body) if kind in names}
                      for body in request(sock, family, command, DUMP, payload)]))


main(*sys.argv[1:])
