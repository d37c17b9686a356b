# SPDX-License-Identifier: GPL-2.0-only
"""Two hosts, and between them DPDK's testpmd: on AF_XDP sockets of the driver, and with DPDK's own
driver on ports handed to VFIO, which come back to a bridge. The IOMMU catches wrong DMA.
"""
import json
import re

import pytest

from util import eventually, line, lossless
from vm import patience

pytestmark = pytest.mark.long
LEFT, RIGHT = "10.3.0.1", "10.3.0.2"
TRAIN = 2000


@pytest.fixture(scope="module")
def net(machine):
    with line(machine, root="dpdk", intel_iommu=True) as net:
        net.sh(f"$left ip addr add {LEFT}/24 dev $L; $right ip addr add {RIGHT}/24 dev $R; mkfifo /tmp/stdin")
        yield net


@pytest.fixture(autouse=True)
def log(net):
    net.vm.mark_dmesg()
    yield
    net.vm.check_dmesg()


def carries(net):
    """What the hosts send each other arrives."""
    net.wait(f"$left ping -c 1 -W 1 {RIGHT}", 15)
    lossless(net.sh, "; ".join(f"$left ping -q -W 10 -c 20 -i .02 -s {size} {RIGHT}"
                               for size in (0, 56, 577, 1472)), "$left")
    job = net.start(f"exec $right python3 $H/train.py recv {RIGHT} {TRAIN}")
    net.wait("$right ss -Hlun sport = 5300 | grep -q .")
    net.sh(f"$left python3 $H/train.py send {RIGHT} {TRAIN} gap={patience(300)}")
    got = json.loads(job.wait().out)
    assert got["got"] == TRAIN, got
    net.iperf(RIGHT)


class Pmd:
    """testpmd, which sends what one port receives out of the other."""

    def __init__(self, net, ports, queues=1):
        self.net = net
        self.job = net.start(f"exec stdbuf -oL dpdk-testpmd --no-huge -m 192 -l 0,1 --no-telemetry {ports} -- "
                             f"--forward-mode=io --rxq={queues} --txq={queues} --total-num-mbufs=12288 "
                             "--no-mlockall <>/tmp/stdin")
        if not eventually(lambda: "Press enter" in self.job.output(), 60):
            raise AssertionError(str(self.job.stop()))

    def stop(self):
        """Its own account: {port: (received, sent, not sent)}."""
        self.net.sh("echo > /tmp/stdin")
        out = self.job.wait().out
        return {int(found[0]): tuple(map(int, found[1:])) for found in re.findall(
            r"Forward statistics for port (\d).*\n +RX-packets: (\d+).*\n +TX-packets: (\d+) +TX-dropped: (\d+)", out)}


def forwarded(account):
    """Everything went out on the other side."""
    for port in account:
        received, (_, sent, dropped) = account[port][0], account[1 - port]
        assert received == sent + dropped, account
    assert account[0][0] > TRAIN and account[1][0] > 80, account


def redirected(net):
    return [sum(map(int, re.findall(r"_xdp_redirect: (\d+)", net.sh(f"ethtool -S {port}"))))
            for port in ("$A", "$B")]


def test_af_xdp(net):
    """Zero copy on two queues of each port."""
    channels = net.sh("ls /sys/class/net/$A/queues | grep -c rx-").strip()
    with net.undo(f"for n in $A $B; do ethtool -L $n combined {channels}; done"):
        net.sh("for n in $A $B; do ethtool -L $n combined 2; done")
        before = redirected(net)
        pmd = Pmd(net, "--no-pci --vdev net_af_xdp0,iface=$A,queue_count=2 --vdev net_af_xdp1,iface=$B,queue_count=2",
                      queues=2)
        carries(net)
        sockets = net.sh("ss -H --xdp -ae")
        assert re.findall(r"zc:(\d)", sockets) == ["1"] * 4, sockets
        account = pmd.stop()
        forwarded(account)
        assert [account[port][0] for port in (0, 1)] == [new - old for new, old in zip(redirected(net), before)]
        assert not re.search("prog/xdp", net.sh("ip link show $A; ip link show $B"))


def give(net, driver):
    """$A and $B to a driver."""
    for n in 1, 2:
        pci = net.vm.pci(n)
        net.sh(f"cd /sys/bus/pci/devices/{pci}; echo {driver} > driver_override; echo {pci} > driver/unbind;"
               f"echo {pci} > /sys/bus/pci/drivers_probe; readlink driver | grep '/{driver}$'")


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_vfio(net, end):
    """DPDK's driver has the ports to itself; when it has gone, or died in the middle, they are as new."""
    net.sh("modprobe vfio-pci")
    give(net, "vfio-pci")
    pmd = Pmd(net, " ".join(f"-a {net.vm.pci(n)}" for n in (1, 2)))
    carries(net)
    if end == "stopped":
        forwarded(pmd.stop())
    else:
        pmd.job.stop(9)
    give(net, net.vm.driver)
    net.find()
    with net.undo("ip link del br0"):
        net.sh("ip link add br0 type bridge; ip link set br0 up; for n in $A $B; do ip link set $n master br0; done")
        carries(net)
        assert "PASS" in net.sh("ethtool -t $A")
