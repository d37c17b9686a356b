# SPDX-License-Identifier: GPL-2.0-only
"""Each flow goes to the queue that the Toeplitz hash and the indirection table name.

The queue and the hash are read for every packet out of its sk_buff (qemu/guest/frames_rx.py), and
what each queue counted must be the same.
"""
import random
import re
from collections import Counter

import pytest
from scapy.layers.inet import ICMP, IPOption
from scapy.layers.inet6 import ICMPv6EchoRequest
from scapy.layers.l2 import Dot1Q

from frames import Port, report
from oracle import IP, TCP, UDP, Ether, IPv6, Raw, mac, mac_bytes, payload, rss_hash

COPIES = 3
KEY = ":".join(f"{random.Random(8).randrange(256) ^ i * 37 & 255:02x}" for i in range(40))
UNSUPPORTED = re.compile("not supported|Cannot", re.I)


@pytest.fixture
def port(vm):
    port = Port.of(vm)
    port.sh("ethtool -l $N | awk '/Current/,0' | awk '/Combined/ {print $2}' > /tmp/channels")
    yield port
    port.sh("ethtool -L $N combined $(cat /tmp/channels) 2>/dev/null || true; ethtool -X $N default;"
            "ethtool -K $N rxhash on")


def rss(port):
    """(key, table) as the driver reports them; a key it keeps to itself is the kernel's."""
    text = port.sh("ethtool -x $N; cat /proc/sys/net/core/netdev_rss_key")
    table = [int(q) for row in re.findall(r"^ +\d+:([\d ]+)$", text, re.M) for q in row.split()]
    key = re.search(r"hash key:\n((?:[0-9a-f]{2}:)+[0-9a-f]{2})$", text, re.M)
    return mac_bytes(key[1] if key else text.split()[-1])[:port.limits.key], table


def flows():
    """(name, packet): many of each kind, at least as long as frames_rx.py needs to tell the hash."""
    rng, body = random.Random(2), Raw(payload(300))

    def ports():
        return {"sport": rng.randrange(1, 65536), "dport": rng.randrange(1, 65536)}

    for n in range(6):
        host = [f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}" for _ in "sd"]
        host6 = [f"2001:db8:{rng.randrange(65536):x}::{rng.randrange(65536):x}" for _ in "sd"]
        ip4 = {"src": host[0], "dst": host[1]}
        ip6 = {"src": host6[0], "dst": host6[1]}
        yield "TCP/IPv4", IP(**ip4) / TCP(**ports()) / body
        yield "UDP/IPv4", IP(**ip4) / UDP(**ports()) / body
        yield "ICMP", IP(**ip4) / ICMP() / body
        yield "TCP/IPv4 with options", IP(**ip4, options=[IPOption(b"\1" * 8)]) / TCP(**ports()) / body
        yield "first fragment of TCP", IP(**ip4, flags="MF") / TCP(**ports()) / body
        yield "last fragment of UDP", IP(**ip4, frag=20, proto=17) / body
        yield "TCP/IPv6", IPv6(**ip6) / TCP(**ports()) / body
        yield "UDP/IPv6", IPv6(**ip6) / UDP(**ports()) / body
        yield "ICMPv6", IPv6(**ip6) / ICMPv6EchoRequest(data=payload(300))
        yield "tagged TCP/IPv4", Dot1Q(vlan=0, prio=3) / IP(**ip4) / TCP(**ports()) / body
    yield "no IP", Raw(payload(300))


def check(port, ports=(TCP,), hashed=True):
    """Send some packets of every flow; compare hash, queue and the queues' counters."""
    key, table = rss(port)
    sent, want = [], {}
    for n, (name, pkt) in enumerate(flows()):
        head = Ether(src=mac(n), dst=port.mac)
        pkt = Ether(head.build() + b"\x88\xb5" + bytes(pkt)) if name == "no IP" else head / pkt
        hash_ = rss_hash(key, pkt, ports)
        queue = table[hash_ % len(table)] if hash_ else 0
        want[mac(n)] = name, queue, hash_ if hashed else 0
        sent += [bytes(pkt)] * COPIES
    random.Random(5).shuffle(sent)
    before = queue_counters(port)
    seen = port.receive(sent, "meta", room=60)
    counted = queue_counters(port) - before
    faults = []
    for source, (name, queue, hash_) in want.items():
        got = seen.meta.get(source, [])
        if got != [[queue, hash_]] * COPIES:
            faults.append(f"{name} {source}: want {COPIES} times queue {queue}, hash {hash_:08x}; got " +
                          ", ".join(f"queue {q}, hash {h:08x}" for q, h in got))
    assert not faults, report(faults, len(want), f"table {table[:16]}..., key {key.hex()}")
    if counted:
        expected = Counter({0: seen.marks})
        for _, queue, _ in want.values():
            expected[queue] += COPIES
        assert counted == expected
    return Counter(queue for _, queue, _ in want.values())


def queue_counters(port):
    found = re.findall(r"rx_queue_(\d+)_packets: (\d+)", port.sh("ethtool -S $N"))
    return Counter({int(q): int(n) for q, n in found})


def test_oracle():
    """The examples of the data sheet's Toeplitz section."""
    key = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
    v4 = IP(src="66.9.149.187", dst="161.142.100.80") / TCP(sport=2794, dport=1766)
    v6 = IPv6(src="3ffe:2501:200:1fff::7", dst="3ffe:2501:200:3::1") / TCP(sport=2794, dport=1766)
    assert [rss_hash(key, v4), rss_hash(key, v4, ()), rss_hash(key, v6), rss_hash(key, v6, ())] == [
        0x51ccc178, 0x323e8fc2, 0x40207d3d, 0x2cc18cd5]


SETTINGS = {
    "one channel": "ethtool -L $N combined 1",
    "two channels": "ethtool -L $N combined 2",
    "all channels": "ethtool -L $N combined {all}",
    "equal": "ethtool -X $N equal 2",
    "one of several": "ethtool -X $N equal 1",
    "shifted": "ethtool -X $N start 1 equal 1",
    "weights": "ethtool -L $N combined 2; ethtool -X $N weight 5 1",
    "weights for all": "ethtool -L $N combined {all}; ethtool -X $N weight {weights}",
    "key": f"ethtool -X $N hkey {KEY}",
    "key and table": f"ethtool -X $N hkey {KEY} equal 2",
    "default again": "ethtool -X $N equal 1; ethtool -X $N default",
    "kept over down and up": "ethtool -X $N weight 3 1 0 0 || ethtool -X $N weight 3 1;"
                             "ip link set $N down; ip link set $N up",
    "kept over new rings": "ethtool -X $N weight 1 3 0 0 || ethtool -X $N weight 1 3; ethtool -G $N rx 512",
    "channels after a table": "ethtool -X $N equal 2; ethtool -L $N combined {all}",
}


def test_default(port):
    """The table as the driver made it uses every queue alike."""
    _, table = rss(port)
    assert len(table) == port.limits.reta
    shares = Counter(table)
    assert max(shares.values()) - min(shares.values()) <= 1
    assert set(check(port)) == set(table)


@pytest.mark.parametrize("name", SETTINGS)
def test_setting(port, name):
    n = port.limits.queues
    setting = SETTINGS[name].format(all=n, weights=" ".join(str(i % 3 + 1) for i in range(n)))
    done = port.vm.run(f"N={port.name}; set -e; {setting}", check=False)
    if done.rc and UNSUPPORTED.search(done.err) and "hkey" in setting:
        pytest.skip(f"no way to set the key: {done.err.strip()}")
    assert done.rc == 0, done
    key, table = rss(port)
    if "hkey" in setting:
        assert key == mac_bytes(KEY)
    if equal := re.search(r"(?:start (\d+) )?equal (\d+)$", setting):
        first, count = int(equal[1] or 0), int(equal[2])
        assert table == [first + i % count for i in range(len(table))]
    check(port)


def test_hash_off(port):
    """The stack gets no hash; the packets still spread."""
    port.sh("ethtool -K $N rxhash off")
    check(port, hashed=False)


def test_udp_ports(port):
    """rx-flow-hash sdfn has UDP spread by its ports too; it does not unless asked."""
    def spread(by):
        return port.vm.run(f"for v in 4 6; do ethtool -N {port.name} rx-flow-hash udp$v {by} || exit; done",
                           check=False)

    if (done := spread("sdfn")).rc:
        pytest.skip(f"UDP ports cannot be hashed: {done.err}")
    try:
        check(port, ports=(TCP, UDP))
    finally:
        spread("sd")
    check(port)
