# SPDX-License-Identifier: GPL-2.0-only
"""The hardware clock, hardware timestamps, and two ports brought to one time with them.

QEMU's e1000e has the clock but takes no timestamps. Its latch for sent frames is played here.
"""
import json
import re

import pytest

from util import eventually, pair

V2_L2_SYNC, V2_L2_DELAY_REQ = 10, 11            # HWTSTAMP_FILTER_PTP_...

# What every program starts with: port A (dev, pci, clock, regs) and what differs by chip.
START = """
import errno, json, sys, time
sys.path.insert(0, "/ignis/qemu/guest")
from phc import *
dev, pci, rate, latch = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:5])
clock, regs = Clock(pci), Regs(pci)
SYSTIML, SYSTIMH, TIMINCA, TIMADJL, TIMADJH, TSYNCTXCTL, TXSTMPL, TXSTMPH = (
    0xb600, 0xb604, 0xb608, 0xb60c, 0xb610, 0xb614, 0xb618, 0xb61c)

def errno_of(call, *args, **kw):
    try:
        call(*args, **kw)
    except OSError as e:
        return errno.errorcode[e.errno]

def send(port, frame):
    "Send; where QEMU has no latch, put the time there a moment later."
    port.send(frame)
    if not latch:
        time.sleep(.05)
        regs[TXSTMPL] = regs[SYSTIML]
        regs[TXSTMPH] = regs[SYSTIMH]
        regs[TSYNCTXCTL] = regs[TSYNCTXCTL] | 1

def show(*what):
    print(json.dumps(what))
"""


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        yield both


@pytest.fixture
def latch(net):
    if not net.limits.ptp_latch:
        pytest.skip("QEMU's model of this chip takes no timestamps")


def run(net, program, nic=0, timeout=60):
    """Run a program on a port; what it shows last."""
    chip = net.limits
    dev, netns = (net.b, "peer") if nic else (net.a, None)
    out = net.vm.python(START + program, dev, net.vm.pci(nic), chip.ptp_rate, int(chip.ptp_latch),
                        timeout=timeout, netns=netns)
    return json.loads(out.splitlines()[-1])


def tx_stats(net):
    text = net.sh("ethtool -I -T $A")
    return {k: int(v) for k, v in re.findall(r"^\s+tx_(\w+): (\d+)$", text, re.M)}


def test_capabilities(net):
    """ethtool -T names the clock of each port, and what the chip can do and no more."""
    texts = [net.sh("ethtool -T $A"), net.sh("$P ethtool -T $B")]
    clocks = [int(re.search(r"(?:PTP Hardware Clock|Hardware timestamp provider index): (\d+)", t)[1]) for t in texts]
    assert clocks == [run(net, "show(clock.index)", nic)[0] for nic in (0, 1)] and len(set(clocks)) == 2
    words = set(texts[0].split())
    for word in ("hardware-transmit", "hardware-receive", "hardware-raw-clock", "software-transmit",
                 "ptpv1-l4-sync", "ptpv1-l4-delay-req", "ptpv2-event", "ptpv2-sync", "ptpv2-l2-sync"):
        assert word in words, f"{word} in {texts[0]}"
    assert not words & {"onestep-sync", "some", "ntp-all"}
    assert ("all" in words) == net.limits.ptp_all


def test_clock(net):
    """Starts with the system's time; is read, set, stepped; runs as fast as it is told."""
    first, monotonic, bracketed, jump, step, back, rates, refused = run(net, """
start = abs(clock.ns() - time.time_ns()) / 1e9 if rate == 1 else 0
reads = [clock.ns() for _ in range(200)]
samples = clock.offsets()
clock.set(1234567890 * 10**9)
jump = (clock.ns() - 1234567890 * 10**9) / 1e9
now = clock.ns(); clock.step(3600 * 10**9 + 5); step = (clock.ns() - now) / 1e9
now = clock.ns(); clock.step(-7200 * 10**9); back = (clock.ns() - now) / 1e9
rates = []
for ppb in (0, 100000000, -100000000, 0):
    clock.frequency(ppb)
    rates.append(clock.rate())
refused = [errno_of(clock.frequency, 5 * 10**8 + 9), errno_of(clock.frequency, -10**9),
           errno_of(fcntl.ioctl, clock.fd, PTP_ENABLE_PPS, 1)]
rates.append(clock.rate())
show(start, reads == sorted(set(reads)), all(b <= a for b, _, a in samples), jump, step, back, rates, refused)
""")
    assert first < 60 and monotonic and bracketed
    assert 0 <= jump < 1 and 3600 <= step < 3601 and -7200 <= back < -7199
    nominal = net.limits.ptp_rate
    for found, wanted in zip(rates, (1, 1.1, .9, 1, 1)):
        assert abs(found / nominal - wanted) < .02, rates
    assert refused == ["ERANGE", "ERANGE", "ENOTSUP"]


def test_settings(net):
    """Each filter is granted as itself or a wider one, or refused with nothing changed."""
    granted, refused = run(net, """
granted, refused = {}, []
hwtstamp(dev, 1, 12)
for rx in range(16):
    try:
        granted[rx] = hwtstamp(dev, 1, rx)[1]
        assert hwtstamp(dev) == (1, granted[rx])
        hwtstamp(dev, 1, 12)
    except OSError as e:
        refused.append((rx, errno.errorcode[e.errno]))
        assert hwtstamp(dev) == (1, 12)
for tx in (2, 3):
    refused.append((-tx, errno_of(hwtstamp, dev, tx, 12)))
    assert hwtstamp(dev) == (1, 12)
hwtstamp(dev, 0, 0)
show(granted, refused)
""")
    wanted = {0: 0, 4: 4, 5: 5, 6: 12, 7: 13, 8: 14, 9: 12, 10: 10, 11: 11, 12: 12, 13: 13, 14: 14}
    bad = [2, -2, -3]
    if net.limits.ptp_all:
        wanted |= {1: 1, 3: 1, 15: 1}
    else:
        bad += [1, 3, 15]
    assert {int(k): v for k, v in granted.items()} == wanted
    assert sorted(n for n, _ in refused) == sorted(bad) and {e for _, e in refused} == {"ERANGE"}


def test_sent(net):
    """A frame sent has the hardware's time; none when that is off; no frame waits for ever."""
    before = tx_stats(net)
    times, software, off, lost = run(net, """
hwtstamp(dev, 1, 0)
port, times = Port(dev), []
for seq in range(5):
    start = clock.ns(); send(port, event(SYNC, seq)); stamp = port.sent(); times.append((start, stamp and stamp[1], clock.ns()))

hwtstamp(dev, 0, 0)
both = Port(dev, TX_HW | TX_SW | SOFTWARE | RAW_HW | OPT_TSONLY)
both.send(event(SYNC, 9))
software = both.sent()
off = port.send(event(SYNC, 9)) or port.sent(.2)

# The latch is not filled: the first frame gives up after a second, the second one is turned away
hwtstamp(dev, 1, 0)
regs[TSYNCTXCTL] = 0
port.send(event(SYNC, 10)); port.send(event(SYNC, 11))
lost = [port.sent(2)]
regs[TSYNCTXCTL] = 0x10
send(port, event(SYNC, 12))
lost.append(port.sent())
hwtstamp(dev, 0, 0)
show(times, software, off, lost)
""")
    for start, stamp, end in times:
        assert stamp and start < stamp < end, times
    assert software[0] and not software[1] and off is None
    assert lost[0] is None and lost[1][1]
    grown = {k: v - before[k] for k, v in tx_stats(net).items()}
    assert grown == {"pkts": 6, "lost": 1, "err": 1}
    net.check()




def receive(net, rx, frames, dropped=0):
    """Send from B to A, 30 ms apart (None: a pause); whether each that arrives has a time, in order."""
    count = len([f for f in frames if f]) - dropped
    job = net.vm.start(f"cat > /tmp/rx.py; exec python3 /tmp/rx.py {net.a} {net.vm.pci(0)} 1 1", stdin=START + f"""
hwtstamp(dev, 0, {rx})
port, start = Port(dev), clock.ns()
open("/tmp/ready", "w").close()
found = [port.received(10) for _ in range({count})]
end = clock.ns()
hwtstamp(dev, 0, 0)
show(start, end, found)
""")
    net.wait("[ -e /tmp/ready ]")
    net.sh("rm /tmp/ready")
    run(net, f"""
port = Port(dev)
for frame in [{", ".join(map(str, frames))}]:
    frame and port.send(frame)
    time.sleep(.03 if frame else 2.6)
show()
""", nic=1)
    start, end, found = json.loads(job.wait().out)
    assert [f and f[1] for f in found] == list(range(count))
    for _, _, stamp in found:
        assert not stamp or start < stamp < end, found
    return [bool(stamp) for _, _, stamp in found]


def test_received(net, latch):
    """Frames the filter picks have the hardware's time, one after the other; others have none."""
    frames = [f"event({kind}, {n})" for n, kind in enumerate(["SYNC", "SYNC", "DELAY_REQ", "SYNC", "DELAY_REQ"])]
    assert receive(net, V2_L2_SYNC, frames) == [True, True, False, True, False]
    assert receive(net, V2_L2_DELAY_REQ, frames) == [False, False, True, False, True]
    net.check()


def test_received_and_dropped(net, latch):
    """A frame that was given the only latch and then dropped does not keep it for ever."""
    before = net.stats()
    frames = ["event(SYNC, 99, b'\\2\\0\\0\\0\\0\\x99')", "event(SYNC, 0)", None, "event(SYNC, 1)", "event(SYNC, 2)"]
    assert receive(net, V2_L2_SYNC, frames, dropped=1) == [False, True, True]
    assert net.grown(before)["rx_hwtstamp_cleared"] == 1


def test_reset(net):
    """Neither a change of rings nor down and up takes time, frequency or settings away."""
    changes = ["ethtool -G $A rx 1024", "ethtool -L $A combined 1", "ip link set $A down", "sleep .3",
               "ip link set $A up"]
    with net.restored():
        steps, backwards, kept, rate, stamp = run(net, f"""
import subprocess, threading
hwtstamp(dev, 1, 10)
clock.frequency(50000000)
clock.set(10**18)
before, kept, steps, backwards, done = regs[TIMINCA], [], [], 0, False

def watch():
    global backwards
    last = 0
    while not done:
        now = clock.ns()
        backwards += now < last
        last = now

thread = threading.Thread(target=watch)
thread.start()
for change in {[c.replace("$A", net.a) for c in changes]}:
    start = clock.ns(), time.monotonic_ns()
    subprocess.run(change, shell=True, check=True)
    steps.append((clock.ns() - start[0], time.monotonic_ns() - start[1]))
    kept.append(regs[TIMINCA] == before and hwtstamp(dev) == (1, 10))
done = True
thread.join()
speed = clock.rate()
for _ in range(100):
    if open(f"/sys/class/net/{{dev}}/carrier").read() == "1\\n":
        break
    time.sleep(.1)
port = Port(dev); send(port, event(SYNC, 1)); stamp = port.sent()
hwtstamp(dev, 0, 0)
clock.frequency(0)
show(steps, backwards, kept, speed, stamp)
""")
    fast = net.limits.ptp_rate * 1.05
    for clock, system in steps:         # the system's clock stands in while the chip is reset
        assert .98 * system - 2e6 < clock < 1.02 * fast * system + 2e6, steps
    assert not backwards and kept == [True] * len(changes)
    assert abs(rate / fast - 1) < .02 and stamp and stamp[1]


def test_overflow(net):
    """The counter wraps, and it goes on for longer than one multiplication can take."""
    wrapped, passed, wanted = run(net, """
def jump(ns):
    regs[TIMADJL] = ns
    regs[TIMADJH] = ns >> 32

hwtstamp(dev, 0, 12)            # the clock's worker runs every second now
low = regs[SYSTIML]
jump(2**64 - 10**9 - (regs[SYSTIMH] << 32 | low))
near = regs[SYSTIML], regs[SYSTIMH]
clock.set(10**18)
start = clock.ns(), time.monotonic_ns()
time.sleep(1.5)
for _ in range(2):
    jump(100 * 10**9)
    time.sleep(2)
end = clock.ns(), time.monotonic_ns()
low = regs[SYSTIML]
wrapped = near[1] == 2**32 - 1 and regs[SYSTIMH] < 2**31
hwtstamp(dev, 0, 0)
show(wrapped, (end[0] - start[0]) / 1e9, 200 + (end[1] - start[1]) * rate / 1e9)
""")
    assert wrapped and abs(passed - wanted) < .5


def test_ptp4l(net, latch):
    """Port A follows port B, whose clock is 1000 s ahead and 30 ppm fast."""
    run(net, "clock.set(time.time_ns() + 1000 * 10**9); clock.frequency(30000); show()", nic=1)
    common = ("-2 -m --tx_timestamp_timeout=500 --logSyncInterval=-4 --logMinDelayReqInterval=-4"
              " --logAnnounceInterval=-2 --summary_interval=-5")
    server = net.start(f"exec $P ptp4l -i $B {common} --uds_address=/run/ptp-s --uds_ro_address=/run/ptp-so"
                       " --serverOnly=1")
    client = None
    try:
        assert eventually(lambda: "assuming the grand" in server.output()), server.output()
        # QEMU looks for one type of message also where the chip takes all: here Delay_Req
        run(net, "regs[0x5f50] = 0x100; show()", nic=1)
        client = net.start(f"exec ptp4l -i $A {common} --uds_address=/run/ptp-c --uds_ro_address=/run/ptp-co"
                           " --clientOnly=1 --step_threshold=0.001")

        def synchronised():
            offsets = re.findall(r"offset\s+(-?\d+) s2", client.output())[-16:]
            return len(offsets) == 16 and sorted(abs(int(n)) for n in offsets)[12] < 50000

        assert eventually(synchronised, 25), server.output()[-1000:] + client.output()[-1000:]
        other, = run(net, f"""
other, apart = Clock({net.vm.pci(1)!r}), []
for _ in range(50):
    (b1, a, e1), (b2, b, e2) = clock.offsets(1)[0], other.offsets(1)[0]
    apart.append((e2 - b1, b - a - ((b2 + e2) - (b1 + e1)) / 2))
show(min(apart)[1])
""")
        assert abs(other) < 500000, "ptp4l says so, but the clocks differ"
    finally:
        for job in (client, server):
            if job:
                job.stop()
        net.sh("hwstamp_ctl -i $A -t 0 -r 0; $P hwstamp_ctl -i $B -t 0 -r 0")


def test_unload(net):
    """The driver goes while a program has the clock open and a frame waits for its time."""
    net.sh("rm -f /tmp/ready /tmp/go")
    job = net.vm.start(f"cat > /tmp/held.py; exec python3 /tmp/held.py {net.a} {net.vm.pci(0)} 1 1", stdin=START + """
hwtstamp(dev, 1, 12)
port = Port(dev)
regs[TSYNCTXCTL] = 0
port.send(event(SYNC))
clock.ns()
open("/tmp/ready", "w").close()
while not os.path.exists("/tmp/go"):
    time.sleep(.1)
show(errno_of(clock.ns), errno_of(clock.set, 1), errno_of(clock.offsets))
""")
    net.wait("[ -e /tmp/ready ]")
    try:
        net.vm.unload()
        net.sh("touch /tmp/go")
        assert json.loads(job.wait().out) == ["ENODEV"] * 3
    finally:
        net.vm.load()
        net.attach(note=False)
    assert run(net, "show(hwtstamp(dev))") == [[0, 0]]
    net.check()
