# SPDX-License-Identifier: GPL-2.0-only
"""Rules of ethtool -N and accelerated RFS: what is written to the chip, read back, kept, refused.

QEMU's igb has the EtherType filters: what it matches it marks in the descriptor, but it does not
steer by them. Of the others it only traces that something was written to registers it has not.
So queues are not looked at here, but every bit of every filter is.
"""
import contextlib
import re
import socket
import struct
from collections import Counter

import pytest

from chips import CHIPS
from frames import Port
from oracle import mac, mac_bytes, payload

# The registers by the data sheet of the 82576
ETQF, SYNQF, SAQF, DAQF, SPQF, FTQF, IMIR, IMIREXT = 0x5cb0, 0x55fc, 0x5980, 0x59a0, 0x59c0, 0x59e0, 0x5a80, 0x5aa0
OFF = 0xf0008000        # FTQF: compares nothing, steers nothing
WRITE, MATCHED = "e1000e_wrn_regs_write_unknown", "e1000e_rx_metadata_pkt_type"
KINDS = {"tcp4": 6, "udp4": 17, "sctp4": 132}


@pytest.fixture
def port(vm):
    port = Port.of(vm)
    if not port.limits.rules:
        pytest.skip("no filters")
    port.channels = int(re.findall(r"Combined:\s+(\d+)", port.sh("ethtool -l $N"))[1])
    port.sh(f"ethtool -L $N combined {port.limits.queues}; ethtool -K $N ntuple on")
    yield port
    port.sh("ethtool -K $N ntuple off; ethtool -K $N ntuple on;"
            f"ethtool -L $N combined {port.channels}; ethtool -X $N default")


@contextlib.contextmanager
def traced(vm, event):
    """The numbers that QEMU traces with an event while the body runs; a list of tuples."""
    start, seen = vm.stderr.stat().st_size, []
    vm.hmp(f"trace-event {event} on")
    try:
        yield seen
    finally:
        vm.hmp(f"trace-event {event} off")
        text = vm.stderr.read_bytes()[start:].decode(errors="replace")
        for line in re.findall(rf"{event} (.*)", text):
            line = re.sub(r"\d+ byte", "", line)
            seen.append(tuple(int(n, 0) for n in re.findall(r"0x[0-9a-f]+|\b\d+\b", line)))


def add(port, spec):
    """Insert a rule; its location."""
    said = port.sh(f"ethtool -N $N flow-type {spec}")
    return int((re.search(r"loc (\d+)$", spec) or re.search(r"ID (\d+)$", said.strip()))[1])


def rules(port):
    return port.sh("ethtool -n $N")


def locations(port):
    return [int(n) for n in re.findall(r"^Filter: (\d+)$", rules(port), re.M)]


def etqf(port):
    """The EtherType filters as the chip has them."""
    raw = bytes.fromhex(port.sh("ethtool -d $N raw on | od -An -v -tx1 | tr -d ' \\n'"))
    regs = dict(struct.iter_unpack("<II", raw))
    return [regs[ETQF + 4 * n] for n in range(8)]


def etype_filter(proto, queue):
    return 1 << 31 | 1 << 26 | queue << 16 | proto | (1 << 30 if proto == 0x88f7 else 0)


def wire_order(text):
    """An address, or a port, as a register holds it."""
    return int.from_bytes(socket.inet_aton(text) if "." in text else int(text).to_bytes(2, "big"), "little")


def tuple_filter(entry, spec, priority):
    """{register: value} of a 5-tuple filter for "tcp4 src-ip A dst-port P action Q"."""
    kind, *words = spec.split()
    words = dict(zip(words[::2], words[1::2]))
    proto = KINDS.get(kind, int(words.get("l4proto", -1)))
    ftqf = 1 << 15 | 1 << 8 | int(words["action"]) << 16
    ftqf |= proto if proto >= 0 else 1 << 28
    if words.get("dst-port") == "319" and kind == "udp4":
        ftqf |= 1 << 27         # only one filter sees a packet: this one stamps PTP events too
    regs = {IMIREXT: 1 << 19 | 1 << 12, IMIR: priority << 29}
    for name, reg, bit in (("src-ip", SAQF, 29), ("dst-ip", DAQF, 30), ("src-port", SPQF, 31)):
        regs[reg] = wire_order(words[name]) if name in words else 0
        ftqf |= 0 if name in words else 1 << bit
    regs[IMIR] |= wire_order(words["dst-port"]) if "dst-port" in words else 1 << 17
    return {reg + 4 * entry: value for reg, value in {**regs, FTQF: ftqf}.items()}


def test_not_offered(vm):
    """A chip without filters says so."""
    port = Port.of(vm)
    if port.limits.rules:
        pytest.skip("it has filters")
    assert "ntuple-filters: off [fixed]" in port.sh("ethtool -k $N")
    for bad in "-N $N flow-type ether proto 0x88b6 action 1", "-N $N delete 0", "-K $N ntuple on":
        port.vm.run(f"N={port.name}; ethtool {bad} && exit 1; true")
    assert "not supported" in port.vm.run(f"ethtool -N {port.name} delete 0", check=False).err


def test_etype(port):
    """Frames meet the filter of their type; deleting a rule frees its filter."""
    types = {0x88b6: 3, 0x88f7: 1, 0x22f0: 7, 0x9000: 0}
    where = {proto: add(port, f"ether proto {proto:#x} action {queue}") for proto, queue in types.items()}
    want = [etype_filter(proto, queue) for proto, queue in types.items()]
    assert sorted(etqf(port)) == sorted(want + [0] * 4)
    entry = {value & 0xffff: n for n, value in enumerate(etqf(port)) if value}

    def matches(protos):
        frames = [mac_bytes(port.mac) + mac_bytes(mac(n)) + proto.to_bytes(2, "big") + payload(100)
                  for n, proto in enumerate(protos)]
        with traced(port.vm, MATCHED) as seen:
            assert {f.inner for f in port.receive(frames).frames} >= set(frames)
        return Counter(kind for kind, in seen if kind & 1 << 11)

    sent = [*types] * 3 + [0x22f0, 0x88b7, 0x88b7]
    assert matches(sent) == Counter(1 << 11 | entry[p] for p in sent if p in types)
    port.sh(f"ethtool -N $N delete {where[0x88b6]}")
    assert etqf(port)[entry[0x88b6]] == 0
    assert matches(sent) == Counter(1 << 11 | entry[p] for p in sent if p in types and p != 0x88b6)
    add(port, "ether proto 0x88b8 action 2")
    assert etype_filter(0x88b8, 2) in etqf(port)


TUPLES = ["tcp4 src-ip 192.0.2.9 dst-ip 192.0.2.1 src-port 4711 dst-port 80 action 5",
          "udp4 dst-port 319 action 1",
          "udp4 src-port 319 action 2",
          "sctp4 dst-ip 10.1.2.3 action 3",
          "tcp4 action 4",
          "ip4 src-ip 198.51.100.7 action 6",
          "ip4 dst-ip 203.0.113.1 l4proto 47 action 7"]


def test_tuples(port):
    """What is written for each rule; the lower its location the higher the priority."""
    with traced(port.vm, WRITE) as seen:
        assert [add(port, spec) for spec in TUPLES] == [*range(7)]
    want = {}
    for n, spec in enumerate(TUPLES):
        want.update(tuple_filter(n, spec, 7 - n))
    got = dict(seen)
    assert got == want, {f"{r:#x}": (hex(got.get(r, -1)), hex(want.get(r, -1)))
                         for r in got.keys() | want.keys() if got.get(r) != want.get(r)}

    # One goes: only its filter is touched. One comes before the others: it gets the free filter.
    with traced(port.vm, WRITE) as seen:
        port.sh("ethtool -N $N delete 2")
    assert seen == [(FTQF + 8, OFF)]
    port.sh("ethtool -N $N delete 0")
    first = "udp4 src-ip 192.0.2.77 action 1"
    with traced(port.vm, WRITE) as seen:
        assert add(port, f"{first} loc 0") == 0
    want = tuple_filter(0, first, 7)
    for n, spec in enumerate(TUPLES):
        if n not in (0, 2):
            want.update(tuple_filter(n, spec, 7 - n + (n > 2)))
    assert dict(seen) == want

    # Another rule at the same place: off before it changes
    with traced(port.vm, WRITE) as seen:
        add(port, "tcp4 dst-port 22 action 3 loc 0")
    assert seen[0] == (FTQF, OFF) and dict(seen)[FTQF] == tuple_filter(0, "tcp4 dst-port 22 action 3", 7)[FTQF]


def test_syn(port):
    """SYN has the last location; 5-tuples come first."""
    last = sum(port.limits.rules)
    with traced(port.vm, WRITE) as seen:
        assert add(port, "ether user-def 0x2 action 5") == last
    assert seen == [(SYNQF, 5 << 1 | 1)]
    assert "User-defined: 0x2 mask: 0x0" in rules(port)
    with traced(port.vm, WRITE) as seen:
        add(port, f"ether user-def 0x2 action 3 loc {last}")
        port.sh(f"ethtool -N $N delete {last}")
    assert seen == [(SYNQF, 0), (SYNQF, 3 << 1 | 1), (SYNQF, 0)]


def test_readback(port):
    """Rules are shown as they were given, one by one and all together."""
    shown = {"tcp4 src-ip 192.0.2.9 dst-port 80 action 5 loc 9":
             ["Filter: 9", "Rule Type: TCP over IPv4", "Src IP addr: 192.0.2.9 mask: 0.0.0.0",
              "Dest IP addr: 0.0.0.0 mask: 255.255.255.255", "Src port: 0 mask: 0xffff",
              "Dest port: 80 mask: 0x0", "Action: Direct to queue 5"],
             "ether proto 0x88b6 action 3 loc 2":
             ["Filter: 2", "Flow Type: Raw Ethernet", "Ethertype: 0x88B6 mask: 0x0", "Action: Direct to queue 3"],
             "ip4 dst-ip 10.9.8.7 l4proto 47 action 0":
             ["Filter: 0", "Rule Type: Raw IPv4", "Protocol: 47 mask: 0x0", "Dest IP addr: 10.9.8.7 mask: 0.0.0.0",
              "Action: Direct to queue 0"]}
    for spec, lines in shown.items():
        location = add(port, spec)
        one = port.sh(f"ethtool -n $N rule {location}")
        assert all(line in one for line in lines), one
        assert one.strip() in rules(port)
    assert sorted(locations(port)) == [0, 2, 9] and "Total 3 rules" in rules(port)


def test_full(port):
    """Each kind has its filters, and a rule too many changes nothing; a place set free can be had again."""
    etypes, tuples = port.limits.rules
    for n in range(etypes):
        add(port, f"ether proto {0x9100 + n:#x} action {n % 8}")
    for n in range(tuples):
        add(port, f"tcp4 dst-port {1000 + n} action {n % 8}")
    add(port, "ether user-def 0x2 action 1")
    full, regs = rules(port), etqf(port)
    assert len(locations(port)) == etypes + tuples + 1
    with traced(port.vm, WRITE) as seen:
        for more in ("ether proto 0x9200 action 0", "tcp4 dst-port 9 action 0", "ether user-def 0x2 action 2",
                     f"ether proto 0x9200 action 0 loc {etypes}"):
            port.vm.run(f"ethtool -N {port.name} flow-type {more} && exit 1; true")
    assert (rules(port), etqf(port), seen) == (full, regs, [])
    port.sh("ethtool -N $N delete 3")
    assert add(port, "ether proto 0x9200 action 6") == 3
    assert etype_filter(0x9200, 6) in etqf(port)


# A rule, and a word of the reason in the kernel's log
BAD = {"ether proto 0x800 action 1": "IP packets", "ether proto 0x86dd action 1": "IP packets",
       "ether proto 0x8100 action 1": "VLAN", "ether proto 0x100 action 1": "length",
       "ether proto 0x88b6 m 0xff action 1": "EtherType", "ether action 1": "EtherType",
       "ether dst 02:00:00:00:00:01 action 1": "MAC", "ether src 02:00:00:00:00:01 proto 0x88b6 action 1": "MAC",
       "ether proto 0x88b6 vlan 5 action 1": "VLAN", "tcp4 dst-port 80 vlan 5 action 1": "VLAN",
       "tcp4 dst-port 80 dst-mac 02:00:00:00:00:01 action 1": "MAC",
       "ether proto 0x88b6 action 8": "queue", "tcp4 dst-port 80 action 100": "queue",
       "ether proto 0x88b6 action -1": "drop", "tcp4 dst-port 80 action -1": "drop",
       "ether proto 0x88b6 vf 1 queue 0": "queue",
       "ether proto 0x88b6 action 1 loc 99": "location", "ether proto 0x88b6 action 1 loc 14": "location",
       "ether user-def 0x2 action 1 loc 3": "location", "ether user-def 0x12 action 1": "user-def",
       "ether proto 0x88b6 user-def 0x2 action 1": "user-def", "tcp4 user-def 0x2 action 1": "user-def",
       "tcp4 src-ip 10.0.0.0 m 0.0.0.255 action 1": "addresses", "udp4 dst-port 80 m 0xff action 1": "ports",
       "tcp4 tos 4 action 1": "TOS", "ip4 tos 4 action 1": "TOS", "ip4 l4data 80 action 1": "ports",
       "ip4 action 1": "nothing", "tcp6 dst-port 80 action 1": "IPv6", "ip6 action 1": "IPv6",
       "ah4 src-ip 10.0.0.1 action 1": "flow type"}


def test_refused(port):
    """A rule the chip cannot keep is refused with a reason; neither rules nor registers change."""
    add(port, "ether proto 0x88b6 action 3 loc 3")
    add(port, "tcp4 dst-port 7 action 3 loc 4")
    before, regs, bad = rules(port), etqf(port), {**BAD, "ether proto 0x88b6 action 1 loc 5": ""}
    with traced(port.vm, WRITE) as seen:
        took = port.sh("".join(f"echo rule-{n} > /dev/kmsg; ! ethtool -N $N flow-type {spec} 2>/dev/null || echo {n};"
                               for n, spec in enumerate(bad)))
    assert not took, [[*bad][int(n)] for n in took.split()]
    reasons = re.split(r"rule-\d+\n", port.sh("dmesg | tac | sed '/rule-0$/q' | tac"))[1:]
    assert not (wrong := [(spec, said) for (spec, word), said in zip(bad.items(), reasons, strict=True)
                          if word not in said]), wrong
    port.vm.run(f"ethtool -N {port.name} delete 5 && exit 1; ethtool -n {port.name} rule 5 && exit 1; true")
    assert (rules(port), etqf(port), seen) == (before, regs, [])


def test_kept(port):
    """Rules are there after new rings, other channels, down and up; channels they need cannot go."""
    spec = "udp4 dst-ip 192.0.2.1 dst-port 53 action 3"
    add(port, "ether proto 0x88b6 action 2")
    add(port, spec)
    add(port, "ether user-def 0x2 action 1")
    before, regs = rules(port), etqf(port)

    def kept(change):
        with traced(port.vm, WRITE) as seen:
            port.sh(change)
        assert (re.sub(".*RX rings.*", "", rules(port)), etqf(port)) == (re.sub(".*RX rings.*", "", before), regs), change
        return dict(seen)

    kept("ethtool -G $N rx 1024; ethtool -G $N rx 256")
    kept("ip link set $N mtu 4000; ip link set $N mtu 1500")
    kept("ethtool -L $N combined 4; ethtool -L $N combined 8")
    refused = port.vm.run(f"ethtool -L {port.name} combined 3", check=False)
    assert refused.rc and "ntuple" in refused.err
    written = kept("ip link set $N down; ip link set $N up")
    assert written.items() >= tuple_filter(0, spec, 7).items() and written[SYNQF] == 1 << 1 | 1
    assert all(written[FTQF + 4 * n] == OFF for n in range(1, 7))
    port.sh("ip link set $N down; ethtool -N $N delete 1; ethtool -N $N flow-type tcp4 dst-port 99 action 6")
    with traced(port.vm, WRITE) as seen:
        port.sh("ip link set $N up")
    assert dict(seen).items() >= tuple_filter(0, "tcp4 dst-port 99 action 6", 7).items()


def test_off(port):
    """Switching the feature off removes all rules; none can be made until it is on."""
    add(port, "ether proto 0x88b6 action 2")
    add(port, "tcp4 dst-port 9 action 2")
    with traced(port.vm, WRITE) as seen:
        port.sh("ethtool -K $N ntuple off")
    assert "Total 0 rules" in rules(port) and not any(etqf(port)) and dict(seen)[FTQF] == OFF
    port.vm.run(f"ethtool -N {port.name} flow-type tcp4 dst-port 9 action 2 && exit 1; true")
    port.sh("ethtool -K $N ntuple on")
    assert "Total 0 rules" in rules(port)
    assert add(port, "tcp4 dst-port 9 action 2") == 0


READER = """import os, socket, sys
server = socket.create_server(("10.0.0.1", 4000))
if os.fork() == 0:
    os.setns(os.open("/run/netns/peer", os.O_RDONLY))
    end = socket.socket()
    end.bind(("10.0.0.2", int(sys.argv[1])))
    end.connect(("10.0.0.1", 4000))
    while data := end.recv(100):
        end.sendall(data)
    os._exit(0)
conn = server.accept()[0]
for cpu in sys.argv[2:]:
    os.sched_setaffinity(0, {int(cpu)})
    for _ in range(50):
        conn.sendall(b"?")
        conn.recv(100)
conn.close()
os.wait()
"""


def flow(sport, queue):
    return f"tcp4 src-ip 10.0.0.2 dst-ip 10.0.0.1 src-port {sport} dst-port 4000 action {queue}"


@pytest.fixture
def arfs(pair):
    """A port with RFS, with a queue near each CPU and all flows on queue 0; yields sh(script)."""
    vm, dev = pair.vm, pair.dev
    if not CHIPS[vm.nics[1].model].rules:
        pytest.skip("no filters")

    def sh(script, **kw):
        return vm.run(f"set -e; N={dev}; rfs() {{ for f in /sys/class/net/$N/queues/rx-*/rps_flow_cnt; do"
                      f" echo $1 > $f; done; }}; {script}", **kw).out

    sh("echo 32768 > /proc/sys/net/core/rps_sock_flow_entries; ethtool -L $N combined 4; ethtool -X $N equal 1;"
       "rfs 4096")
    yield sh
    sh("rfs 0; echo 0 > /proc/sys/net/core/rps_sock_flow_entries; ethtool -K $N ntuple off; ethtool -K $N ntuple on;"
       "ethtool -L $N combined 4; ethtool -X $N default")


def test_arfs(pair, arfs):
    """A flow gets a filter to the queue near its reader, follows it, and gives it back; rules go first."""
    def converse(sport, *cpus):
        """What is written while the reader of a flow moves from CPU to CPU."""
        with traced(pair.vm, WRITE) as seen:
            pair.vm.python(READER, sport, *cpus)
        return seen

    seen = converse(5001, 2, 3)
    if [int(n) for n in pair.vm.run("uname -r").out.split(".")[:2]] < [6, 15]:
        assert not seen
        return
    want = [*tuple_filter(0, flow(5001, 2), 0).items(), *tuple_filter(0, flow(5001, 3), 0).items()]
    assert Counter(seen) >= Counter(want) and dict(seen) == dict(want[6:]), seen

    # After a reset it is there again; a second flow gets a filter of its own
    with traced(pair.vm, WRITE) as seen:
        arfs("ip link set $N down; ip link set $N up; ip addr replace fd00::1/64 dev $N nodad")
    pair.vm.carrier(pair.dev)
    assert dict(seen).items() >= tuple_filter(0, flow(5001, 3), 0).items()
    assert dict(converse(5002, 2)) == tuple_filter(1, flow(5002, 2), 0)

    # The CPU of the interrupt decides which queue is near
    irqs = arfs("ls /sys/class/net/$N/device/msi_irqs | sort -n | tail -n +2").split()
    arfs(f"echo 2 > /proc/irq/{irqs[3]}/smp_affinity")
    assert dict(converse(5003, 1)) == tuple_filter(2, flow(5003, 3), 0)
    arfs("".join(f"echo {1 << n:x} > /proc/irq/{irqs[n]}/smp_affinity;" for n in range(4)))

    # Fewer channels, flows that have ended
    with traced(pair.vm, WRITE) as seen:
        arfs("ethtool -L $N combined 3")
    assert sorted(seen) == [(FTQF, OFF), (FTQF + 8, OFF)]
    with traced(pair.vm, WRITE) as seen:
        arfs("rfs 0; sleep 2.5")
    assert seen == [(FTQF + 4, OFF)]

    # A rule claims a flow; rules take what RFS had
    arfs("rfs 4096; ethtool -N $N flow-type tcp4 dst-port 4000 src-port 5004 action 1")
    assert converse(5004, 2) == []
    assert dict(converse(5005, 2)) == tuple_filter(1, flow(5005, 2), 0)
    with traced(pair.vm, WRITE) as seen:
        arfs("for i in 1 2 3 4 5 6; do ethtool -N $N flow-type udp4 dst-port $i action 1; done")
    assert [entry for entry in seen if entry[1] == OFF] == [(FTQF + 4, OFF)]
    assert converse(5006, 2) == []
