# SPDX-License-Identifier: GPL-2.0-only
"""What ethtool shows and does besides settings: statistics, self-test, NVM, LEDs, wake-up, loopback, registers."""
import re
import struct
import time
from types import SimpleNamespace

import pytest

from chips import CHIPS
from conftest import drop, shared_vm
from oracle import BUCKETS, histogram, payload, qemu_received
from util import eventually, explained

pytestmark = pytest.mark.vm(cmdline="iomem=relaxed")

OURS, WIRE = bytes.fromhex("525400123401"), bytes.fromhex("020000000001")
BROADCAST, MULTICAST, TYPE = b"\xff" * 6, bytes.fromhex("01005e000001"), b"\x88\xb5"

# Print what comes to a port, a frame a line; send first what is given
FRAMES = """
import socket, sys
dev, count, wait, *out = sys.argv[1:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
s.bind((dev, 0x88b5))
s.settimeout(float(wait))
open("/tmp/ready", "w").close()
for f in out: s.send(bytes.fromhex(f))
try:
    while int(count) > 0:
        data, addr = s.recvfrom(65536)
        if addr[2] != socket.PACKET_OUTGOING:
            print(data.hex())
            count = int(count) - 1
except TimeoutError:
    pass
"""


def frame(to, size, seed=0, source=WIRE):
    return to + source + TYPE + payload(size - 14, seed)


class Port:
    """NIC 0, on the wire, quiet."""

    def __init__(self, vm):
        self.vm, self.dev, self.limits = vm, vm.netdev(0), CHIPS[vm.nics[0].model]
        self.sh(f"sysctl -qw net.ipv6.conf.$D.disable_ipv6=1; ip link set $D up")
        vm.carrier(self.dev)
        self.wire = vm.wire("a")

    def run(self, script, **kw):
        return self.vm.run(f"D={self.dev} H=/ignis/qemu/guest; " + script, **kw)

    def sh(self, script, **kw):
        return self.run("set -e; " + script, **kw).out

    def counters(self):
        """Groups, ethtool -S, and the link's own counters."""
        text = self.sh("ethtool -S $D --all-groups; ethtool -S $D; ethtool -I -a $D | grep frames:;"
                       "grep -H . /sys/class/net/$D/statistics/* | sed 's/.*statistics.//'")
        return {k: int(v) for k, v in re.findall(r"^\s*([\w-]+): ?(\d+)$", text, re.M)}

    def grown(self, before):
        return {k: v - before[k] for k, v in self.counters().items() if v != before[k] and "usecs" not in k}

    def histogram(self, grown, way):
        return [grown.get(f"{way}-rmon-etherStatsPkts{low}to{high}Octets", 0) for low, high in BUCKETS]

    def receive(self, sent, count=None, wait=1.5):
        """Send frames into the port; what the stack got of them (up to count)."""
        self.sh("rm -f /tmp/ready")
        count = len(sent) if count is None else count
        job = self.vm.start(f"python3 - {self.dev} {count} {wait}", stdin=FRAMES)
        self.sh("until [ -e /tmp/ready ]; do sleep .05; done")
        self.wire.send(sent)
        return [bytes.fromhex(f) for f in job.wait().out.split()]

    def transmit(self, frames, count=0, wait=1):
        """Send frames out of the port; what came back to it."""
        words = " ".join(f.hex() for f in frames)
        out = self.run(f"python3 - $D {count} {wait} {words}", stdin=FRAMES).out
        return [bytes.fromhex(f) for f in out.split()]

    def reg(self, offset):
        return int(self.sh(f"python3 $H/regs.py $D {offset:#x}"), 16)


@pytest.fixture
def port(vm):
    return Port(vm)


# Statistics

SIZES = [60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514]


@pytest.mark.parametrize("fcs", [False, True], ids=["", "fcs"])
def test_groups_receive(port, fcs):
    """Frames of known sizes and kinds: every group, and ip -s link, count exactly these."""
    kinds = [OURS, BROADCAST, MULTICAST]
    sent = [frame(kinds[n % 3], size, n) for n, size in enumerate(SIZES)]
    port.sh(f"ip link set $D allmulticast on; ethtool -K $D rx-fcs {'on' if fcs else 'off'}")
    try:
        before = port.counters()
        got = port.receive(sent)
        grown = port.grown(before)
    finally:
        port.sh("ip link set $D allmulticast off; ethtool -K $D rx-fcs off")
    tail = 4 if fcs else 0
    assert [f[:-4] if fcs else f for f in got] == sent
    assert [len(f) for f in got] == [size + tail for size in SIZES]
    lengths = [size + 4 for size in SIZES]
    assert port.histogram(grown, "rx") == histogram(qemu_received(lengths, fcs))
    assert grown.pop("eth-mac-FramesReceivedOK") == grown.pop("rx_packets") == len(sent)
    assert grown.pop("eth-mac-OctetsReceivedOK") == sum(lengths)
    assert grown.pop("rx_bytes") == sum(SIZES) + tail * len(SIZES)
    assert grown.pop("eth-mac-MulticastFramesReceivedOK") == grown.pop("multicast") == len(sent[2::3])
    assert grown.pop("eth-mac-BroadcastFramesReceivedOK") == len(sent[1::3])
    rest = [k for k in grown if not re.match("rx-rmon|rx_nohandler", k)]
    assert not rest, grown


def test_groups_transmit(port):
    kinds = [WIRE, BROADCAST, MULTICAST]
    sent = [frame(kinds[n % 3], size, n, OURS) for n, size in enumerate(SIZES)]
    port.wire.clear()
    before = port.counters()
    port.transmit(sent)
    got = port.wire.recv(len(sent), match=lambda f: f[12:14] == TYPE)
    grown = port.grown(before)
    assert sorted(got) == sorted(sent)
    assert port.histogram(grown, "tx") == histogram([size + 4 for size in SIZES])
    assert grown["eth-mac-FramesTransmittedOK"] == grown["tx_packets"] == len(sent)
    assert grown["eth-mac-OctetsTransmittedOK"] == sum(SIZES) + 4 * len(SIZES)
    assert grown["tx_bytes"] == sum(SIZES)
    assert grown["eth-mac-BroadcastFramesXmittedOK"] == len(sent[1::3])
    assert grown["eth-mac-MulticastFramesXmittedOK"] == len(sent[2::3])
    assert not [k for k in grown if "rror" in k or "ollision" in k or "drop" in k], grown


def test_groups_bad_frames(port):
    """Too short is no error (QEMU fills it up); too long is one, in every place that shows it."""
    before = port.counters()
    assert len(port.receive([frame(OURS, 40)])) == 1
    grown = port.grown(before)
    assert grown["rmon-etherStatsUndersizePkts"] == 1 and "rx_errors" not in grown
    before = port.counters()
    assert port.receive([frame(OURS, 1700)], 1, .5) == []
    grown = port.grown(before)
    if port.limits.longest:             # QEMU's igb does not count it
        assert not grown, grown
    else:
        want = {"rmon-etherStatsOversizePkts": 1, "eth-mac-FrameTooLongErrors": 1,
                "rx_length_errors": 1, "rx_errors": 1}
        assert eventually(lambda: port.grown(before) == want), port.grown(before)


def test_counted_once(port):
    """No exchange of rings, reset or self-test, up or down, loses a count or makes one."""
    sent = [frame(OURS, 100 + n, n) for n in range(20)]
    before = port.counters()
    for between in ("ethtool -G $D rx 512", "ethtool -t $D offline | grep PASS",
                    "ip link set $D down; ethtool -t $D offline | grep PASS; ip link set $D up", ":"):
        assert len(port.receive(sent)) == len(sent)
        port.sh(between)
        port.vm.carrier(port.dev)
    grown = port.grown(before)
    port.sh("ethtool -G $D rx 256")
    assert grown["eth-mac-FramesReceivedOK"] == grown["rx_packets"] == 4 * len(sent)
    assert grown["eth-mac-OctetsReceivedOK"] == 4 * sum(len(f) + 4 for f in sent)
    assert "eth-mac-FramesTransmittedOK" not in grown, "the self-test's frames were counted"


def test_groups_complete(port):
    """All groups are there, pause statistics agree with eth-ctrl, no name of a group or of qstats is in plain -S."""
    seen = port.counters()
    for name in ("eth-phy-SymbolErrorDuringCarrier", "eth-ctrl-MACControlFramesTransmitted",
                 "eth-ctrl-MACControlFramesReceived", "eth-mac-FrameCheckSequenceErrors",
                 "rmon-etherStatsJabbers", "tx_pause_frames", "rx_pause_frames"):
        assert name in seen, name
    assert seen["tx_pause_frames"] == seen["eth-ctrl-MACControlFramesTransmitted"]
    plain = re.findall(r"^\s+(\w+):", port.sh("ethtool -S $D"), re.M)
    assert plain and not [n for n in plain if re.search("crc|align|symbol|xon|xoff|collision|undersize|jabber|packets|bytes|csum|alloc|wake", n)]


def test_link_down_events(port):
    def events():
        return int(re.search(r"Link Down Events: (\d+)", port.sh("ethtool -I $D"))[1])
    before = events()
    port.vm.link(0, False)
    try:
        assert eventually(lambda: events() == before + 1)
    finally:
        port.vm.link(0, True)
    port.vm.carrier(port.dev)
    assert events() == before + 1


# What comes in

def test_rx_all(port):
    """Frames of any length, here with FCS, into buffers that hold them; not any more when it is off."""
    long = [frame(OURS, size, size) for size in (1600, 2047, 2048, 3000, 9000, 1800)]
    short = [frame(OURS, 200, 1)]
    assert port.receive(long + short, 2, .7) == short
    port.sh("ethtool -K $D rx-all on rx-fcs on")
    try:
        got = port.receive(long + short)
    finally:
        port.sh("ethtool -K $D rx-all off rx-fcs off")
    assert [f[:-4] for f in got] == long + short
    assert port.receive(long + short, 2, .7) == short


def test_loopback(port):
    """What is sent comes back and does not leave; through exchange of rings, down and up, until it is off."""
    out = [frame(BROADCAST, 60 + 200 * n, n, OURS) for n in range(6)]
    port.wire.clear()
    port.sh("ethtool -K $D loopback on")
    try:
        assert "loopback: on" in port.sh("ethtool -k $D")
        for change in ("ethtool -G $D rx 1024", "ip link set $D down; ip link set $D up"):
            port.sh(change)
            port.vm.carrier(port.dev)
            assert eventually(lambda: port.transmit(out[:1], 1, .3)), f"nothing came back after {change}"
            port.wire.drain()
            assert sorted(port.transmit(out, len(out))) == sorted(out)
            assert not port.wire.drain(), "frames left the port"
    finally:
        port.sh("ethtool -K $D loopback off; ethtool -G $D rx 256")
    time.sleep(.7)
    port.vm.carrier(port.dev)
    assert port.transmit(out, 1, .3) == []
    assert sorted(port.wire.recv(len(out), match=lambda f: f[12:14] == TYPE)) == sorted(out)


# Self-test

def results(text):
    return {k.strip(): int(v) for k, v in re.findall(r"^([\w() ]+?)\s+(\d+)$", text, re.M)}


def test_self_test(port):
    """Online nothing happens to the port; offline: test_counted_once."""
    changes = "cat /sys/class/net/$D/carrier_changes"
    before = port.sh(changes)
    text = port.sh("ethtool -t $D online")
    found = results(text)
    assert "PASS" in text and not any(found.values()) and len(found) == 4 + port.limits.loops, text
    assert port.sh(changes) == before


def test_self_test_fails(port):
    """No cable is a fault; so is a wrong word in the NVM."""
    port.vm.link(0, False)
    try:
        result = port.run("ethtool -t $D online", check=False)
    finally:
        port.vm.link(0, True)
    assert result.rc and "FAIL" in result.out and results(result.out)["Link"] == 1, result
    port.vm.carrier(port.dev)
    if not port.limits.nvm_write:
        return
    eewr, word = "0x102c", 0x3e << 2 | 1
    port.sh(f"python3 $H/regs.py $D {eewr} 0 {0x1234 << 16 | word:#x}")
    result = port.run("ethtool -t $D online", check=False)
    port.sh(f"python3 $H/regs.py $D {eewr} 0 {0xffff << 16 | word:#x}")
    assert result.rc and results(result.out)["NVM checksum"] == 1, result
    assert "PASS" in port.sh("ethtool -t $D online")


def test_self_test_under_traffic(pair):
    """Offline in the middle of it: the port comes back as it was, and the connection goes on."""
    vm, dev = pair.vm, pair.dev
    state = (f"for o in -g -l -c -k -x -a; do ethtool $o {dev}; done; ip -4 addr show {dev}; ip route show dev {dev};"
             f"cat /sys/class/net/{dev}/mtu")
    vm.run(f"ethtool -G {dev} rx 512 tx 128; ip netns exec {pair.ns} iperf3 -s -D; sleep .3")
    before = vm.run(state).out
    job = vm.start(f"exec iperf3 -J -t 4 -c {pair.peer_ip}")
    vm.run("sleep 1")
    text = vm.run(f"ethtool -t {dev} offline").out
    assert "PASS" in text, text
    vm.carrier(dev)
    assert re.sub("[RT]X negotiated.*", "", vm.run(state).out) == re.sub("[RT]X negotiated.*", "", before)
    assert '"error"' not in job.wait(timeout=60).out
    assert eventually(lambda: " 0% packet loss" in vm.run(f"ping -c 3 -i .1 {pair.peer_ip}", check=False).out)
    vm.run(f"ethtool -G {dev} rx 256 tx 256; pkill iperf3")


# NVM

def nvm(port):
    text = port.sh("ethtool -e $D raw on | od -An -v -tx1")
    return bytes.fromhex(text.replace(" ", "").replace("\n", ""))


def test_nvm(port):
    """Read whole and in parts; written by odd bytes, with a checksum that stays right; bad requests change nothing."""
    image = nvm(port)
    words = struct.unpack("<64H", image[:128])
    assert len(image) == port.limits.nvm and sum(words) & 0xffff == 0xbaba and image[:6] == OURS
    assert port.sh("ethtool -e $D raw on offset 3 length 4 | od -An -tx1").split() == [f"{b:02x}" for b in image[3:7]]
    magic = "0x" + port.sh("cat /sys/class/net/$D/device/device")[2:6] + "8086"
    for bad in (f"magic 0x12348086 offset 13 value 0x5a", f"magic {magic} offset {len(image)} value 1",
                "offset 13 value 0x5a"):
        assert port.run(f"ethtool -E $D {bad}", check=False).rc and nvm(port) == image, bad
    write = f"printf '\\x5a\\xa5\\x3c' | ethtool -E $D magic {magic} offset 13 length 3"
    if not port.limits.nvm_write:       # QEMU's igb does not let go of the bus
        assert port.run(write, check=False).rc and nvm(port) == image
        return
    port.sh(write)
    changed = nvm(port)
    assert changed[:13] == image[:13] and changed[13:16] == b"\x5a\xa5\x3c" and changed[16:126] == image[16:126]
    assert sum(struct.unpack("<64H", changed[:128])) & 0xffff == 0xbaba and changed[126:128] != image[126:128]
    for n in range(13, 16):
        port.sh(f"ethtool -E $D magic {magic} offset {n} value {image[n]}")
    assert nvm(port) == image


# LEDs, registers

WATCH = """
import mmap, os, sys, time
fd = os.open(f"/sys/class/net/{sys.argv[1]}/device/resource0", os.O_RDWR | os.O_SYNC)
bar = memoryview(mmap.mmap(fd, os.fstat(fd).st_size)).cast("I")
seen, end = [], time.time() + 20
while time.time() < end:
    value = bar[0xe00 // 4] & 0x0f0f0f
    seen += [value] if value not in seen else []
    if len(seen) >= 3 and value == seen[0]: break
    time.sleep(.01)
print(*seen)
"""


def test_identify(port):
    """All LEDs go on and off, then are the chip's again."""
    watch = port.vm.start(f"python3 - {port.dev}", stdin=WATCH)
    ledctl = port.reg(0xe00)
    port.sh("ethtool -p $D 2")
    seen = [int(v) for v in watch.wait().out.split()]
    assert sorted(seen) == sorted([ledctl & 0x0f0f0f, 0x0e0e0e, 0x0f0f0f]) and port.reg(0xe00) == ledctl, seen


def test_register_decoder(port):
    """tools/regs has a name for every register that is dumped, and the fields of those that matter."""
    raw = port.sh("ethtool -d $D raw on | od -An -v -tx4 -w4").split()
    text = port.sh("/ignis/tools/regs $D")
    lines = [line.split() for line in text.splitlines()]
    assert sorted(int(n, 16) for n in raw[::2]) == [int(line[0], 16) for line in lines]
    assert len({line[1] for line in lines}) == len(lines) and not [line for line in lines if line[1] == "?"]
    fields = {line[1]: line[3:] for line in lines}
    assert {"LU", "FD"} <= set(fields["STATUS"]) and {"RXEN", "BAM", "SECRC"} <= set(fields["RCTL"])
    assert "EN" in fields["TCTL"] and "IP_CSUM" not in text
    port.sh("ethtool -d $D raw on > /tmp/a; ethtool -K $D rx-fcs on; ethtool -d $D raw on > /tmp/b;"
            "ethtool -K $D rx-fcs off")
    changed = [line.split()[1] for line in port.sh("/ignis/tools/regs /tmp/a /tmp/b").splitlines()]
    assert "RCTL" in changed and len(changed) < 20, changed


MII = """
import fcntl, socket, struct, sys
def ioctl(request, phy, reg):
    ifr = struct.pack("16s4H8x", sys.argv[1].encode(), phy, reg, 0, 0)
    return struct.unpack("16s4H8x", fcntl.ioctl(socket.socket(), request, ifr))
phy = ioctl(0x8947, 0, 0)[1]
print(*[hex(ioctl(0x8948, phy, reg)[4]) for reg in (1, 1, 2)], sep="\\n")
"""


def test_mii(port):
    """The registers of the PHY by the old ioctls: its status with a link, whose it is."""
    _, status, maker = port.vm.start(f"python3 - {port.dev}", stdin=MII).wait().out.split()
    assert int(status, 16) & 0x24 == 0x24
    assert maker == {"igb": "0x2a8", "e1000e": "0x141"}[port.vm.nics[0].model]


# Moderation of one queue

def test_queue_moderation(port):
    top = port.limits

    def show(queue):
        text = port.sh(f"ethtool --per-queue $D queue_mask {1 << queue:#x} --show-coalesce")
        return re.search(r"Adaptive RX: (\w+)", text)[1], int(re.search(r"^rx-usecs:\s+(\d+)", text, re.M)[1])

    before = show(0)
    port.sh("ethtool -L $D combined 2;"
            "ethtool --per-queue $D queue_mask 0x2 --coalesce adaptive-rx off rx-usecs 77")
    try:
        for change in (":", "ethtool -G $D rx 512", "ip link set $D down; ip link set $D up"):
            port.sh(change)
            assert show(0) == before and show(1) == ("off", 77), change
            assert abs((port.reg(top.eitr + 8) & 0x7fff) * top.eitr_unit - 77000) < 300, change
        assert re.search(r"rx_queue_1_irq_usecs: 77$", port.sh("ethtool -S $D"), re.M)
        for bad in ("0x2 --coalesce rx-usecs 9999", "0x4 --coalesce rx-usecs 5", "0x2 --coalesce tx-usecs 5",
                    "0x6 --coalesce adaptive-rx off rx-usecs 5"):
            # The tool's exit status is 0 all the same
            assert "annot" in port.run(f"ethtool --per-queue $D queue_mask {bad}", check=False).err, bad
            assert show(0) == before and show(1) == ("off", 77), bad
    finally:
        port.sh(f"ethtool -G $D rx 256; ethtool --per-queue $D queue_mask 0x2 --coalesce adaptive-rx "
                f"{before[0]} rx-usecs {before[1]}; ethtool -L $D combined {min(4, top.queues)}")
    assert show(0) == show(1) == before
    port.vm.carrier(port.dev)


# What there is not, and wake-up

def test_not_supported(port):
    for verb in ("-m $D", "--show-eee $D", "--set-eee $D eee on", "--show-fec $D", "--set-fec $D encoding rs",
                 "--show-priv-flags $D", "--reset $D all", "--show-mm $D"):
        result = port.run(f"ethtool {verb}", check=False)
        assert result.rc and "not supported" in result.out + result.err, result


def test_wake_on_lan(port):
    def wol():
        return re.findall(r"Wake-on: (\w+)", port.sh("ethtool $D"))
    assert wol() == ["pumbg", "d"]
    for chosen in ("g", "pumbg", "ub", "d"):
        port.sh(f"ethtool -s $D wol {chosen}")
        assert sorted(wol()[1]) == sorted(chosen)
        assert port.sh("cat /sys/class/net/$D/device/power/wakeup").strip() == (
            "disabled" if chosen == "d" else "enabled")
    for bad in ("a", "s", "f", "ga"):
        result = port.run(f"ethtool -s $D wol {bad}", check=False)
        assert result.rc and explained(result.err) and wol()[1] == "d", result


def test_wake_up_armed(machine):
    """Last, as it ends the guest: what the chip is told at shutdown."""
    vm = shared_vm(machine, {"cmdline": "iomem=relaxed"})
    port = Port(vm)
    bar = int(port.sh("head -1 /sys/class/net/$D/device/resource").split()[0], 16)
    port.sh("ip link set $D address 02:00:00:00:be:ef; ethtool -s $D wol umg; dmesg -n 7")
    vm.keep_coverage()
    mark = vm.log.stat().st_size
    vm.start("exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0xcdef0123 - (1 << 32))'")
    assert eventually(lambda: b"reboot: System halted" in vm.log.read_bytes()[mark:], 60)

    def peek(offset):
        return int(vm.hmp(f"xp /1wx {bar + offset:#x}").split(":")[1], 16)

    found = SimpleNamespace(wuc=peek(0x5800), wufc=peek(0x5808), rctl=peek(0x100), ral=peek(0x5400))
    drop(vm)
    assert found.wuc & 2 and found.wufc == 0b1110, found        # PME, magic, exact, multicast
    assert found.rctl & 0x8012 == 0x8012 and found.ral == 0x02, found
