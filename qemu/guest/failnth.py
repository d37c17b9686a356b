# SPDX-License-Identifier: GPL-2.0-only
"""The first allocation of a change to a port fails, then the second, the third ... until it has no more.

    failnth.py WHAT NETDEV PEER-MAC

By the kernel's fail-nth, so only what the task that asks for the change allocates. After each failure
the port must be as before and work, or after a change that got along without, be as after one without
a failure. Prints a JSON report:

    points    allocations that were made to fail
    refused   changes that were for it, with how often by what errno in "errors"
    survived  changes that were made all the same
    broken    what was wrong afterwards
"""
import ctypes
import errno
import fcntl
import gc
import json
import os
import socket
import struct
import sys
import time
from collections import Counter
from pathlib import Path

import genl
from genl import ACK, NESTED, attr
from requests import SETLINK, SIOCETHTOOL, Port

SIOCSIFFLAGS, SIOCSIFMTU = 0x8914, 0x8922
SYS_BPF, BPF_PROG_LOAD = 321, 5
FRAGS = 1 << 5


def text_of(symbol):
    """Where a function of the kernel begins and the next one does."""
    table = sorted((int(addr, 16), name) for addr, _, name, *_ in map(str.split, open("/proc/kallsyms")))
    start, = [addr for addr, name in table if name == symbol]
    return start, next(addr for addr, _ in table if addr > start)


def allow(module=None):
    """What may fail: all but pages of user processes, and not what ACPI evaluates, as ACPICA uses what it has
    freed then; with a module, only what is called from there."""
    start, end = text_of("acpi_ns_evaluate")
    first, last = 0, 2 ** 64 - 1
    if module:
        first = int(Path("/sys/module", module, "sections/.text").read_text(), 16)
        last = first + int(Path("/sys/module", module, "coresize").read_text())
    for kind in "failslab", "fail_page_alloc":
        knobs = Path("/sys/kernel/debug", kind)
        for name, value in {"ignore-gfp-wait": "N", "verbose": "0", "stacktrace-depth": "32",
                            "reject-end": hex(end), "reject-start": hex(start),
                            "require-end": hex(last), "require-start": hex(first)}.items():
            (knobs / name).write_text(value)
    (knobs / "min-order").write_text("0")


def attempt(nth, change):
    """(did the nth allocation fail?, with what the change was refused)"""
    error = None
    os.pwrite(FAIL_NTH, b"%d" % nth, 0)
    try:
        change()
    except OSError as e:
        error = e
    left = os.pread(FAIL_NTH, 20, 0)
    os.pwrite(FAIL_NTH, b"0", 0)
    return int(left) == 0, error


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return ~(total % 0xffff) & 0xffff


class Peer:
    """Echoes of whole frames, past the stack: it may have lost an address or route for want of memory."""

    def __init__(self, mac):
        self.mac = bytes.fromhex(mac.replace(":", ""))

    def echo(self, name, timeout=60):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as sock:
            sock.bind((name, 0x0800))
            sock.settimeout(.5)
            data, ends = os.urandom(1472), bytes([192, 0, 2, 1, 192, 0, 2, 2])
            ip = struct.pack("!BBHIBB", 0x45, 0, 1500, 0, 64, 1)
            ip += struct.pack("!H", checksum(ip + ends)) + ends
            icmp = struct.pack("!BBHI", 8, 0, checksum(b"\x08\0" + data), 0)
            frame = self.mac + sock.getsockname()[4] + b"\x08\0" + ip + icmp + data
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                try:
                    sock.send(frame)
                    while True:
                        got = sock.recv(2048)
                        if got[34] == 0 and got[42:] == data:
                            return
                except OSError:         # nothing came; no link yet
                    time.sleep(.1)
        raise RuntimeError("no echo comes back")


# Changes: what() prepares one, what()() makes it

def ioctl(port, request, tail):
    return lambda: fcntl.ioctl(port.ioctls, request, port.name.encode().ljust(16, b"\0") + tail.ljust(24, b"\0"))


def ethtool(port, get, **words):
    """Change words of a structure that ETHTOOL_x gets and x + 1 sets."""
    data = (ctypes.c_uint32 * 9)(get)
    run = ioctl(port, SIOCETHTOOL, struct.pack("Q", ctypes.addressof(data)))
    run()
    data[0] = get + 1
    for n, value in words.items():
        data[int(n[1:])] = value
    return lambda: (run(), data)


def netlink(family, command, payload):
    """On a socket of its own, as answers may get lost."""
    sock = genl.connect(family)
    return lambda: list(genl.transact(sock, command, ACK, payload))


def data_split(port, on):
    return netlink(genl.NETLINK_GENERIC, port.ethtool,
                   struct.pack("BBH", 16, 1, 0) + port.header() + attr(11, bytes([1 + on])))


def program():
    """One that lets everything pass."""
    code = ctypes.create_string_buffer(struct.pack("<BBHiBBHi", 0xb7, 0, 0, 2, 0x95, 0, 0, 0))
    license = ctypes.create_string_buffer(b"GPL")
    order = struct.pack("IIQQIIQII", 6, 2, ctypes.addressof(code), ctypes.addressof(license), 0, 0, 0, 0, FRAGS)
    order = order.ljust(128, b"\0")
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_PROG_LOAD, order, len(order))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "BPF_PROG_LOAD")
    return fd


def xdp(port, fd):
    # IFLA_XDP_FD; IFLA_XDP_FLAGS: in the driver
    return netlink(socket.NETLINK_ROUTE, SETLINK, struct.pack("BBHiII", 0, 0, 0, port.index, 0, 0) +
                   attr(43 | NESTED, attr(1, struct.pack("i", fd)) + attr(3, struct.pack("I", 4))))


def sysfs(path, text):
    fd = os.open(path, os.O_WRONLY)

    def run():
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    return run


def main(what, name, mac):
    port, peer = Port(name, ""), Peer(mac)
    address = os.path.basename(port.pci)
    driver = os.path.realpath(f"{port.pci}/driver")
    allow(os.path.basename(driver) if what == "sleep" else None)
    flags = {way: lambda bits=bits: ioctl(port, SIOCSIFFLAGS, struct.pack("H", bits))
             for way, bits in (("up", 0x1003), ("down", 0x1002))}

    def bound():
        return {part: os.path.exists(f"{port.pci}/{part}") for part in ("driver", "net", "msi_irqs")}

    def works():
        """Raises if not."""
        if what == "probe":
            port.look_up()
            flags["up"]()()
        peer.echo(port.name)

    there, back = {
        "open": (flags["up"], flags["down"]),
        "rings": (lambda: ethtool(port, 0x10, _5=128, _8=128), lambda: ethtool(port, 0x10, _5=64, _8=64)),
        "channels": (lambda: ethtool(port, 0x3c, _8=2), lambda: ethtool(port, 0x3c, _8=1)),
        "mtu": (lambda: ioctl(port, SIOCSIFMTU, struct.pack("i", 4000)),
                lambda: ioctl(port, SIOCSIFMTU, struct.pack("i", 1500))),
        "xdp": (lambda: xdp(port, fd), lambda: xdp(port, -1)),
        "split": (lambda: data_split(port, True), lambda: data_split(port, False)),
        "reset": (lambda: sysfs(f"{port.pci}/reset", "1"), lambda: lambda: None),
        "sleep": (lambda: sysfs("/sys/power/state", "mem"), lambda: lambda: None),
        "probe": (lambda: sysfs(f"{driver}/bind", address), lambda: sysfs(f"{driver}/unbind", address)),
    }[what]
    fd = program() if what == "xdp" else None
    state = bound if what == "probe" else port.state
    closed = what in ("open", "probe")
    carrier = None if closed else open(f"/sys/class/net/{name}/carrier_changes")

    def links():
        return carrier and os.pread(carrier.fileno(), 20, 0)

    for _ in range(2):                  # whatever is allocated just once
        back()()
        before = state()
        there()()
        works()
        after = state()
    back()()
    gc.disable()
    errors, survived, broken, nth = Counter(), 0, [], 0
    while len(broken) < 5:
        nth += 1
        was = links()
        hit, error = attempt(nth, there())
        try:
            if error and error.errno == errno.ENOBUFS and state() == after:
                error = None            # it was the answer that could not be had
            if error:
                assert hit, f"refused for nothing: {error}"
                assert links() == was, "the link changed"
                now = state()
                assert now == before, f"{error}, but: {differ(before, now)}"
                if not closed:
                    works()
                elif nth <= 8 or nth % 16 == 0:
                    there()()
                    works()
                    back()()
            else:
                # A link takes a second, and a probe gets along without most allocations
                if what != "probe" or nth <= 64 or nth % 8 == 0 or not hit:
                    works()
                now = state()
                assert now == after, f"not as after a change: {differ(after, now)}"
                back()()
        except (AssertionError, OSError, RuntimeError) as e:
            broken.append(f"allocation {nth}: {e!r}")
        if not hit:
            break
        errors.update([errno.errorcode[error.errno]] if error else [])
        survived += not error
    if closed:
        there()()
    print(json.dumps({"points": nth - 1, "refused": errors.total(), "errors": errors, "survived": survived,
                      "broken": broken}))


def differ(one, two):
    return {k: (str(one.get(k)), str(two.get(k))) for k in one.keys() | two.keys() if one.get(k) != two.get(k)}


if __name__ == "__main__":
    FAIL_NTH = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    main(*sys.argv[1:])
