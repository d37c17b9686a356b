# SPDX-License-Identifier: GPL-2.0-only
"""Netlink for the other programs here. By itself it dumps one object type of the "netdev" generic
netlink family as JSON, one dict per object:

    genl.py page-pool|queue|napi|qstats|qstats-queue
"""
import json
import socket
import struct
import sys

NETLINK_GENERIC, GENL_CTRL, GETFAMILY, FAMILY_ID, FAMILY_NAME = 16, 16, 3, 1, 2
REQUEST, ACK, DUMP, DONE, ERROR = 1, 4, 0x300, 3, 2
SOL_NETLINK, CAP_ACK, EXT_ACK, ACK_TLVS = 270, 10, 11, 0x200
NESTED = 0x8000
QSTATS_SCOPE = 4

# include/uapi/linux/netdev.h: command and the attributes worth having
OBJECTS = {
    "page-pool": (5, {1: "id", 2: "ifindex", 3: "napi", 4: "inflight", 6: "detached"}),
    "queue": (10, {1: "id", 2: "ifindex", 3: "type", 4: "napi"}),
    "napi": (11, {1: "ifindex", 2: "id", 3: "irq", 4: "pid"}),
    "qstats": (12, {1: "ifindex", 2: "type", 3: "id", 8: "rx-packets", 9: "rx-bytes",
                    10: "tx-packets", 11: "tx-bytes", 12: "rx-alloc-fail", 18: "rx-csum-bad",
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


class Refused(OSError):
    """An error in answer to a request.

    text: what the extended acknowledgement says; pointed: it names an attribute; sent: the request
    """

    def __init__(self, code, text, pointed=False, sent=b""):
        super().__init__(code, text or "no reason given")
        self.text, self.pointed, self.sent = text, pointed, sent


def connect(protocol=NETLINK_GENERIC):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((0, 0))
    for option in (CAP_ACK, EXT_ACK):
        sock.setsockopt(SOL_NETLINK, option, 1)
    return sock


def transact(sock, kind, flags, payload):
    """The body of every answer to one message."""
    sock.send(struct.pack("IHHII", 16 + len(payload), kind, REQUEST | flags, 1, 0) + payload)
    while True:
        data = sock.recv(1 << 18)
        while data:
            size, kind, how = struct.unpack_from("IHH", data)
            body, data = data[16:size], data[(size + 3) & ~3:]
            if kind == ERROR:
                code = struct.unpack_from("i", body)[0]
                if not code:
                    return
                said = dict(attrs(body[20:])) if how & ACK_TLVS else {}
                raise Refused(-code, said.get(1, b"").rstrip(b"\0").decode(), bool(said.keys() - {1}), payload)
            if kind == DONE:
                return
            yield body
            if not flags & (DUMP | ACK):
                return


def request(sock, family, command, flags, payload=b"", version=1):
    """The attribute blocks of every answer of a generic netlink family."""
    for body in transact(sock, family, flags, struct.pack("BBH", command, version, 0) + payload):
        yield body[4:]


def family_id(sock, name):
    answer = next(request(sock, GENL_CTRL, GETFAMILY, 0, attr(FAMILY_NAME, name.encode() + b"\0")))
    return struct.unpack("H", dict(attrs(answer))[FAMILY_ID])[0]


def main(what):
    sock = connect()
    family = family_id(sock, "netdev")
    payload = attr(QSTATS_SCOPE, struct.pack("Q", 1)) if what == "qstats-queue" else b""
    command, names = OBJECTS[what.removesuffix("-queue")]
    print(json.dumps([{names[kind]: int.from_bytes(value, sys.byteorder)
                       for kind, value in attrs(body) if kind in names}
                      for body in request(sock, family, command, DUMP, payload)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
