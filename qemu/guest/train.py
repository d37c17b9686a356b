# SPDX-License-Identifier: GPL-2.0-only
"""A train of numbered UDP datagrams, from one program or to one program.

    train.py send ADDRESS COUNT [flows=1] [gap=MICROSECONDS] [size=BYTES] [cpus=LIST]
    train.py recv ADDRESS COUNT [busy_poll=MICROSECONDS] [cpu=N] [connect=1] [size=BYTES]
    train.py sizes ADDRESS LARGEST          every payload size, sent back by `train.py echo`
    train.py echo ADDRESS

recv prints JSON once COUNT came or nothing came for two seconds: what it got, and from which NAPI.
"""
import contextlib
import json
import os
import socket
import struct
import sys
import time

SO_RCVBUFFORCE, SO_BUSY_POLL, SO_INCOMING_NAPI_ID = 33, 46, 56
PORT = 5300
mode, address, *rest = sys.argv[1:]
options = dict(word.split("=") for word in rest if "=" in word)
count = int(rest[0]) if rest else 0
size = int(options.get("size", 64))


def udp():
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    return sock


def send():
    """One flow after the other, each from the next CPU of the list."""
    cpus = [int(cpu) for cpu in options.get("cpus", "").split(",") if cpu]
    flows, gap = int(options.get("flows", 1)), float(options.get("gap", 0)) / 1e6
    due = time.perf_counter()
    for flow in range(flows):
        if cpus:
            os.sched_setaffinity(0, {cpus[flow % len(cpus)]})
        sock = udp()
        sock.connect((address, PORT))
        for n in range(flow, count, flows):
            with contextlib.suppress(ConnectionRefusedError):   # nobody there: also fine
                sock.send(n.to_bytes(4, "big").ljust(size, b"\xa5"))
            due = max(due + gap, time.perf_counter())   # late: not the sooner after that
            while gap and time.perf_counter() < due:
                pass


def recv():
    if "cpu" in options:
        os.sched_setaffinity(0, {int(options["cpu"])})
    sock = udp()
    if "busy_poll" in options:
        sock.setsockopt(socket.SOL_SOCKET, SO_BUSY_POLL, int(options["busy_poll"]))
    sock.bind((address, PORT))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("qq", 20, 0))
    got, bad, napis = set(), 0, set()
    try:
        while len(got) < count:
            data, sender = sock.recvfrom(1 << 16)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("qq", 2, 0))
            if "connect" in options:            # flow steering is for connected sockets
                sock.connect(sender)
            bad += len(data) != size or data[4:].strip(b"\xa5") != b""
            got.add(data[:4])
            napis.add(sock.getsockopt(socket.SOL_SOCKET, SO_INCOMING_NAPI_ID))
    except BlockingIOError:
        pass
    print(json.dumps({"got": len(got), "bad": bad, "napis": sorted(napis)}))


def echo():
    sock = udp()
    sock.bind((address, PORT))
    while True:
        sock.sendto(*sock.recvfrom(1 << 16))


def sizes():
    sock, pattern, wrong = udp(), os.urandom(count), []
    sock.settimeout(1)
    sock.connect((address, PORT))
    for n in range(count + 1):
        for _ in range(3):              # the wire may lose one, not three
            try:
                sock.send(pattern[:n])
                if sock.recv(1 << 16) == pattern[:n]:
                    break
            except (TimeoutError, ConnectionRefusedError):
                pass
        else:
            wrong.append(n)
    if wrong:
        sys.exit(f"payload sizes that did not come back whole: {wrong}")


globals()[mode]()
