# SPDX-License-Identifier: GPL-2.0-only
"""Load, bind, open, close, unbind, unload: often, under traffic, behind an IOMMU, until shutdown.

IGNIS_UNPLUGS=N pulls a port out N times.
"""
import contextlib
import os
import re
import threading

import pytest

from frames import other
from util import A, B, eventually, pair
from vm import BAD

PLAIN = pytest.mark.parametrize("net", ["plain"], indirect=True)
BOTH = pytest.mark.parametrize("net", ["plain", "iommu"], indirect=True)
TIMES = 100
SETTLED = 10                    # unplugs after which the kernel has what it keeps, such as kworkers
UNPLUGS = int(os.environ.get("IGNIS_UNPLUGS") or 1)


@pytest.fixture(scope="module")
def net(request, machine):
    # Of QEMU's threads for CPUs one may sleep on, once in so many times
    kw = {"tcg": "thread=single"} if UNPLUGS > SETTLED else {}
    with pair(machine, intel_iommu=request.param == "iommu", kmemleak=True, **kw) as both:
        yield both


def driver_dir(name):
    return f"/sys/bus/pci/drivers/{name}"


def bound(net, what, driver, nic=0):
    net.sh(f"echo {net.vm.pci(nic)} > {driver_dir(driver)}/{what}")


@BOTH
def test_traffic_both_ways(net):
    """The same traffic with and without address translation; wrong DMA would be in the log."""
    types = net.sh("cat /sys/class/net/$A/device/iommu_group/type 2>/dev/null || echo none").split()
    if net.vm.intel_iommu:
        assert types == ["DMA"], "strict translation is not in force"
    else:
        assert types == ["none"]
    net.ping(sizes=(0, 1472), args="-f -c 100")
    end = net.iperf("--bidir -P 2")
    assert min(end["sum_received"]["bytes"], end["sum_received_bidir_reverse"]["bytes"]) > 1 << 18
    with net.restored(), net.stream() as progress:
        for change in ("ethtool -G $A rx 512 tx 512", "ip link set $A mtu 9000", "ethtool -L $A combined 2",
                       "ethtool -K $A tso off gro off", "ethtool -G $A rx 64 tx 64"):
            net.sh(change)
            progress()
    net.sh("ethtool -K $A tso on gro on")
    net.check()


@pytest.mark.long
@BOTH
def test_open_and_close(net):
    """A hundred times down and up while the peer keeps sending."""
    for _ in range(3):          # a leak grows each time; what the IOMMU code stocks up on (igb too) does not
        before = net.holdings()
        load = net.start(f"while :; do $P ping -f -c 1000 -W 1 -s 1000 {A[4]}; done")
        net.sh(f"for i in $(seq {TIMES}); do ip link set $A down; ip link set $A up; done", timeout=200)
        load.stop()
        net.up()
        net.ping(args="-f -c 100")
        lost = net.grown_holdings(before)
        if not lost:
            break
    assert not lost, lost
    net.forgive()               # the peer's stack, without a neighbour


@BOTH
def test_unbind_under_traffic(net):
    flood = [net.start(f"exec iperf3 -c {B[4]} -t 30 --bidir"),
             net.start(f"exec $P ping -f -q -s 1000 {A[4]}")]
    net.sh("sleep 1")
    driver = net.vm.driver
    bound(net, "unbind", driver)
    for job in flood:
        job.stop()
    assert net.run("ls -d /sys/class/net/$A", check=False).rc
    assert not net.run("grep $A- /proc/interrupts", check=False).out
    bound(net, "bind", driver)
    net.attach()
    net.ping(sizes=(1472,), args="-f -c 100")
    net.check()


@pytest.mark.long
@PLAIN
def test_cycles(net):
    """100 times unbound and bound, 100 times unloaded and loaded: no leak."""
    vm, driver = net.vm, net.vm.driver
    load = "insmod /out/ignis.ko" if driver == "ignis" else f"modprobe {driver}"
    a, b = vm.pci(0), vm.pci(1)
    before, irqs = net.holdings(), len(net.irqs())
    for _ in range(4):                  # port B sits out; a ping after each round
        net.sh(f"""
            echo none > /sys/bus/pci/devices/{b}/driver_override; echo {b} > {driver_dir(driver)}/unbind
            for i in $(seq {TIMES // 4}); do
                echo {a} > {driver_dir(driver)}/unbind; echo {a} > {driver_dir(driver)}/bind
            done
            for i in $(seq {TIMES // 4}); do rmmod {driver}; {load}; done
            echo > /sys/bus/pci/devices/{b}/driver_override; echo {b} > /sys/bus/pci/drivers_probe""", timeout=300)
        net.attach()
        net.ping(sizes=(1472,), args="-f -c 20")
    net.check_leaks(before)
    assert len(net.irqs()) == irqs
    vm.check_dmesg()


@PLAIN
def test_nothing_left_after_unload(net):
    """No memory mapping, interrupt, thread, /proc or sysfs entry of the driver stays."""
    vm, driver = net.vm, net.vm.driver
    net.sh("ip link set $A down; $P ip link set $B down")
    vm.unload()
    left = net.sh(f"""grep -i '{driver}' /proc/vmallocinfo /proc/interrupts /proc/modules /proc/iomem || true
        pgrep -l 'napi/eth|{driver}' || true; ls -d {driver_dir(driver)} /sys/class/net/eth[01] 2>/dev/null || true
        ls /sys/class/ptp /sys/class/mdio_bus /sys/class/hwmon /sys/class/leds 2>/dev/null | grep -i {driver} || true""")
    assert not left, left
    for nic in (0, 1):      # what was enabled is disabled: no bus mastering, no interrupts
        text = net.sh(f"lspci -vv -s {vm.pci(nic)}")
        assert "BusMaster-" in text and not re.search(r"MSI(-X)?: Enable\+", text), text
    vm.load()
    net.attach()
    net.ping()


@pytest.mark.long
@PLAIN
def test_driver_override(net):
    """To the in-tree driver and back: what one leaves is good enough for the other to start from."""
    vm, driver, other = net.vm, net.vm.driver, net.limits.intree
    if driver == other:
        pytest.skip("the in-tree driver is the one under test")
    override = f"/sys/bus/pci/devices/{vm.pci(0)}/driver_override"
    net.sh(f"modprobe {other}")
    for turn in (other, driver) * 3:
        now = other if turn == driver else driver
        net.sh(f"echo {turn} > {override}")
        bound(net, "unbind", now)
        net.sh(f"echo {vm.pci(0)} > /sys/bus/pci/drivers_probe")
        assert net.sh(f"basename $(readlink /sys/bus/pci/devices/{vm.pci(0)}/driver)").strip() == turn
        net.attach(note=turn == driver)         # e1000e does not know all that is noted
        net.ping(sizes=(56, 1472), args="-c 5 -i .02")
    net.sh(f"echo > {override}; rmmod {other}")
    net.forgive()               # those of the other driver
    net.check()


@PLAIN
def test_hot_unplug(net):
    """Pulled out while packets go both ways: the netdev goes, quietly; a new one works."""
    vm = net.vm
    properties = dict(item.split("=") for item in vm.nic_device(0).split(",")[1:])
    net.sh("modprobe pciehp 2>/dev/null || true")
    for n in range(UNPLUGS):
        if n == SETTLED:
            before = net.holdings()
        flood = [net.start(f"exec iperf3 -c {B[4]} -t 60 --bidir"),
                 net.start(f"exec $P ping -f -q -s 1000 {A[4]}")]
        net.sh("sleep 1")
        vm.qmp("device_del", id="nic0")
        net.wait("! [ -e /sys/class/net/$A ]", 30)
        for job in flood:
            job.stop()
        vm.check_dmesg()
        vm.qmp("device_add", driver=vm.nics[0].model, **properties)
        net.wait(f"ls /sys/bus/pci/devices/0000:00:10.0/*:00.0/net", 30)
        net.attach()
        net.ping(sizes=(1472,), args="-f -c 100")
        net.check()
    if UNPLUGS > SETTLED:
        net.check_leaks(before)


@PLAIN
def test_shutdown(net):
    """Reboot with the ports up and busy: nothing but the farewell in the console."""
    vm = net.vm
    net.check()
    net.start(f"exec iperf3 -c {B[4]} -t 60 --bidir")
    net.sh("dmesg -n 7; sleep .5")
    mark = vm.log.stat().st_size
    net.start("exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x1234567)'")
    assert eventually(lambda: vm.proc.poll() is not None, 60), "still there"
    text = vm.log.read_bytes()[mark:].decode(errors="replace")
    assert "reboot: Restarting system" in text
    assert not BAD.search(text), text


@pytest.mark.long
@pytest.mark.parametrize("iommu", [False, True], ids=["plain", "iommu"])
def test_kexec(boot, iommu):
    """The next kernel, started while frames come in and go out, finds silent ports: the IOMMU has nothing
    to report, and nobody has written to memory that was free (page_poison)."""
    vm, done = boot(intel_iommu=iommu), threading.Event()
    boot_id = "cat /proc/sys/kernel/random/boot_id"

    def flood():
        frames = [other(1514, n, "ff:ff:ff:ff:ff:ff") for n in range(16)]
        with contextlib.suppress(OSError):      # the wire is gone
            while not done.wait(.02):
                vm.wire("a").send(frames)

    def up():
        vm.join(1, 2)
        outer = vm.netdev(0)
        vm.run(f"ip link set {outer} up")
        vm.carrier(outer)
        vm.run(f"SECONDS=0; until [ $(cat /sys/class/net/{outer}/statistics/rx_packets) -gt 100 ]; do "
               f"[ $SECONDS -lt 60 ] || exit 1; sleep .1; done")

    threading.Thread(target=flood, daemon=True).start()
    try:
        up()
        vm.start("exec iperf3 -s", netns="peer")
        vm.run("until ip netns exec peer ss -Hltn sport = 5201 | grep -q .; do sleep .1; done")
        vm.start("exec iperf3 -c 10.0.0.2 -t 600 --bidir")
        vm.start("exec ping -f -q -s 1000 10.0.0.2")
        vm.run("sleep 2; pgrep -x ping")
        was = vm.run(boot_id).out
        vm.check_dmesg()
        vm.kexec("page_poison=1")
        assert vm.run(boot_id).out != was
        vm.load()
        up()
        vm.run("ping -f -c 200 -s 1400 10.0.0.2; python3 -c 'b\"x\" * (500 << 20)'")
        # From the boot of this kernel on; a debug kernel tells what it has
        vm.check_dmesg(allow="leak detector disabled|DMA-API: (preallocated|debugging enabled)")
    finally:
        done.set()
