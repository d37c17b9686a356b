# SPDX-License-Identifier: GPL-2.0-only
"""The driver loads, has a link, and carries frames."""
from util import lossless

BROADCAST = b"\xff" * 6
OUR_MAC = bytes.fromhex("525400123401")
TYPE = b"\x88\xb5"                              # for local experiments

COUNT = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.bind((sys.argv[1], 0x88b5))
s.settimeout(5)
open("/tmp/ready", "w").close()
for i in range(int(sys.argv[2])):
    print(s.recv(65536).hex())
"""


def test_frames_in(vm):
    dev = vm.netdev(0)
    vm.run(f"ip link set {dev} up; rm -f /tmp/ready")
    vm.carrier(dev)
    sent = [BROADCAST + OUR_MAC[:5] + b"\x99" + TYPE + bytes([i]) * (46 + i) for i in range(20)]
    job = vm.start(f"python3 - {dev} {len(sent)}", stdin=COUNT)
    vm.run("until [ -e /tmp/ready ]; do sleep 0.1; done")
    vm.wire("a").send(sent)
    assert job.wait().out.split() == [f.hex() for f in sent]


def test_frames_out(vm):
    dev = vm.netdev(0)
    vm.run(f"ip link set {dev} up")
    vm.carrier(dev)
    frames = [BROADCAST + OUR_MAC + TYPE + bytes([i]) * (46 + i) for i in range(20)]
    vm.python("import os, socket, sys\n"
              "os.sched_setaffinity(0, {0})\n"           # one CPU, one queue: in order
              "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
              "s.bind((sys.argv[1], 0))\n"
              "for f in sys.argv[2:]: s.send(bytes.fromhex(f))\n", dev, *[f.hex() for f in frames])
    got = vm.wire("a").recv(len(frames), match=lambda f: f[12:14] == TYPE)
    assert got == frames


def test_ping(pair):
    for addr in (pair.peer_ip, pair.peer_ip6):
        lossless(lambda *args, **kw: pair.vm.run(*args, **kw).out, f"ping -c 5 -i 0.2 {addr}")
