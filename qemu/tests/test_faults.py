# SPDX-License-Identifier: GPL-2.0-only
"""Each allocation of a change fails once: the change is refused and the port works on as before, or it
gets along without. Then all of them do. On a kernel with fault injection only (make test-debug).

qemu/guest/failnth.py does it, in the guest.
"""
import contextlib

import pytest

from test_devlink import dumped, reporters
from test_power import asleep
from util import A, eventually, pair

# Debugging that cannot note down something gives up: not at all, or with a word
CMDLINE, WORD = "dma_debug=off no_debug_objects", "unreliable refcount tracker|kmemleak: Cannot allocate a scan area"


def faulty(machine):
    """Skips without a boot where there cannot be any."""
    if machine.packaged:
        pytest.skip("the kernel has no fault injection")


@pytest.fixture(scope="module")
def net(machine):
    faulty(machine)
    with pair(machine, cmdline=CMDLINE, kmemleak=True) as both:
        yield both


def settle(net):
    """Few buffers, as one is like the other; and what failnth.py wants."""
    net.sh(f"ethtool -L $A combined 2; ethtool -G $A rx 64 tx 64; "
           f"$P ip neigh replace {A[4]} lladdr $(cat /sys/class/net/$A/address) dev $B nud permanent")


def all_fail(net, what, record_property, wrap="{}"):
    if net.run("[ -e /proc/self/fail-nth ]", check=False).rc:
        pytest.skip("the kernel has no fault injection")
    mac = net.sh("$P cat /sys/class/net/$B/address").strip()
    report = net.json(wrap.format(f"python3 $H/failnth.py {what} $A {mac}"), timeout=1200)
    record_property("allocations", report)
    assert not report["broken"], "\n".join(report["broken"])
    return report


@pytest.mark.parametrize("what", ["rings", "channels", "mtu", "xdp", "split", "reset", "open", "probe"])
def test_each_allocation(net, what, record_property):
    if what == "split" and net.vm.nics[0].model != "igb":
        pytest.skip("the chip cannot")
    settle(net)
    state, before = net.state(), net.holdings()
    report = all_fail(net, what, record_property)
    if what == "reset":                 # sysfs has a buffer; a reset allocates nothing that could be denied
        assert report["refused"] <= 1
    else:
        assert report["refused"] > 1
    net.attach(note=False)
    settle(net)
    now = net.state()
    assert [k for k in state if k != "link" and now[k] != state[k]] == []
    net.ping(sizes=(56, 1472), args="-f -c 100")
    net.vm.check_dmesg(allow=WORD)
    net.forgive()
    net.check_leaks(before)


# What train.py sends stays in the socket. 33: SO_RCVBUFFORCE
KEEPS = """import socket, time
s = socket.socket(type=socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 27)
s.bind(("", 5300))
time.sleep(1000)"""


@contextlib.contextmanager
def no_memory(net, kind, more=":"):
    """For the driver, from whatever CPU."""
    net.sh("(cd $H; python3 -c 'import failnth; failnth.allow(\"ignis\")');"
           f"cd /sys/kernel/debug/{kind}; {more}; echo -1 > times; echo N > task-filter; echo 100 > probability")
    with net.undo(f"echo 0 > /sys/kernel/debug/{kind}/probability"):
        yield


def test_no_buffers(net):
    """No memory for receive buffers, and a program keeps what there were: noticed, and over by itself."""
    net.dev = f"pci/{net.vm.pci(0)}"
    settle(net)
    # Two pages at a time are for the rings
    with no_memory(net, "fail_page_alloc", "echo 1 > min-order"):
        jobs = (net.vm.start("exec python3 -", KEEPS),
                net.start(f"exec $P python3 $H/train.py send {A[4]} 100000 gap=5000 size=1400"))
        assert eventually(lambda: reporters(net)["rx"]["state"] == "error", 40)
        assert any(not ring["buffers"] for ring in dumped(net, "rx")["rings"])
    assert eventually(lambda: reporters(net)["rx"]["state"] == "healthy", 10)
    for job in jobs[::-1]:
        job.stop()
    net.ping(sizes=(56, 1472), args="-f -c 100")
    assert "have stalled" in net.vm.dmesg(since_mark=True)
    net.vm.check_dmesg(allow=WORD)
    net.forgive()


def test_no_port(machine):
    """A reload that fails leaves a function without a port; that sleeps, wakes up and has one after the next."""
    faulty(machine)
    with asleep(machine, cmdline=CMDLINE, kmemleak=True) as net:
        reload, port = f"devlink dev reload pci/{net.vm.pci(0)}", f"/sys/bus/pci/devices/{net.vm.pci(0)}/net"
        with no_memory(net, "failslab"):
            failed = net.run(reload, check=False)
        assert failed.rc and "did not come back" in failed.err
        assert not net.run(f"ls {port}", check=False).out
        net.sh(f"rtcwake -m mem -s 2; {net.wake}", timeout=60)
        net.sh(reload)
        net.up()
        net.ping(sizes=(56, 1472), args="-f -c 100")
        net.vm.check_dmesg(allow=WORD)


def test_each_allocation_of_sleep(machine, record_property):
    """Those of the driver, as others of a guest that sleeps do not get over it."""
    faulty(machine)
    with asleep(machine, cmdline=CMDLINE, kmemleak=True) as net:
        settle(net)
        net.sh("echo 0 > /sys/power/pm_async; echo 0 > /sys/module/suspend/parameters/pm_test_delay;"
               "echo devices > /sys/power/pm_test")
        state = net.state()
        report = all_fail(net, "sleep", record_property, f"{{}} > /run/report; {net.wake}; cat /run/report")
        assert not report["refused"]
        assert net.state() == state
        net.ping(sizes=(56, 1472), args="-f -c 100")
        net.vm.check_dmesg(allow=WORD)
