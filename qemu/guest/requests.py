# SPDX-License-Identifier: GPL-2.0-only
"""Random requests, good and bad, to a running interface: one that is rejected must change nothing.

    requests.py NETDEV SEED COUNT [BUS/DEVICE]

Speaks ethtool, route and devlink netlink and the ethtool ioctl itself. Everything that can be read
back is read after each request and, if that was rejected, compared with what was read before it.
Prints a JSON report:

    accepted, rejected  how many requests
    kinds               {kind: [accepted, rejected]}
    silent              {"kind errno": number and bytes of an example} of those rejected without a
                        text and without naming an attribute
    changed             rejected requests that changed something, with what they changed
"""
import ctypes
import errno
import fcntl
import json
import os
import random
import socket
import struct
import sys
import time

import genl
from genl import ACK, DUMP, NESTED, Refused, attr, attrs

GETLINK, NEWLINK, DELLINK, SETLINK, NEWNEIGH, DELNEIGH = 18, 16, 17, 19, 28, 29
IFF_UP, IFF_PROMISC, IFF_ALLMULTI, IFF_SETTABLE = 1, 0x100, 0x200, 0x1 | 0x100 | 0x200 | 0x1000
SIOCETHTOOL = 0x8946

# What comes and goes with the link, or counts: IFLA_QDISC, STATS, OPERSTATE, STATS64, AF_SPEC,
# CARRIER, CARRIER_CHANGES, EVENT, CARRIER_UP_COUNT, CARRIER_DOWN_COUNT; flags
LINK_TRANSIENT = {6, 7, 16, 23, 26, 33, 35, 44, 47, 48}
FLAGS_TRANSIENT = 0x10000 | 0x40000 | 0x40

# ethtool messages that read, with the attributes that follow the link
READ = {"linkinfo": (2, {4}), "linkmodes": (4, {4, 5, 6, 8, 9, 10}), "debug": (7, ()), "wol": (9, ()),
        "features": (11, ()), "privflags": (13, ()), "rings": (15, ()), "channels": (17, ()),
        "coalesce": (19, ()), "pause": (21, ()), "eee": (23, {3, 4}), "tsinfo": (25, {6}), "fec": (29, {4}),
        "phc_vclocks": (33, ()), "module": (34, ()), "pse": (36, ()), "rss": (38, ()), "plca": (39, ()),
        "mm": (42, {4, 8}), "tsconfig": (46, ())}

# ethtool messages that write: {attribute: kind of value}. The header is attribute 1.
RINGS = [0, 1, 63, 64, 65, 100, 128, 256, 512, 1000, 1024, 4095, 4096, 4097, 8192, 65536, 1 << 31, (1 << 32) - 1]
COUNTS = [0, 1, 1, 2, 2, 3, 4, 5, 7, 8, 9, 16, 255, 65536, 1 << 31, (1 << 32) - 1]
USECS = [0, 1, 2, 3, 8, 50, 100, 1000, 8000, 8191, 8192, 10000, 65535, 65536, 1 << 31, (1 << 32) - 1]
SPEEDS = [0, 10, 100, 1000, 2500, 10000, 100000, (1 << 32) - 1]
BOOL = ("u8", [0, 1, 1, 2, 255])
WRITE = {
    "linkinfo": (3, {2: ("u8", [0, 1, 2, 3, 5, 255]), 3: ("u8", [0, 1, 7, 32]), 5: ("u8", [0, 1, 2, 3, 4])}),
    "linkmodes": (5, {2: BOOL, 3: ("bits", 120), 5: ("u32", SPEEDS), 6: ("u8", [0, 1, 1, 2, 255]),
                      7: ("u8", [0, 1, 2, 3, 4, 5]), 9: ("u32", [0, 1, 2, 9])}),
    "debug": (8, {2: ("bits", 15)}),
    "wol": (10, {2: ("bits", 8), 3: ("raw", [0, 6, 7])}),
    "features": (12, {3: ("bits", 64)}),
    "privflags": (14, {2: ("bits", 8)}),
    "rings": (16, {6: ("u32", RINGS), 9: ("u32", RINGS), 7: ("u32", [0, 64]), 8: ("u32", [0, 64]),
                   10: ("u32", [0, 2048, 4096]), 11: ("u8", [0, 1, 2, 3]), 12: ("u32", [0, 16, 64]), 13: BOOL,
                   14: BOOL, 15: ("u32", [0, 64]), 17: ("u32", [0, 256])}),
    "channels": (18, {6: ("u32", [0, 0, 1, 2]), 7: ("u32", [0, 0, 1, 2]), 8: ("u32", [0, 0, 1, 2]),
                      9: ("u32", COUNTS)}),
    "coalesce": (20, {2: ("u32", USECS), 11: BOOL, **{n: ("u32", USECS) for n in (3, 4, 6, 7, 10, 15, 23, 26)},
                      12: BOOL, 24: BOOL, 25: BOOL}),
    "pause": (22, {2: BOOL, 3: BOOL, 4: BOOL}),
    "eee": (24, {2: ("bits", 80), 5: BOOL, 6: BOOL, 7: ("u32", USECS)}),
    "fec": (30, {2: ("bits", 60), 3: BOOL}),
    "module": (35, {2: ("u8", [0, 1, 2, 3])}),
    "plca": (40, {3: BOOL, 5: ("u32", [0, 8, 255, 256])}),
    "mm": (43, {2: BOOL, 3: BOOL, 7: BOOL, 9: ("u32", USECS)}),
    "tsconfig": (47, {3: ("bits", 5), 4: ("bits", 17), 5: ("bits", 3)}),
    "rss": (48, {3: ("u32", [0, 1, 2, 4, 8, 1 << 31]), 4: ("indir", None), 5: ("raw", [0, 39, 40, 40, 40, 41, 52]),
                 6: ("u32", [0, 1, 2, 3, 4]), 2: ("u32", [0, 1, 77])}),
    "rss_create": (49, {3: ("u32", [1, 2]), 4: ("indir", None), 5: ("raw", [40])}),
    "rss_delete": (50, {2: ("u32", [0, 1, 2, 77])}),
}
# Not each kind is as likely
OFTEN = ["linkmodes", "features", "rings", "rings", "channels", "channels", "coalesce", "coalesce", "pause", "rss"]

DEVLINK_WRITE = {
    "port_set": (6, {3: ("u32", [0, 1, 77]), 4: ("u16", [0, 1, 2, 3, 4, 77])}),
    "port_split": (9, {3: ("u32", [0, 1]), 9: ("u32", [0, 2, 4])}),
    "port_unsplit": (10, {3: ("u32", [0, 1])}),
    "eswitch": (30, {25: ("u16", [0, 1, 2, 3]), 26: ("u8", [0, 1, 9]), 62: ("u8", [0, 1, 2])}),
    "reload": (37, {138: ("u32", [99, 1 << 31]), 139: ("u32", [1 << 22, (1 << 32) - 1]), 140: ("u32", [77]),
                    153: ("u8", [0, 2, 3, 255]), 155: ("raw", [1, 8, 12])}),
    "param": (39, {81: ("text", ["enable_sriov", "max_macs", "", "x" * 200]), 83: ("u8", [1, 3, 5, 6, 77]),
                   87: ("u8", [0, 1, 2, 3]), 86: ("raw", [0, 1, 4])}),
    "region_new": (44, {88: ("text", ["nvm", ""]), 92: ("u32", [0, 1])}),
    "health_set": (53, {115: ("text", ["tx", "rx", "tx", "rx", "fw", "", "x" * 300]), 120: ("u64", [0, 500, 1 << 63]),
                        121: BOOL, 141: BOOL, 3: ("u32", [0, 7])}),
    "health_recover": (54, {115: ("text", ["tx", "rx", "fw", ""])}),
    "health_test": (73, {115: ("text", ["tx", "rx", "fw"])}),
    "flash": (58, {122: ("text", ["nothing.bin", "../x", "x" * 300])}),
    "rate_new": (76, {3: ("u32", [0, 1]), 168: ("text", ["group"])}),
}

LINK_WRITE = {
    "mtu": (4, "u32", [0, 1, 67, 68, 576, 1279, 1280, 1499, 1500, 1500, 1501, 4000, 9000, 9212, 9213, 9216, 9217,
                       16383, 65535, 65536, 1 << 31, (1 << 32) - 1]),
    "address": (1, "mac", [0, 3, 5, 6, 6, 6, 6, 7, 20]),
    "broadcast": (2, "raw", [0, 5, 7]),
    "txqlen": (13, "u32", [0, 1, 100, 1000, 65536, 1 << 31, (1 << 32) - 1]),
    "gso_size": (41, "u32", [0, 1, 2048, 65536, 65537, 524280, 1 << 31]),
    "gso_segs": (40, "u32", [0, 1, 64, 65535, 65536, 1 << 31]),
    "gro_size": (58, "u32", [0, 1, 65536, 65537, 524280, 1 << 31]),
    "name": (3, "text", ["", "a/b", ".", "..", "x" * 16, "a b", "lo"]),
    "alias": (20, "text", ["", "port", "x" * 300]),
    "linkmode": (17, "u8", [0, 2, 255]),
    "operstate": (16, "u8", [0, 4, 255]),
    "carrier": (33, "u8", [0, 1]),
    "xdp": (43, "xdp", None),
    "vf": (22, "vf", None),
    "master": (10, "u32", [1, 99999]),
    "proto_down": (39, "u8", [0, 1]),
    "group": (27, "u32", [0, 0, 5, 1 << 31]),
    "map": (14, "raw", [0, 8, 28, 32, 64]),
    "netns": (19, "u32", [1 << 22, (1 << 32) - 1]),
}


class Port:
    def __init__(self, name, handle):
        self.pci = os.path.realpath(f"/sys/class/net/{name}/device")
        self.handle = handle
        self.sock, self.route = genl.connect(), genl.connect(socket.NETLINK_ROUTE)
        self.ioctls = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ethtool = genl.family_id(self.sock, "ethtool")
        self.devlink = genl.family_id(self.sock, "devlink")
        self.look_up()
        self.readable = dict(READ)
        first = self.ethtool_state()
        self.readable = {what: how for what, how in READ.items() if not isinstance(first[what], int)}

    def look_up(self):
        """The interface; a reload makes a new one."""
        self.name, = os.listdir(f"{self.pci}/net")
        self.index = socket.if_nametoindex(self.name)

    def header(self, flags=None):
        return attr(1 | NESTED, attr(1, struct.pack("I", self.index)) +
                    (b"" if flags is None else attr(3, struct.pack("I", flags))))

    def handle_attrs(self):
        bus, device = self.handle.split("/")
        return attr(1, bus.encode() + b"\0") + attr(2, device.encode() + b"\0")

    # What can be read back

    def ethtool_state(self):
        state = {}
        for what, (command, transient) in self.readable.items():
            try:
                body = next(genl.request(self.sock, self.ethtool, command, 0, self.header(1)))
                state[what] = b"".join(attr(k, v) for k, v in attrs(body) if k not in transient | {1}
                                       ) if transient else body
            except Refused as e:
                state[what] = e.errno
        return state

    def state(self):
        state = self.ethtool_state()
        body = next(genl.transact(self.route, GETLINK, 0, struct.pack("BBHiII", 0, 0, 0, self.index, 0, 0)))
        state["flags"] = struct.unpack_from("I", body, 8)[0] & ~FLAGS_TRANSIENT
        for kind, value in attrs(body[16:]):
            if kind not in LINK_TRANSIENT:
                state[f"link {kind}"] = value
        state["vlans"] = sorted(name for name in os.listdir("/sys/class/net") if name.startswith("rq."))
        if self.handle:
            for command in (1, 5):
                state[f"devlink {command}"] = self.objects(command)
            state["devlink health"] = [
                [(k, v) for k, v in attrs(dict(attrs(body))[114]) if k in (115, 120, 121, 141, 181)]
                for body in genl.request(self.sock, self.devlink, 52, DUMP, self.handle_attrs())]
        return state

    def objects(self, command):
        mine = self.handle.split("/")[1].encode() + b"\0"
        return [body for body in genl.request(self.sock, self.devlink, command, DUMP)
                if dict(attrs(body)).get(2) == mine]


def number(rng, size, choices):
    value = rng.choice(choices) if rng.random() < .9 else rng.getrandbits(8 * size)
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, sys.byteorder)


def bits(rng, n):
    """A bit set: compact or bit by bit, sometimes wrong."""
    n = rng.choice([n, n, n, 1, 8, 32, 33, 500])
    if rng.random() < .5:
        words = (n + 31) // 32
        sparse = [1 << rng.randrange(n) | (1 << rng.randrange(n) if rng.random() < .5 else 0) for _ in range(2)]
        value, mask = (x.to_bytes(4 * words, "little") for x in sparse)
        if rng.random() < .7:
            mask = (int.from_bytes(mask, "little") | int.from_bytes(value, "little")).to_bytes(4 * words, "little")
        body = attr(2, struct.pack("I", n)) + attr(4, value)
        body += attr(5, mask) if rng.random() < .7 else b""
        return body + (attr(1, b"") if rng.random() < .3 else b"")
    one = b""
    for _ in range(rng.randint(0, 4)):
        name = rng.choice(["rx-checksum", "tx-checksum-ip-generic", "rx-vlan-hw-parse", "tx-vlan-hw-insert", "rx-hashing",
                           "tx-tcp-segmentation", "rx-gro", "1000baseT/Full", "100baseT/Full", "10baseT/Half", "p", "g",
                           "no-such-bit", ""])
        bit = attr(2, name.encode() + b"\0") if rng.random() < .7 else \
            attr(1, struct.pack("I", rng.choice([rng.randrange(100), 1 << 31])))
        one += attr(1 | NESTED, bit + (attr(3, b"") if rng.random() < .5 else b""))
    return attr(3 | NESTED, one) + (attr(1, b"") if rng.random() < .3 else b"")


def value(rng, kind, choices):
    if kind in ("u8", "u16", "u32", "u64"):
        return number(rng, int(kind[1:]) // 8, choices)
    if kind == "raw":
        return rng.randbytes(rng.choice(choices))
    if kind == "text":
        return rng.choice(choices).encode() + b"\0"
    if kind == "bits":
        return bits(rng, choices)
    if kind == "indir":
        n, top = rng.choice([0, 1, 2, 64, 127, 128, 128, 129, 256]), rng.choice([1, 2, 4, 8, 9, 1 << 31])
        return struct.pack(f"{n}I", *[rng.randrange(top) for _ in range(n)])
    if kind == "mac":
        n = rng.choice(choices)
        return bytes([rng.choice([0x02, 0x02, 0x02, 0x03, 0x01])]) * bool(n) + rng.randbytes(max(n - 1, 0)) \
            if rng.random() < .9 else bytes(n)
    if kind == "xdp":       # no such program
        return attr(1, struct.pack("i", rng.choice([0, 99, -7]))) + attr(3, struct.pack("I", rng.choice([0, 1, 4, 8, 99])))
    assert kind == "vf"     # of a port without virtual functions
    return attr(1 | NESTED, attr(1, struct.pack("I", rng.choice([0, 7, 1 << 31])) + rng.randbytes(32)))


def damage(rng, parts):
    """Something wrong with the form of a message, now and then; parts: [(attribute, value)]."""
    how = rng.random()
    if not parts or how > .25:
        return parts
    i = rng.randrange(len(parts))
    kind, data = parts[i]
    if how < .04:           # twice, the second time perhaps with another value
        return parts + [(kind, bytes(len(data)) if rng.random() < .5 else data)]
    if how < .08:
        return parts[:i] + [(kind, data[:-1])] + parts[i + 1:]
    if how < .12:
        return parts[:i] + [(kind, data + rng.randbytes(rng.choice([1, 4, 60, 4000])))] + parts[i + 1:]
    if how < .15:
        return parts[:i] + [(kind ^ NESTED, data)] + parts[i + 1:]
    if how < .18:           # nobody knows it, or it is read only
        return parts + [(rng.choice([0, 2, 3, 31, 99, 0x3fff]), rng.randbytes(4))]
    if how < .21:
        return parts[:i] + parts[i + 1:]
    if how < .23:
        return parts[:i] + [(kind, b"")] + parts[i + 1:]
    return []


def packed(parts):
    return b"".join(attr(kind, data) for kind, data in parts)


def chosen(rng, known):
    names = list(known)
    some = rng.sample(names, min(len(names), rng.choice([0, 1, 1, 1, 1, 2, 2, 3])))
    return [(n | (NESTED if known[n][0] == "bits" else 0), value(rng, *known[n])) for n in some]


def ethtool_request(rng, port):
    kind = rng.choice(OFTEN if rng.random() < .7 else list(WRITE))
    command, known = WRITE[kind]
    parts = damage(rng, chosen(rng, known))
    header = port.header()
    how = rng.random()
    if how < .02:
        header = b""
    elif how < .04:         # nobody's index, somebody else's name with our index
        header = attr(1 | NESTED, attr(1, struct.pack("I", rng.choice([0, 99999, 1 << 31]))))
    elif how < .05:
        header = attr(1 | NESTED, attr(1, struct.pack("I", port.index)) + attr(2, b"lo\0"))
    elif how < .06:
        header = port.header(rng.choice([8, 1 << 31]))
    return f"ethtool {kind}", lambda: list(genl.request(port.sock, port.ethtool, command, ACK, header + packed(parts)))


def link_request(rng, port):
    how = rng.random()
    if how < .15:
        return vlan_request(rng, port)
    if how < .25:
        return neighbour_request(rng, port)
    kind, flags, change, payload = "flags", 0, 0, b""
    if how < .35:
        change = rng.choice([IFF_PROMISC, IFF_ALLMULTI, IFF_PROMISC | IFF_ALLMULTI, IFF_UP])
        flags = rng.getrandbits(32) & IFF_SETTABLE
    else:
        kind = rng.choice(["mtu"] * 5 + ["address"] * 4 + list(LINK_WRITE))
        number_, form, choices = LINK_WRITE[kind]
        # One thing at a time: the core itself does not undo the first when the second fails
        parts = [(number_ | (NESTED if form in ("xdp", "vf") else 0), value(rng, form, choices))]
        if kind not in ("name", "netns", "master"):
            parts = [part for part in damage(rng, parts) if part[0] != LINK_WRITE["name"][0]]
        payload = packed(parts)
    index = port.index if rng.random() < .97 else 99999
    body = struct.pack("BBHiII", 0, 0, 0, index, flags, change) + payload
    return f"link {kind}", lambda: list(genl.transact(port.route, SETLINK, ACK, body))


def vlan_request(rng, port):
    number_ = rng.choice([0, 1, 2, 3, 100, 4094, 4095, 4096, 65535])
    name = f"rq.{number_}"
    if rng.random() < .4 and os.path.exists(f"/sys/class/net/{name}"):
        body = struct.pack("BBHiII", 0, 0, 0, socket.if_nametoindex(name), 0, 0)
        return "link vlan", lambda: list(genl.transact(port.route, DELLINK, ACK, body))
    proto = rng.choice([0x8100] * 4 + [0x88a8, 0x0800])
    data = damage(rng, [(1, struct.pack("H", number_)), (5, struct.pack(">H", proto))])
    body = struct.pack("BBHiII", 0, 0, 0, 0, 0, 0) + packed([
        (3, name.encode() + b"\0"), (5, struct.pack("I", port.index)),
        (18 | NESTED, packed([(1, b"vlan\0"), (2 | NESTED, packed(data))]))])
    return "link vlan", lambda: list(genl.transact(port.route, NEWLINK, ACK | 0x600, body))


def neighbour_request(rng, port):
    """An address for the filter, as "bridge fdb add ... self" does."""
    mac = bytes([rng.choice([0x02, 0x01, 0x33]), 0, 0, 0, 0, rng.randrange(40)])[:rng.choice([6, 6, 6, 6, 5, 0])]
    command = rng.choice([NEWNEIGH, NEWNEIGH, DELNEIGH])
    body = struct.pack("BBHiHBB", 7, 0, 0, port.index, rng.choice([0x80, 0x80, 0x80, 2]), 2, 0) + attr(2, mac)
    flags = ACK | (0x600 if command == NEWNEIGH else 0)
    return "link fdb", lambda: list(genl.transact(port.route, command, flags, body))


def devlink_request(rng, port):
    kind = rng.choice(["health_set"] * 3 + ["reload"] * 2 + list(DEVLINK_WRITE))
    command, known = DEVLINK_WRITE[kind]
    parts = chosen(rng, known)
    if kind.startswith("health") and not any(k == 115 for k, _ in parts):
        parts.append((115, value(rng, *known[115])))
    if kind == "reload" and not parts and rng.random() < .8:        # the real thing takes a second
        parts = [(153, b"\2")]
    parts = damage(rng, parts) or ([(153, b"\2")] if kind == "reload" else [])
    # Namespace 0 is the peer's, where the port would be out of sight
    parts = [(k, v) for k, v in parts if (k, v) != (140, bytes(4))]
    if kind == "reload" and not any(k in (138, 139, 140) or k == 153 and v[:1] != b"\1" for k, v in parts) and \
            rng.random() < .8:
        parts = [(140, struct.pack("I", 77))]
    handle = port.handle_attrs() if rng.random() < .95 else attr(1, b"pci\0") + attr(2, b"0000:77:00.0\0")
    return f"devlink {kind}", lambda: list(genl.request(port.sock, port.devlink, command, ACK, handle + packed(parts)))


def ioctl_request(rng, port):
    """What had no netlink for long: the RSS table, fields, rules, link settings, rings."""
    kind = rng.choice(["rxfh", "rxfh", "fields", "rule", "rule_del", "rings", "channels", "ksettings", "eeprom", "flags"])
    u32 = lambda *choices: rng.choice(choices)      # noqa: E731
    if kind == "rxfh":      # struct ethtool_rxfh; its sizes are how much of the buffer is read
        indir, key = u32(0, 0, 128, 128, 128, 1, 127, 129, (1 << 32) - 1), u32(0, 0, 0, 40, 40, 39, 41)
        top = rng.choice([1, 1, 2, 8, 9, 255])
        data = struct.pack("4I4BI", 0x47, u32(0, 0, 0, 0, 1, 77, (1 << 32) - 1), indir, key, u32(0, 0, 0, 1, 2, 8),
                           u32(0, 0, 0, 1, 2), 0, 0, 0)
        data += struct.pack("512I", *[rng.randrange(top) for _ in range(512)])
    elif kind == "fields":  # struct ethtool_rxnfc
        data = struct.pack("IIQ", 0x2a, u32(1, 2, 3, 5, 6, 16, 77), u32(0, 0x30, 0xf0, 1 << 31)) + bytes(256)
    elif kind in ("rule", "rule_del"):
        location = u32(0, 1, 7, 8, 31, 99999, 0xffffffff)
        data = struct.pack("IIQ", 0x32 if kind == "rule" else 0x31, 0, 0)
        data += struct.pack("I", u32(1, 2, 0x0d, 0x12, 5, 77)) + rng.randbytes(52 + 20) + rng.randbytes(52 + 20)
        data = data.ljust(168, b"\0")[:168]
        data += struct.pack("QI4x", u32(0, 1, 7, 8, 9, (1 << 64) - 1), location) + bytes(256)
    elif kind == "rings":
        data = struct.pack("9I", 0x11, 0, 0, 0, 0, u32(*RINGS), u32(0, 0, 0, 64), u32(0, 0, 0, 64), u32(*RINGS))
    elif kind == "channels":
        data = struct.pack("9I", 0x3d, 0, 0, 0, 0, u32(0, 0, 1), u32(0, 0, 1), u32(0, 0, 1), u32(*COUNTS))
    elif kind == "ksettings":
        words = rng.choice([4, 4, 4, 0, 1, 127, -1])
        data = struct.pack("II7Bb", 0x4d, u32(*SPEEDS), u32(0, 1, 1, 255), u32(0, 0, 3), u32(0, 1), u32(0, 1, 1, 1, 9),
                           0, 0, u32(0, 0, 1, 7), words)
        data = data.ljust(48, b"\0") + rng.randbytes(48) + bytes(2048)
    elif kind == "eeprom":  # a magic that fits no device
        data = struct.pack("4I", 0x0c, 0xdead, u32(0, 2, 1 << 20, 1 << 31), u32(0, 1, 4, 1 << 20)) + bytes(64)
    else:                   # ETHTOOL_SFLAGS
        data = struct.pack("II", 0x26, u32(0, 1 << 7, 1 << 8, 1 << 15, 1 << 27, 1 << 28, 1 << 31))

    def run():
        buffer = bytearray(data.ljust(4096, b"\0"))
        address = (ctypes.c_char * len(buffer)).from_buffer(buffer)
        name = port.name.encode().ljust(16, b"\0")
        try:
            fcntl.ioctl(port.ioctls, SIOCETHTOOL, name + struct.pack("Q", ctypes.addressof(address)) + bytes(16))
        except OSError as e:
            raise Refused(e.errno, "by ioctl") from None
    return f"ioctl {kind}", run


def main(name, seed, count, handle=""):
    rng, port = random.Random(int(seed)), Port(name, handle)
    families = [ethtool_request] * 11 + [link_request] * 5 + [ioctl_request] * 2
    families += [devlink_request] * 2 if handle else []
    kinds, silent, changed, times = {}, {}, [], {}
    before = port.state()
    for n in range(int(count)):
        kind, run = rng.choice(families)(rng, port)
        started = time.monotonic()
        tally = kinds.setdefault(kind, [0, 0])
        try:
            run()
            tally[0] += 1
            refused = None
            if kind == "devlink reload":
                port.look_up()
            # What has been closed by chance is opened again: the interface shall be running
            if not struct.unpack_from("I", next(genl.transact(port.route, GETLINK, 0, struct.pack(
                    "BBHiII", 0, 0, 0, port.index, 0, 0))), 8)[0] & IFF_UP:
                up = struct.pack("BBHiII", 0, 0, 0, port.index, IFF_UP, IFF_UP)
                list(genl.transact(port.route, SETLINK, ACK, up))
        except Refused as e:
            refused = e
            tally[1] += 1
            if not (e.text or e.pointed or kind.startswith("ioctl")):
                silent.setdefault(f"{kind} {errno.errorcode[e.errno]}", f"{n}: {e.sent.hex()}")
        after = port.state()
        times[kind] = round(times.get(kind, 0) + time.monotonic() - started, 3)
        if refused and after != before:
            what = {k: (str(before.get(k)), str(after.get(k))) for k in before.keys() | after.keys()
                    if before.get(k) != after.get(k)}
            changed.append(f"request {n} ({kind}: {refused}) changed {what}")
        before = after
    print(json.dumps({"accepted": sum(a for a, _ in kinds.values()), "rejected": sum(r for _, r in kinds.values()),
                      "kinds": kinds, "silent": silent, "changed": changed, "seconds": times}))


if __name__ == "__main__":
    main(*sys.argv[1:])
