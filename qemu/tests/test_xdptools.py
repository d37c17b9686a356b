# SPDX-License-Identifier: GPL-2.0-only
"""The programs of xdp-tools in the driver: xdp-forward is a router, xdp-filter a firewall."""
import re

import pytest

from util import eventually, line, lossless

pytestmark = pytest.mark.long
LEFT, RIGHT = {4: "10.1.0.2", 6: "2001:db8:1::2"}, {4: "10.2.0.2", 6: "2001:db8:2::2"}
NEAR = {4: "10.1.0.1", 6: "2001:db8:1::1"}              # of the router, to the left


@pytest.fixture(scope="module")
def router(machine):
    """$A and $B route between the hosts; nobody has to ask for a neighbour."""
    with line(machine) as net:
        mac = [nic.mac for nic in net.vm.nics]
        net.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        for host, end, port, to_host, to_port, addresses in (("$left", "$L", "$A", mac[0], mac[1], LEFT),
                                                             ("$right", "$R", "$B", mac[3], mac[2], RIGHT)):
            for bits, theirs in zip(("24", "64 nodad"), addresses.values()):
                ours = theirs[:-1] + "1"
                net.sh(f"""ip addr add {ours}/{bits} dev {port}; {host} ip addr add {theirs}/{bits} dev {end}
                    ip neigh add {theirs} lladdr {to_host} dev {port}
                    {host} ip neigh add {ours} lladdr {to_port} dev {end}
                    {host} ip route add default via {ours}""")
        for to in RIGHT.values():
            net.wait(f"$left ping -c 1 -W 1 {to}", 15)
        yield net


@pytest.fixture(autouse=True)
def log(router):
    router.vm.mark_dmesg()
    yield
    router.vm.check_dmesg()


def attached(net, port, program):
    """In the driver, not in front of the stack."""
    link, = net.json(f"ip -d -j link show {port}")
    assert link["xdp"]["mode"] == 1             # XDP_ATTACHED_DRV
    status = net.sh(f"xdp-loader status {port}")
    assert re.search(r"xdp_dispatcher +native ", status) and f" {program} " in status, status


def counted(net, what):
    """What programs decided of what $A and $B received, each."""
    return [sum(map(int, re.findall(rf"_xdp_{what}: (\d+)", net.sh(f"ethtool -S {port}"))))
            for port in ("$A", "$B")]


def routed(net):
    """Packets that the stack forwarded."""
    out = net.sh("nstat -asz IpForwDatagrams Ip6OutForwDatagrams")
    return sum(map(int, re.findall(r"^Ip\S+ +(\d+)", out, re.M)))


@pytest.mark.parametrize("fib", ["direct", "full"])
def test_forward(router, fib):
    """Every packet between the hosts goes by the driver, none by the stack, until it is unloaded."""
    pings = "; ".join(f"$left ping -q -W 10 -c 20 -i .02 -s {size} {RIGHT[v]}"
                      for v, largest in ((4, 1472), (6, 1452)) for size in (0, 56, largest))
    stack = routed(router)
    with router.undo("xdp-forward unload $A $B"):
        router.sh(f"xdp-forward load -m native -F {fib} $A $B")
        for port in "$A", "$B":
            attached(router, port, f"xdp_fwd_fib_{fib}")
        before = counted(router, "redirect")
        lossless(router.sh, pings, "$left")
        assert counted(router, "redirect") == [n + 120 for n in before]
        expired = router.run(f"$left ping -c 1 -W 5 -t 1 {RIGHT[4]}", check=False)
        assert "Time to live exceeded" in expired.out, expired
        assert counted(router, "redirect") == [n + 120 for n in before]
        router.iperf(RIGHT[4])
        assert routed(router) == stack
    before = counted(router, "redirect")
    lossless(router.sh, pings, "$left")
    assert counted(router, "redirect") == before and routed(router) == stack + 240


def send(net, v, port):
    """How many of 20 datagrams from the left host arrive, when that many have arrived or were dropped."""
    def seen(before=""):
        out = net.sh(before + "nstat -asz UdpNoPorts Udp6NoPorts; ethtool -S $A")
        return [sum(map(int, re.findall(rf"^ *{name}:? +(\d+)", out, re.M)))
                for name in (r"Udp\w+", r"\w+_xdp_drop")]

    before = seen()
    now = seen(f"$left bash -c 'for n in {{1..20}}; do echo > /dev/udp/{NEAR[v]}/{port}; done'; ")
    while max(new := [n - b for n, b in zip(now, before)]) < 20:
        assert eventually(lambda: seen() != now, 10), new
        now = seen()
    return new[0]


@pytest.mark.parametrize("policy", ["allow", "deny"])
def test_filter(router, policy):
    """Rules by port, address and MAC take what they name out of the policy, and nothing else, until removed."""
    ruled, unruled = (0, 20) if policy == "allow" else (20, 0)
    mac = router.vm.nics[0].mac
    with router.undo("xdp-filter unload $A"):
        router.sh(f"xdp-filter load -m native -p {policy} $A")
        attached(router, "$A", f"xdpfilt_{'alw' if policy == 'allow' else 'dny'}_all")
        for rule, match, other in (("port 5001 -p udp -m dst", (4, 5001), (4, 5002)),
                                   (f"ip {LEFT[4]} -m src", (4, 5001), (6, 5001)),
                                   (f"ip {LEFT[6]} -m src", (6, 5001), (4, 5001)),
                                   (f"ether {mac} -m src", (4, 5001), None),
                                   ("ether 02:00:00:00:00:77 -m src", None, (4, 5001))):
            router.sh(f"xdp-filter {rule}")
            if match:
                assert send(router, *match) == ruled, rule
                hits = re.search(rf"^ +{rule.split()[1]} .* (\d+)$", router.sh("xdp-filter status"), re.M)
                assert int(hits[1]) >= 20, rule       # IPv6 has things to say, too
            if other:
                assert send(router, *other) == unruled, rule
            router.sh(f"xdp-filter {rule} -r")
            assert send(router, *(match or other)) == unruled, f"{rule}, removed"
