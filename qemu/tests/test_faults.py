# SPDX-License-Identifier: GPL-2.0-only
"""Each allocation of a change fails once: the change is refused and the port works on as before, or it
gets along without. On a kernel with fault injection only (make test-debug).

qemu/guest/failnth.py does it, in the guest.
"""
import pytest

from test_power import asleep
from util import A, pair

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
    report = net.json(wrap.format(f"python3 $H/failnth.py {what} $A {mac}"), timeout=2400)
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
