# SPDX-License-Identifier: GPL-2.0-only
"""Each flow goes to the queue that the Toeplitz hash and the indirection table name.

The queue and the hash are read for every packet out of its sk_buff (qemu/guest/frames_rx.py), and
what each queue counted must be the same.
"""
import json
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


def default_fields(port):
    """{flow type: letters}: ports wherever the chip can hash them."""
    udp = "sdfn" if port.limits.udp_ports else "sd"
    return {"tcp4": "sdfn", "udp4": udp, "tcp6": "sdfn", "udp6": udp, "sctp4": "sd", "sctp6": "sd"}


def check(port, by=None, hashed=True):
    """Send some packets of every flow; compare hash, queue and the queues' counters."""
    by_ports = [flow for flow, letters in (by or default_fields(port)).items() if letters == "sdfn"]
    key, table = rss(port)
    sent, want = [], {}
    for n, (name, pkt) in enumerate(flows()):
        head = Ether(src=mac(n), dst=port.mac)
        pkt = Ether(head.build() + b"\x88\xb5" + bytes(pkt)) if name == "no IP" else head / pkt
        version = 4 if IP in pkt else 6
        hash_ = rss_hash(key, pkt, [p for p in (TCP, UDP) if f"{p.__name__.lower()}{version}" in by_ports])
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
    ifindex = int(port.sh("cat /sys/class/net/$N/ifindex"))
    rows = json.loads(port.sh("python3 /ignis/qemu/guest/genl.py qstats-queue"))
    return Counter({row["id"]: row["rx-packets"] for row in rows
                    if row["ifindex"] == ifindex and "rx-packets" in row})


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
    assert len(table) == port.limits.table
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


# How some protocols are hashed, the others as by default
FIELDS = {
    "UDP by addresses": {"udp4": "sd", "udp6": "sd"},
    "TCP by addresses": {"tcp4": "sd", "tcp6": "sd"},
    "each its way": {"tcp4": "sd", "udp4": "sd", "udp6": "sdfn"},
    "named as they are": {"tcp4": "sdfn", "udp4": "sdfn", "sctp4": "sd", "esp6": "sd"},
}
LETTERS = {"IP SA": "s", "IP DA": "d", "[TCP/UDP src port]": "f", "[TCP/UDP dst port]": "n"}


def fields(port):
    """{flow type: letters of rx-flow-hash}"""
    text = port.sh("".join(f"echo @{t}; ethtool -n $N rx-flow-hash {t};" for t in default_fields(port)))
    return {part.split("\n")[0]: "".join(letter for name, letter in LETTERS.items() if name in part)
            for part in text.split("@")[1:]}


@pytest.fixture
def as_found(port):
    yield
    port.vm.run("".join(f"ethtool -N {port.name} rx-flow-hash {t} {v};"
                for t, v in default_fields(port).items()),
                check=False)


@pytest.mark.parametrize("name", FIELDS)
def test_fields(port, as_found, name):
    """rx-flow-hash is what the hash is made of, and stays so; ports are hashed unless the chip cannot."""
    want = default_fields(port)
    assert fields(port) == want
    for flow, by in FIELDS[name].items():
        done = port.vm.run(f"ethtool -N {port.name} rx-flow-hash {flow} {by}", check=False)
        if by == "sdfn" and flow.startswith("udp") and not port.limits.udp_ports:
            assert done.rc, f"took {flow} {by}"
        else:
            assert not done.rc, done
            want.update({flow: by} if flow in want else {})
    assert fields(port) == want
    check(port, want)
    if name == "each its way":
        port.sh("ip link set $N down; ip link set $N up; ethtool -G $N rx 512; ethtool -G $N rx 256")
        assert fields(port) == want
        check(port, want)


REFUSED = ["-N $N rx-flow-hash tcp4 s", "-N $N rx-flow-hash tcp4 fn", "-N $N rx-flow-hash tcp6 sdf",
           "-N $N rx-flow-hash udp4 sdn", "-N $N rx-flow-hash udp4 sdfnt", "-N $N rx-flow-hash udp6 v",
           "-N $N rx-flow-hash tcp6 sdfnl", "-N $N rx-flow-hash sctp4 sdfn", "-N $N rx-flow-hash ah4 sdfn",
           "-N $N rx-flow-hash ether m", "-N $N rx-flow-hash tcp4 r",
           "-X $N xfrm symmetric-xor", "-X $N xfrm symmetric-or-xor", "-X $N hfunc xor",
           "-X $N context new", "-X $N equal 3 hfunc crc32"]


def test_refused(port):
    """What the chip cannot hash, or hash by, is refused and changes nothing."""
    before = fields(port), rss(port)
    taken = [bad for bad in REFUSED if not port.vm.run(f"N={port.name}; ethtool {bad}", check=False).rc]
    assert not taken and (fields(port), rss(port)) == before
