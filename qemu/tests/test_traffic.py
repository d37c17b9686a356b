# SPDX-License-Identifier: GPL-2.0-only
"""Packets arrive: every size, every MTU, VLANs, all queues, from netpoll too."""
import contextlib
import re

import pytest

from frames import PEER_MAC
from util import A, B, eventually, pair
from vm import patience

TARGET = "/sys/kernel/config/netconsole/t"


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        yield both


@pytest.mark.parametrize("ip, overhead", [(4, 28), (6, 48)])
def test_ping(net, ip, overhead):
    most = 1500 - overhead
    net.ping(B[ip], (0, 1, 17, 18, 19, 46, 1000, most - 1, most), "-M do -c 2 -i .02")
    net.ping(A[ip], (0, most), "-M do -c 2 -i .02", ns="$P")
    net.ping(B[ip], (0, 56, 700, most), "-M do -f -c 300")
    net.ping(B[ip], (8000,), "-f -c 100")                       # fragments


@pytest.mark.parametrize("ip, overhead", [(4, 28), (6, 48)])
def test_every_size(net, ip, overhead):
    """UDP payloads of each size from nothing to a full frame, there and back, all bytes compared."""
    echo = net.start(f"exec $P python3 $H/train.py echo {B[ip]}")
    try:
        net.wait("$P ss -Hlun sport = 5300 | grep -q .")
        net.sh(f"python3 $H/train.py sizes {B[ip]} {1500 - overhead}")
    finally:
        echo.stop()


@pytest.mark.parametrize("args", ["", "-R", "-P 8", "-P 8 -R", "--bidir", "-M 88 -w 16K", "-Z"])
def test_tcp(net, args):
    size = 1 << (19 if "-M" in args else 24)
    end = net.iperf(args, size=size)
    assert end["sum_received"]["bytes"] > size * 3 / 4
    if args == "--bidir":
        assert end["sum_received_bidir_reverse"]["bytes"] > 1 << 18


def test_tcp6(net):
    assert net.iperf("--bidir", B[6])["sum_received"]["bytes"] > 4 << 20


@pytest.mark.parametrize("args", ["-b 20M", "-b 20M -R", "-b 1M -l 64", "-b 1M -l 64 -R", "-b 20M -l 9000"])
def test_udp(net, args):
    """The socket's buffer has room for what comes while the receiver's process waits for a CPU."""
    net.sh("sysctl -qw net.core.rmem_max=4194304 net.core.wmem_max=4194304")
    end = net.iperf(f"-u -w 2M {args}")["sum"]
    assert end["packets"] > 250 / patience(1) and end["lost_percent"] < 5, end


@pytest.mark.parametrize("mtu", [68, 577, 1501, 2048, 4000, 9000, "largest"])
def test_mtu(net, mtu):
    mtu = net.limits.mtu[1] if mtu == "largest" else mtu
    with net.undo("ip link set $A mtu 1500; $P ip link set $B mtu 1500"):
        net.sh(f"ip link set $A mtu {mtu}; $P ip link set $B mtu {mtu}")
        net.carrier()
        net.ping(sizes=(0, mtu - 29, mtu - 28), args="-M do -c 2 -i .02")
        net.ping(A[4], sizes=(mtu - 28,), args="-M do -f -c 50", ns="$P")
        net.ping(sizes=(2 * mtu,), args="-c 2 -i .02")
        if mtu >= 1280:
            assert net.iperf("--bidir")["sum_received"]["bytes"] > 2 << 20
    net.up()


@pytest.mark.parametrize("beyond", [0, 1])
def test_mtu_refused(net, beyond):
    mtu = (net.limits.mtu[0] - 1, net.limits.mtu[1] + 1)[beyond]
    assert net.run(f"ip link set $A mtu {mtu}", check=False).rc
    assert net.sh("cat /sys/class/net/$A/mtu").strip() == "1500"
    net.ping()


def vlans(net, ids):
    net.sh("".join(f"ip link add link $A name $A.{v} type vlan id {v}; ip link set $A.{v} up;"
                   f"ip addr add 10.{v >> 8}.{v & 255}.1/24 dev $A.{v};"
                   f"$P ip link add link $B name $B.{v} type vlan id {v}; $P ip link set $B.{v} up;"
                   f"$P ip addr add 10.{v >> 8}.{v & 255}.2/24 dev $B.{v};" for v in ids))
    return net.undo("".join(f"ip link del $A.{v}; $P ip link del $B.{v};" for v in ids))


@pytest.mark.parametrize("features", ["rxvlan on txvlan on", "rxvlan off txvlan on",
                                      "rxvlan on txvlan off", "rxvlan off txvlan off"])
def test_vlan(net, features):
    ids = (1, 100, 2047, 4094)
    with net.undo("ethtool -K $A rxvlan on txvlan on"), vlans(net, ids):
        net.sh(f"ethtool -K $A {features}")
        net.carrier()
        for v in ids:
            net.ping(f"10.{v >> 8}.{v & 255}.2", (0, 1472), "-M do -c 3 -i .02")
            net.ping(f"10.{v >> 8}.{v & 255}.1", (1472,), "-M do -f -c 50", ns="$P")
        if features in ("rxvlan on txvlan on", "rxvlan off txvlan off"):
            assert net.iperf("--bidir", "10.0.100.2")["sum_received"]["bytes"] > 2 << 20
        for v in ids:           # each packet came by its own interface
            assert int(net.sh(f"cat /sys/class/net/$A.{v}/statistics/rx_packets")) >= 50


def test_vlan_filter(net):
    """VLANs made while the filter is off are let in when it is on again."""
    with net.undo("ethtool -K $A rx-vlan-filter on"):
        net.sh("ethtool -K $A rx-vlan-filter off")
        with vlans(net, (300,)):
            net.ping("10.1.44.2")
            net.sh("ethtool -K $A rx-vlan-filter on")
            net.ping("10.1.44.2")


def test_vlan_in_vlan(net):
    with net.undo("ip link del $A.ad; $P ip link del $B.ad"):
        for ns, port, host in (("", "$A", 1), ("$P", "$B", 2)):
            net.sh(f"{ns} ip link add link {port} name {port}.ad type vlan proto 802.1ad id 7;"
                   f"{ns} ip link add link {port}.ad name {port}.in type vlan id 8;"
                   f"{ns} ip link set {port}.ad up; {ns} ip link set {port}.in up;"
                   f"{ns} ip addr add 10.9.9.{host}/24 dev {port}.in")
        net.ping("10.9.9.2", (0, 1464), "-M do -c 3 -i .02")


def test_vlan_unknown(net):
    """Frames of a VLAN nobody has asked for stay off the others."""
    with vlans(net, (100, 101)):
        net.sh("ip link del $A.101")
        with net.undo("ip link add link $A name $A.101 type vlan id 101"):
            assert net.run("$P ping -c 3 -i .05 -W .3 10.0.101.1", check=False).rc
            net.ping("10.0.100.2")
    net.forgive()               # the stack may count them as dropped


def test_every_queue(net):
    """Many flows use all queues in both directions."""
    n, names = net.limits.queues, ("rx-packets", "rx-bytes", "tx-packets", "tx-bytes")
    with net.restored():
        net.sh(f"ethtool -L $A combined {n}")
        net.carrier()
        before = net.per_queue(*names)
        net.sh(f"$P python3 $H/flows.py {B[4]} {A[4]} 9 20000 {32 * n}")
        net.sh(f"python3 $H/train.py send {B[4]} {64 * n} flows={16 * n} cpus=0,1,2,3")
        net.iperf("-P 16 --bidir")
        after = net.per_queue(*names)
    for what, old, new in zip(names, before, after):
        assert len(new) == n and all(y > x for x, y in zip(old, new)), (what, old, new)


def configfs(run):
    if run("modprobe netconsole && { [ -d /sys/kernel/config/netconsole ] ||"
           " busybox mount -t configfs none /sys/kernel/config; }", check=False).rc:
        pytest.skip("this kernel has no netconsole")


def netconsole(dev, mac):
    """A script that sends the kernel's messages from a port on."""
    return (f"mkdir {TARGET}; cd {TARGET}; echo {dev} > dev_name; echo {A[4]} > local_ip; echo {B[4]} > remote_ip;"
            f"echo {mac} > remote_mac; echo 0 > extended; echo 1 > enabled; dmesg -n 8;")


@contextlib.contextmanager
def listener(net):
    """The kernel's messages go out at A, whose transmit ring is small; yields which of those
    said by say() have come to the peer."""
    configfs(net.run)
    sink = net.start("exec $P tcpdump -i $B -nqtAl udp port 6666")
    with net.restored(), net.undo(f"echo 0 > {TARGET}/enabled; rmdir {TARGET}; rmmod netconsole; dmesg -n 4"):
        net.sh("ethtool -G $A tx 64;" + netconsole("$A", net.sh("$P cat /sys/class/net/$B/address").strip()))
        net.carrier()
        load = net.start(f"exec iperf3 -c {B[4]} -t 60 -P 4")
        net.sh("sleep .5")
        yield lambda: len(set(re.findall("line [0-9]+ of netconsole", sink.output())))
        load.stop()
    sink.stop()
    net.ping()


def say(count, pause=0):
    return f"""echo on > /proc/sys/kernel/printk_devkmsg; python3 -c 'if True:
        import time
        with open("/dev/kmsg", "wb", 0) as log:
            for i in range({count}):
                log.write(b"<6>line %d of netconsole" % i)
                time.sleep({pause})'"""


def test_netpoll(net):
    """netconsole sends from any context while the ring is busy (a poll with budget 0)."""
    with listener(net) as heard:
        net.sh(say(200))
        assert eventually(lambda: heard() >= 190), heard()


def test_netpoll_while_changing(net, record_property):
    """It also does while queues, and what they consist of, are exchanged beneath it."""
    with listener(net) as heard:
        talk = net.start(say(1500, .01))
        for n in range(3):
            net.sh(f"ethtool -L $A combined 1; ethtool -G $A tx 128; ip link set $A mtu 4000;"
                   f"ethtool -L $A combined {net.channels}; ip link set $A mtu 1500; ethtool -G $A tx 64 rx {512 << n}")
        talk.wait()
        eventually(lambda: heard() >= 1490)
        record_property("lines heard of 1500", heard())
        assert heard() >= 1400


@pytest.mark.long
@pytest.mark.parametrize("panic", [0, -1], ids=["stay", "restart"])
def test_last_words(boot, panic):
    """All that the console says of a panic leaves by the port too: some hundred lines by a ring of 64."""
    vm = boot(check=False)
    dev = vm.netdev(0)
    configfs(vm.run)
    vm.run(f"""ip addr add {A[4]}/24 dev {dev}; ip link set {dev} up; ethtool -G {dev} tx 64
        ip neigh replace {B[4]} lladdr {PEER_MAC} dev {dev} nud permanent; {netconsole(dev, PEER_MAC)}""")
    if panic and not vm.run("grep '^netcon.*N' /proc/consoles", check=False).rc:
        pytest.skip("before it restarts, this kernel gives no last messages to such a console")
    vm.carrier(dev)
    vm.start(f"exec ping -f -q -s 1400 {B[4]} >/dev/null")
    vm.check_dmesg()
    mark = vm.log.stat().st_size
    vm.start(f"cd /proc/sys/kernel; echo tasks > panic_sys_info || echo 1 > panic_print;"
             f"sleep 1; echo {panic} > panic; echo 1 > sysrq; echo c > /proc/sysrq-trigger")
    end = b"---[ end Kernel panic"
    assert eventually(lambda: vm.proc.poll() is not None or end in vm.log.read_bytes(), 120), "still there"
    said = vm.log.read_bytes()[mark:].decode(errors="replace").replace("\r", "")
    said = said[said.index("sysrq: Trigger a crash"):].splitlines()[1:]
    heard = b"".join(f[42:] for f in vm.wire("a").drain(1) if f[23:24] == b"\x11" and f[36:38] == b"\x1a\x0a")
    heard = heard.decode(errors="replace")
    assert "Kernel panic - not syncing: sysrq triggered crash" in heard
    missing = [line for line in said if line not in heard]
    assert len(said) > 200 and not missing, (len(said), len(missing), missing[:3], missing[-3:])


def test_clean(net):
    net.check()
    assert not [n for what, n in net.stats().items() if n and re.fullmatch(r"tx_queue_\d+_dropped", what)]
