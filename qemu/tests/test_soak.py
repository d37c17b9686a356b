# SPDX-License-Identifier: GPL-2.0-only
"""For as long as asked: traffic of all kinds while settings, programs, sockets and links come and go.

IGNIS_SOAK=MINUTES     random settings under load; what the driver holds does not grow (not run by default)
IGNIS_STORM=MINUTES    XDP programs, AF_XDP sockets, rings, channels and links at random (default: 0.2)
IGNIS_SEED=N           repeats the choices
"""
import os
import random
import time
from contextlib import contextmanager

import pytest

from test_reconfig import changes, run
from test_xdp import DROP, FRAGS, PASS, REDIRECT, SINGLE, TX, command, objects  # noqa: F401
from test_xsk import install, program  # noqa: F401
from util import A, B, eventually, pair

pytestmark = pytest.mark.long
SEED = int(os.environ.get("IGNIS_SEED") or random.randrange(1 << 32))
SOAK = float(os.environ.get("IGNIS_SOAK") or 0)
STORM = float(os.environ.get("IGNIS_STORM") or .2)


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine, kmemleak=True) as both:
        yield both


@contextmanager
def traffic(net):
    """TCP and UDP both ways, echoes large and small, each begun anew when it ends."""
    jobs = [net.start(f"while :; do {command} >/dev/null 2>&1; sleep .1; done") for command in (
        f"iperf3 -c {B[4]} -t 10 -P 2 --bidir", f"iperf3 -c {B[6]} -p 5202 -u -b 20M -l 1000 -t 10",
        f"$P ping -q -i .01 -s 1000 -c 500 -W 1 {A[4]}", f"ping -q -i .02 -s 20000 -c 200 -W 1 {B[4]}")]
    net.sh("$P iperf3 -s -D -p 5202")
    try:
        yield
    finally:
        for job in jobs:
            job.stop()
        net.run("pkill -f '[i]perf3 -c'; pkill -x ping; pkill -f '[i]perf3 -s -D -p'; true")


@pytest.mark.skipif(not SOAK, reason="for long runs: IGNIS_SOAK=minutes")
def test_soak(net, record_property):
    record_property("IGNIS_SEED", SEED)
    rng, count, before = random.Random(SEED), 0, None
    end = time.monotonic() + 60 * SOAK
    while not before or time.monotonic() < end:
        with net.restored(), net.stream() as progress, traffic(net):
            bad, _ = run(net, list(changes(rng, net, 60)))
            assert not bad, "\n".join(bad)
            progress()
        net.up()
        net.ping(sizes=(56, 1472), args="-f -c 100")
        net.vm.check_dmesg()
        count += 60
        before = before or net.holdings()       # after a round: what is kept in stock is there
    net.check_leaks(before)
    record_property("soak", f"{SOAK:g} minutes, {count} changes")


def steps(rng, net):
    """Shell commands, any of which may be refused as things are at the time."""
    queues = min(net.limits.queues, 4)
    socket = ("m=$(bpftool map show name xsks | sed -n 's/^\\([0-9]*\\):.*/map=\\1/p' | tail -1);"
              "timeout 20 /run/xsk $A {} queue={} idle={} {} $m >/dev/null 2>&1 & "
              "[ $(pgrep -xc xsk) -lt 6 ] || pkill -n -{} -x xsk")
    while True:
        kind = rng.choice(["program"] * 3 + ["socket"] * 4 + ["rings", "channels", "mtu", "link", "cable", "kill", "wait"])
        if kind == "program":
            yield f"ip -force link set $A xdpdrv {rng.choice([SINGLE, FRAGS, 'off'])}"
        elif kind == "socket":
            yield socket.format(rng.choice(["idle", "echo", "rx", "tx count=2000 size=200"]),
                                rng.choice([0, 0, 1, "0,1", queues - 1]), rng.choice([20, 100, 500, 3000]),
                                rng.choice(["", "sg=1 chunk=4096", "nowakeup=1", "frames=64 ring=64", "starve=1"]),
                                rng.choice(["TERM", "KILL"]))
        elif kind == "rings":
            yield f"ethtool -G $A rx {rng.choice([64, 256, 512, 1024])} tx {rng.choice([64, 256, 1024])}"
        elif kind == "channels":
            yield f"ethtool -L $A combined {rng.randint(1, net.limits.queues)}"
        elif kind == "mtu":
            yield f"ip link set $A mtu {rng.choice([1500, 1500, 3000, 9000])}"
        elif kind == "link":
            yield rng.choice(["ip link set $A down; ip link set $A up", "ethtool -r $A",
                              "$P ip link set $B down; $P ip link set $B up"])
        elif kind == "kill":
            yield "pkill -KILL -x xsk"
        elif kind == "wait":
            yield f"sleep .{rng.randrange(1, 9)}"
        else:
            yield None              # the cable


def test_storm(net, program, objects, record_property):         # noqa: F811
    record_property("IGNIS_SEED", SEED)
    vm, rng = net.vm, random.Random(SEED)
    install(vm, program, objects)
    ifindex = int(net.sh("cat /sys/class/net/$A/ifindex"))
    orders = [command(n, rng.choice([60, 700, 1514]), rng.choice([DROP, PASS, TX, REDIRECT, REDIRECT]),
                      ifindex=rng.choice([0, 0, 0, ifindex])) for n in range(64)]
    (vm.dir / "out/orders").write_bytes(b"".join((10 + len(f)).to_bytes(4, "little") + bytes(10) + f for f in orders))
    storm, plugged = steps(rng, net), True

    def blow(seconds):
        nonlocal plugged
        done, end = 0, time.monotonic() + seconds
        with traffic(net):
            job = net.start("while :; do $P python3 $H/frames_tx.py raw $B /out/orders >/dev/null 2>&1; done")
            while time.monotonic() < end:
                batch = [next(storm) for _ in range(10)]
                if None in batch:
                    plugged = not plugged
                    vm.link(0, plugged)
                net.run("\n".join(f"{{ {step} ; }} >/dev/null 2>&1" for step in batch if step), check=False, timeout=120)
                done += len(batch)
            job.stop()
        return done

    def calm():
        """Everything is gone, the port as from probe and at work."""
        nonlocal plugged
        if not plugged:
            vm.link(0, True)
            plugged = True
        net.run("pkill -KILL -x xsk; sleep .5; ip link set $A xdpdrv off; $P ip link set $B up")
        net.restore()
        # A page_pool numbers its pages: after much traffic those that it keeps are all over its xarray
        net.bounce("$P ip link set $B down")
        net.ping(sizes=(56, 1472), args="-f -c 100")
        vm.check_dmesg()

    # With the first program ip(8) asks for a hash: the modules of AF_ALG, which stay, are no leak
    net.sh(f"ip -force link set $A xdpdrv {SINGLE}")
    calm()
    count = blow(10)
    calm()
    before = net.holdings()
    count += blow(60 * STORM)
    calm()
    assert eventually(lambda: net.pools() == (net.channels, 0), 30), net.genl("page-pool")
    net.check_leaks(before)
    net.forgive()               # frames refused by programs, links that were gone
    record_property("storm", f"{STORM:g} minutes, {count} steps")
