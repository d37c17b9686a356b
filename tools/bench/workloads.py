# SPDX-License-Identifier: GPL-2.0-only
"""What is measured. Each workload sets the guest up, does its work once, and says how many packets that was.

A workload is a context manager of a guest. It sets up, and cleans up also after a failure. What it yields is a
function that does the work and returns the number of packets, or raises if one was lost.
"""
import json
import socket
import struct
import time
from contextlib import contextmanager

from wire import Connection, udp

BURST, LARGE_BURST = 64, 32     # both fit the smallest default ring, and a read of QEMU's
MAC = bytes.fromhex("525400123401")     # NIC 0, see qemu/vm.py
FLOWS = 256


def received(g, bursts):
    """Put bursts before the port; all of them must be counted as received."""
    def work():
        for burst in bursts:
            g.burst(burst)
        return sum(map(len, bursts))
    return Checked(work, g, "rx_packets")


class Checked:
    """Work that must make a statistic of the interface grow by the number of packets."""

    def __init__(self, work, guest, statistic):
        self.work, self.guest, self.statistic = work, guest, statistic

    def before(self):
        self.start = self.guest.statistic(self.statistic)

    def __call__(self):
        self.packets = self.work()
        return self.packets

    def after(self):
        seen = self.guest.statistic(self.statistic) - self.start
        if not self.packets <= seen <= self.packets + 3:        # the stack says something now and then
            raise AssertionError(f"{self.packets} packets, but {self.statistic} grew by {seen}")


@contextmanager
def setting(g, make, undo):
    """A setting of the port, put back in the end."""
    g.sh(make)
    try:
        g.vm.carrier(g.dev)
        yield
    finally:
        g.sh(undo)
        g.vm.carrier(g.dev)


def dropping(g):
    return setting(g, "tc qdisc add dev $N clsact; tc filter add dev $N ingress matchall action drop",
                   "tc qdisc del dev $N clsact")


def tc_drop(g, size, burst):
    with dropping(g):
        yield received(g, [[udp(MAC, size)] * burst] * 40)


def program(g, name):
    return setting(g, f"ip link set $N xdpdrv obj /tmp/xdp.o sec xdp.{name}", "ip link set $N xdpdrv off")


def xdp_drop(g):
    with program(g, "drop"):
        yield received(g, [[udp(MAC, 60)] * BURST] * 40)


def xdp_pass(g):
    with dropping(g), program(g, "pass"):
        yield received(g, [[udp(MAC, 60)] * BURST] * 40)


def come_back(wire, n):
    got = len(wire.recv(n, 5))
    if got != n:
        raise AssertionError(f"{n} frames were to come out, {got} did")
    return n


def there_and_back(g, wire, frame):
    def work():
        for _ in range(40):
            g.burst([frame] * BURST)
        return come_back(wire, 40 * BURST)
    return work


def xdp_tx(g):
    with program(g, "tx"):
        yield there_and_back(g, g.wire, udp(MAC, 60))


def map_id(g, name):
    ident, = [m["id"] for m in json.loads(g.sh("bpftool -j map show")) if m.get("name") == name]
    return ident


def xdp_redirect(g):
    """By a devmap to another port, which has a program, too: igb wants that."""
    with g.second_port(), program(g, "redirect"):
        index = struct.pack("I", int(g.sh("cat /sys/class/net/$N2/ifindex"))).hex(" ")
        g.sh(f"bpftool map update id {map_id(g, 'ports')} key 0 0 0 0 value hex {index};"
             "ip link set $N2 xdpdrv obj /tmp/xdp.o sec xdp.pass")
        g.vm.carrier(g.devs[1])
        yield there_and_back(g, g.wire2, udp(MAC, 60))


def xsk(g, mode, options, work):
    """An AF_XDP socket with zero copy; the same rings of the port with any driver."""
    rings = [int(n) for n in g.sh("ethtool -g $N | sed -n '/Current/,$p' | grep -E '^(RX|TX):'").split()[1::2]]
    with (setting(g, "ethtool -G $N rx 512 tx 512 || true", f"ethtool -G $N rx {rings[0]} tx {rings[1]} || true"),
          program(g, "xsk")):
        ident = map_id(g, "xsks")
        g.sh("rm -f /tmp/ready /tmp/go; mkfifo /tmp/go")
        job = g.vm.start(f"exec /tmp/xsk {g.dev} {mode} map={ident} ready=/tmp/ready {options}")
        try:
            g.sh("for t in $(seq 100); do [ -e /tmp/ready ] && exit; sleep .05; done; exit 1")
            g.vm.carrier(g.dev)
            yield work
        finally:
            said = job.stop().out
        seen = json.loads(said)
        if not seen["zerocopy"] or seen["dropped"] or seen["full"] or seen["invalid"]:
            raise AssertionError(f"AF_XDP without zero copy, or frames lost: {seen}")


def xsk_rxdrop(g):
    yield from xsk(g, "rx", "wait=5000", received(g, [[udp(MAC, 60)] * BURST] * 40))


def xsk_txonly(g, count=8192):
    def work():
        g.command(b"g")
        g.settle()
        return come_back(g.wire, count)
    yield from xsk(g, "tx", f"same=1 go=/tmp/go count={count}", work)


def xsk_l2fwd(g):
    yield from xsk(g, "echo", "wait=5000", there_and_back(g, g.wire, udp(MAC, 60)))


def pktgen(g, burst, count=8192):
    configure = f"""set +e
        echo rem_device_all > /proc/net/pktgen/kpktgend_0
        echo add_device $N > /proc/net/pktgen/kpktgend_0
        for x in 'count {count}' 'pkt_size 60' 'delay 0' 'clone_skb 0' 'burst {burst}' 'dst 192.0.2.2' \\
                 'dst_mac 52:54:00:99:99:99'; do echo "$x" > /proc/net/pktgen/$N || exit 1; done"""

    def work():
        g.command(b"p")
        g.settle()
        return come_back(g.wire, count)
    with setting(g, configure, "echo rem_device_all > /proc/net/pktgen/kpktgend_0"):
        yield work


def served(g, service, port, conversation):
    job = g.vm.start(f"exec /tmp/guest {service} {port}")
    try:
        g.sh(f"for t in $(seq 100); do ss -Hlnut sport = {port} | grep -q . && exit; sleep .05; done; exit 1")
        yield from conversation()
    finally:
        job.stop()


def tcp_in(g):
    """Segments of 1460 bytes that GRO joins; per segment."""
    def conversation():
        c = Connection(g, MAC, 5001)

        def work():
            for _ in range(60):
                c.send(LARGE_BURST)
            return 60 * LARGE_BURST
        yield work
        c.close()
    yield from served(g, "tcp-sink", 5001, conversation)


def tcp_out(g):
    """Segments of 1460 bytes that the hardware cuts; per segment."""
    # As on a fast network. Else the kernel goes by the round trip time, and so by how busy the host is
    g.sh("sysctl -qw net.ipv4.tcp_min_tso_segs=44")
    # Nothing is lost, so nothing is to be sent again because we were late
    g.sh("sysctl -qw net.ipv4.tcp_early_retrans=0; ip route replace 192.0.2.0/24 dev $N src 192.0.2.1 rto_min 10s")

    def conversation():
        c = Connection(g, MAC, 5002)
        for _ in range(12):             # until the window is open
            c.receive()
        yield lambda: sum(c.receive() for _ in range(12))
        c.close()
    yield from served(g, "tcp-source", 5002, conversation)


def udp_socket(g):
    yield from served(g, "udp-sink", 5003, lambda: iter([received(g, [[udp(MAC, 60, port=5003)] * BURST] * 40)]))


def ping_pong(g):
    """A datagram in, its echo out; per transaction."""
    def conversation():
        frame = udp(MAC, 60, port=5004)

        def work():
            for _ in range(200):
                g.burst([frame])
            return come_back(g.wire, 200)
        yield work
    yield from served(g, "udp-echo", 5004, conversation)


def forward(g):
    """Routed to another port."""
    frame = udp(MAC, 60, dst=socket.inet_aton("198.51.100.2"))
    with (g.second_port(), setting(g, "sysctl -qw net.ipv4.ip_forward=1; ip addr add 198.51.100.1/24 dev $N2;"
                                   "ip neigh replace 198.51.100.2 lladdr 52:54:00:99:99:99 dev $N2",
                                   "sysctl -qw net.ipv4.ip_forward=0")):
        yield there_and_back(g, g.wire2, frame)


def queues(g, n):
    """The load of tc_drop in many flows, over so many queues."""
    flows = [udp(MAC, 60, sport=1024 + i, src=struct.pack(">I", 0x0a000001 + i * 7)) for i in range(FLOWS)]
    with setting(g, f"ethtool -L $N combined {n}", "ethtool -L $N combined 1"), dropping(g):
        yield received(g, [flows[i:i + BURST] for i in range(0, FLOWS, BURST)] * 10)


IDLE_SECONDS = 4


def idle(g):
    """Nothing to do; per second."""
    def work():
        time.sleep(IDLE_SECONDS)
        return IDLE_SECONDS
    yield work


# name: (what it is, function of a guest, what it needs)
WORKLOADS = {
    "rx-60": ("receive 60 B to tc drop", lambda g: tc_drop(g, 60, BURST), ""),
    "rx-1514": ("receive 1514 B to tc drop", lambda g: tc_drop(g, 1514, LARGE_BURST), ""),
    "rx-udp": ("receive 60 B to a UDP socket", udp_socket, ""),
    "tcp-in": ("TCP stream in", tcp_in, ""),
    "tcp-out": ("TCP stream out", tcp_out, ""),
    "xdp-drop": ("XDP_DROP 60 B", xdp_drop, "xdp"),
    "xdp-pass": ("XDP_PASS 60 B to tc drop", xdp_pass, "xdp"),
    "xdp-tx": ("XDP_TX 60 B", xdp_tx, "xdp"),
    "xdp-redirect": ("XDP_REDIRECT 60 B to another port", xdp_redirect, "xdp"),
    "xsk-rxdrop": ("AF_XDP receive 60 B, drop", xsk_rxdrop, "xsk"),
    "xsk-txonly": ("AF_XDP send 60 B", xsk_txonly, "xsk"),
    "xsk-l2fwd": ("AF_XDP 60 B in and out again", xsk_l2fwd, "xsk"),
    "pktgen-1": ("pktgen, one skb a doorbell", lambda g: pktgen(g, 1), ""),
    "pktgen-32": ("pktgen, 32 skbs a doorbell", lambda g: pktgen(g, 32), ""),
    "forward": ("forward 60 B to another port", forward, ""),
    "ping-pong": ("ping-pong, a transaction", ping_pong, ""),
    "queues-1": ("receive 60 B, 256 flows, 1 queue", lambda g: queues(g, 1), "channels"),
    "queues-2": ("the same, 2 queues", lambda g: queues(g, 2), "channels"),
    "queues-8": ("the same, 8 queues", lambda g: queues(g, 8), "8 channels"),
    "idle": ("idle, a second", idle, ""),
}
# The CPU does not sleep between bursts: lines of cache, counted anew when it wakes up, would say nothing
AWAKE = ("xsk-txonly", "pktgen-1", "pktgen-32")
