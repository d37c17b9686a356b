# SPDX-License-Identifier: GPL-2.0-only
"""The device goes away and comes back: sleep, function reset, PCIe errors. Connections and settings last.

IGNIS_SLEEPS=N makes it longer.
"""
import contextlib
import functools
import os

import pytest

from util import eventually, pair

SLEEPS = int(os.environ.get("IGNIS_SLEEPS") or 2)
# A port that is not as from probe
CHANGED = ("ethtool -G $A rx 512 tx 128; ip link set $A mtu 4000; ethtool -K $A rxvlan off;"
           "ethtool -C $A adaptive-rx off rx-usecs 77; ethtool -s $A wol g")
# QEMU never says that a faster link is up again after a reset of the bus
SLOW_BUS = ["-global", "pcie-root-port.x-speed=2_5"]
# All devices in D3 until a timer of the kernel's for tests ends it
IDLE = ("echo 1 > /sys/module/suspend/parameters/pm_test_delay; echo platform > /sys/power/pm_test;"
        "echo freeze > /sys/power/state")
# PCIe errors: completion time-out, malformed TLP
TIMEOUT, MALFORMED = 1 << 14, 1 << 18


@pytest.fixture(scope="module")
def net(machine):
    # With a thread for each CPU, one CPU's access to its APIC can go astray while another moves a BAR
    with pair(machine, qemu_args=SLOW_BUS, tcg="thread=single") as both:
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


def inject(vm, error):
    """Have a PCIe error reported of port A."""
    bus = int(vm.pci(0).split(":")[1], 16)
    vm.python(f"""if True:
        import struct
        request = struct.pack("=3Bx7I", {bus}, 0, 0, {error}, 0, 1, 2, 3, 4, 0)
        open("/dev/aer_inject", "wb", 0).write(request)""")


@pytest.mark.parametrize("error", [TIMEOUT, MALFORMED], ids=["nonfatal", "fatal"])
def test_pcie_error(net, error):
    """After either the port goes on, after the fatal one with its link reset."""
    def errors():
        for n in range(3):
            inject(net.vm, error)
            net.wait(f"[ $(dmesg | grep -c 'device recovery successful') -gt {n} ]", 30)
            net.up()

    net.sh("modprobe aer_inject; dmesg -C")
    with net.undo("rmmod aer_inject"):      # does not bear with lspci: a spinlock within a raw one
        lasts(net, errors)
    net.vm.check_dmesg()


@contextlib.contextmanager
def asleep(machine, prepare=None, cmdline="", **kw):
    """Virtio does not sleep well: 9p is dead after it, the agent's port (on 7.3) until it is bound anew."""
    with pair(machine, prepare, f"sleeper {cmdline}", tcg="thread=single", **kw) as both:
        both.sh("cp -r $H /run/guest; umount -l /ignis /out")
        both.prefix = both.prefix.replace("/ignis/qemu/guest", "/run/guest")
        both.wake = ("cd /sys/bus/virtio/drivers/virtio_console; port=$(ls -d virtio*);"
                     "echo $port > unbind; echo $port > bind")
        try:
            yield both
        finally:
            both.vm.close()


@pytest.mark.long
@pytest.mark.parametrize("state", ["s2idle", "ram"])
def test_sleep(machine, state):
    """With all devices in D3; with the power off."""
    command = {"ram": "rtcwake -m mem -s 2", "s2idle": IDLE}[state]

    with asleep(machine) as net:
        def sleep():
            for _ in range(SLEEPS):
                net.sh(f"{command}; {net.wake}", timeout=30)
                net.up()
        lasts(net, sleep)
        net.vm.check_dmesg()


@pytest.mark.long
@pytest.mark.parametrize("how", ["reset", "sleep", "reload", "bind", "nonfatal"])
def test_failed_recovery(machine, how):
    """The card has a second function, without a driver: nobody is told to go on, nor of a reset of the bus.

    A reset of the port, or sleep, brings it back as it was; a reload, or binding it anew, as from probe.
    """
    error = TIMEOUT if how == "nonfatal" else MALFORMED
    second = ["-global", f"{machine.device}.multifunction=on",
              *(["-global", "igb.x-pcie-ari-nextfn-1=on"] if machine.device == "igb" else []),
              "-device", f"{machine.device},bus=port0,addr=0.1,romfile="]

    def prepare(vm):
        vm.run(f"echo none > /sys/bus/pci/devices/{vm.pci(0)[:-1]}1/driver_override; modprobe aer_inject")

    guest = asleep if how == "sleep" else functools.partial(pair, tcg="thread=single")
    with guest(machine, prepare, qemu_args=[*SLOW_BUS, *second]) as net:
        port = net.vm.pci(0)
        device = f"/sys/bus/pci/devices/{port}"
        back = {"reload": f"devlink dev reload pci/{port}",
                "bind": f"driver=$(readlink -f {device}/driver); echo {port} > $driver/unbind;"
                        f"echo {port} > $driver/bind"}.get(how, f"echo 1 > {device}/reset")
        if how == "sleep":
            back = f"{IDLE}; {net.wake}"

        def fail():
            inject(net.vm, error)
            net.wait("dmesg | grep -q 'device recovery failed'", 30)
            net.sh(f"if ethtool -g $A; then exit 1; fi; {back}", timeout=30)

        net.sh("dmesg -C")
        if how in ("reload", "bind"):
            fail()
            net.attach()
            net.ping(sizes=(56, 1472), args="-f -c 100")
        else:
            lasts(net, fail)
        net.vm.check_dmesg()


@pytest.mark.long
def test_hibernate(machine, tmp_path):
    """Memory goes to a disk, the machine is reset, and another kernel brings back what was there."""
    swap = tmp_path / "swap"
    with open(swap, "wb") as file:
        file.truncate(1 << 30)
    # The disk of the guest is a snapshot that ends with QEMU, so that must not end
    args = ["-drive", f"file={swap},format=raw,if=none,id=swap", "-device", "virtio-blk-pci,drive=swap",
            "-action", "reboot=reset"]
    with asleep(machine, cmdline="hibernate=nocompress", qemu_args=args) as net:
        def sleep():
            boots = net.vm.log.read_bytes().count(b"resume from disk")
            net.sh(f"echo disk > /sys/power/state; {net.wake}", timeout=300)
            net.up()
            assert net.vm.log.read_bytes().count(b"resume from disk") == boots + 1

        net.sh("mkswap /dev/vdc; swapon /dev/vdc; echo reboot > /sys/power/disk")
        lasts(net, sleep)
        net.vm.check_dmesg()


def test_runtime_pm(net):
    """The driver has none: a port sleeps, or may, only while no driver is bound."""
    device = f"/sys/bus/pci/devices/{net.vm.pci(0)}"
    driver = net.sh(f"readlink -f {device}/driver").strip()

    def status():
        return net.sh(f"cat {device}/power/runtime_status").strip()

    with net.undo(f"echo on > {device}/power/control"):
        net.sh(f"echo auto > {device}/power/control; ip link set $A down; sleep 1")
        assert status() == "active"
        net.sh("ethtool -d $A raw on >/dev/null; ethtool -S $A >/dev/null; ethtool -t $A offline")
        net.up()
        net.ping(sizes=(56, 1472), args="-f -c 100")
        net.sh(f"echo {net.vm.pci(0)} > {driver}/unbind")
        assert eventually(lambda: status() == "suspended")
        net.sh(f"lspci -vv -s {net.vm.pci(0)}; echo {net.vm.pci(0)} > {driver}/bind")
        assert status() == "active"
        net.attach()
        net.ping(sizes=(56, 1472), args="-f -c 100")
        net.vm.check_dmesg()
