# SPDX-License-Identifier: GPL-2.0-only
"""The device goes away and comes back: sleep, function reset, PCIe errors. Connections and settings last.

IGNIS_SLEEPS=N makes it longer.
"""
import os

import pytest

from util import pair

SLEEPS = int(os.environ.get("IGNIS_SLEEPS") or 2)
# A port that is not as from probe
CHANGED = ("ethtool -G $A rx 512 tx 128; ip link set $A mtu 4000; ethtool -K $A rxvlan off;"
           "ethtool -C $A adaptive-rx off rx-usecs 77; ethtool -s $A wol g")


@pytest.fixture(scope="module")
def net(machine):
    # QEMU never says that a faster link is up again after a reset of the bus. And with a thread for
    # each CPU, one CPU's access to its APIC can go astray while another moves a BAR.
    with pair(machine, qemu_args=["-global", "pcie-root-port.x-speed=2_5"], tcg="thread=single") as both:
        yield both


def clock(net):
    """By how many nanoseconds the hardware's clock of port A is ahead of the time since boot, sleep included."""
    return int(net.sh(f"""cd $H; python3 -c '
import phc, time
clock = phc.Clock("{net.vm.pci(0)}")
print(min((clock.ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) for _ in range(9)), key=abs))'"""))


def lasts(net, away):
    """away() neither ends a connection nor changes a setting."""
    with net.restored():
        net.sh(CHANGED)
        net.up()
        before, ahead = net.state(), clock(net)
        with net.stream() as progress:
            away()
            net.up()
            progress()
        now = net.state()
        if net.limits.ptp_rate == 1:
            assert abs(clock(net) - ahead) < 20e6
        assert [k for k in before if k != "link" and now[k] != before[k]] == []
        net.ping(sizes=(56, 1472), args="-f -c 100")


def test_function_reset(net):
    def reset():
        for _ in range(5):
            net.sh(f"echo 1 > /sys/bus/pci/devices/{net.vm.pci(0)}/reset")
            net.up()
    lasts(net, reset)


@pytest.mark.parametrize("error", [1 << 14, 1 << 18], ids=["nonfatal", "fatal"])
def test_pcie_error(net, error):
    """Completion time-out, malformed TLP: after both the port goes on, after the latter with its link reset."""
    vm = net.vm
    bus = int(vm.pci(0).split(":")[1], 16)

    def inject():
        for n in range(3):
            vm.python(f"""if True:
                import struct
                request = struct.pack("=3Bx7I", {bus}, 0, 0, {error}, 0, 1, 2, 3, 4, 0)
                open("/dev/aer_inject", "wb", 0).write(request)""")
            net.wait(f"[ $(dmesg | grep -c 'device recovery successful') -gt {n} ]", 30)
            net.up()

    vm.run("modprobe aer_inject; dmesg -C")
    lasts(net, inject)
    vm.check_dmesg()


@pytest.fixture
def sleeper(machine):
    """Virtio does not sleep well: 9p is dead after it, the agent's port (on 7.3) until it is bound anew."""
    with pair(machine, cmdline="sleeper", tcg="thread=single") as both:
        both.sh("cp -r $H /run/guest; umount -l /ignis /out")
        both.prefix = both.prefix.replace("/ignis/qemu/guest", "/run/guest")
        yield both
        both.vm.close()


@pytest.mark.parametrize("state", ["s2idle", "ram"])
def test_sleep(sleeper, state):
    """With all devices in D3 until a timer of the kernel's for tests ends it; with the power off."""
    command = {"ram": "rtcwake -m mem -s 2",
               "s2idle": "echo 1 > /sys/module/suspend/parameters/pm_test_delay;"
                         "echo platform > /sys/power/pm_test; echo freeze > /sys/power/state"}[state]

    def sleep():
        for _ in range(SLEEPS):
            sleeper.sh(f"""{command}; cd /sys/bus/virtio/drivers/virtio_console
                port=$(ls -d virtio*); echo $port > unbind; echo $port > bind""", timeout=30)
            sleeper.up()
    lasts(sleeper, sleep)
    sleeper.vm.check_dmesg()
