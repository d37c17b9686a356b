# SPDX-License-Identifier: GPL-2.0-only
"""devlink: what the device is, hangs reported with the state of the rings and recovered, reload."""
import json
import re

import pytest

from util import A, B, eventually, explained, pair

RING = {"tx": {"next_to_clean", "announced", "next_to_use", "TDH", "TDT", "stopped", "bql_inflight"},
        "rx": {"next_to_clean", "next_to_use", "buffers", "RDH", "RDT", "descriptor_status"}}


@pytest.fixture(scope="module")
def net(machine):
    with pair(machine) as both:
        if both.vm.driver != "ignis":
            pytest.skip("about ignis only")
        both.dev = f"pci/{both.vm.pci(0)}"
        yield both


def nvm(net, word):
    """A word of the NVM, read past the driver."""
    eerd = net.limits.eerd
    text = net.sh(f"python3 $H/regs.py $A {eerd} 0 {word << 2 | 1}; python3 $H/regs.py $A {eerd}")
    return int(text, 16) >> 16


def reporters(net):
    shown = net.json(f"devlink -j health show {net.dev}")["health"]
    return {r["reporter"]: r for r in shown[net.dev]}


def diagnosed(net, reporter):
    return json.loads(net.sh(f"devlink -j health diagnose {net.dev} reporter {reporter}"))


def dumped(net, reporter):
    text = net.sh(f"devlink -j health dump show {net.dev} reporter {reporter}")
    net.sh(f"devlink health dump clear {net.dev} reporter {reporter}")
    return json.loads(text)


# What the device is

def test_info(net):
    info = net.json(f"devlink -j dev info {net.dev}")["info"][net.dev]
    sysfs = {name: net.sh(f"cat /sys/bus/pci/devices/{net.vm.pci(0)}/{name}").strip()
             for name in ("device", "revision")}
    serial = re.search(r"Device Serial Number (\S+)", net.sh(f"lspci -vv -s {net.vm.pci(0)}"))
    pba = nvm(net, 8), nvm(net, 9)
    assert info["driver"] == net.vm.driver
    assert info.get("serial_number") == (serial and serial[1])
    fixed = {"asic.id": sysfs["device"][2:], "asic.rev": str(int(sysfs["revision"], 16))}
    if pba not in ((0, 0), (0xffff, 0xffff)):
        fixed["board.id"] = f"{pba[0]:04X}{pba[1] >> 8:02X}-0{pba[1] & 255:02X}"
    assert info["versions"]["fixed"] == fixed
    version = nvm(net, 5)
    fw = info["versions"]["running"]["fw"]
    assert fw == f"{version >> 12:x}.{version >> 4 & 255:x}.{version & 15:x}"
    assert f"firmware-version: {fw}\n" in net.sh("ethtool -i $A")


def test_port(net):
    """The port names the netdev and does not rename it; kernels where it would have none."""
    ports = net.json("devlink -j port show")["port"]
    release = tuple(map(int, re.findall(r"\d+", net.sh("uname -r"))[:2]))
    if release < (6, 18):
        assert not ports
    else:
        port = ports[f"{net.dev}/0"]
        assert (port["type"], port["flavour"], port["netdev"]) == ("eth", "physical", net.a)
    assert net.run("cat /sys/class/net/$A/phys_port_name", check=False).rc


# Health

def test_healthy(net):
    """Nothing to report, and rings as they are: those of all channels, in step with the chip."""
    net.ping(args="-f -c 50")
    for name, reporter in reporters(net).items():
        assert reporter["state"] == "healthy" and not reporter["error"], reporter
        shown = diagnosed(net, name)
        assert shown["netdev"] == net.a and shown["carrier"]
        assert [r["queue"] for r in shown["rings"]] == list(range(net.channels))
        for ring in shown["rings"]:
            assert RING[name] <= set(ring) and ring["irq_unmasked"], ring
            assert ring["descriptors"] == 256 and ring["irq"] in net.irqs()
            if name == "rx":
                assert ring["buffers"] == 255 - (ring["next_to_clean"] + 255 - ring["next_to_use"]) % 256
            elif not ring["bql_inflight"]:
                assert ring["TDH"] == ring["TDT"] == ring["next_to_use"]
        assert any(r["next_to_use" if name == "tx" else "next_to_clean"] for r in shown["rings"])
    assert set(reporters(net)) == {"tx", "rx"}


def test_transmit_hang(net):
    """The transmitter dies: counted, dumped with the rings as they hang; revived when asked to.

    That it is revived without being asked is in test_backpressure.py.
    """
    net.check()
    was = reporters(net)["tx"]
    by_hand = f"devlink health set {net.dev} reporter tx auto_recover"
    with net.restored(), net.undo(f"{by_hand} true"):
        net.sh(f"ethtool -G $A tx 64; {by_hand} false")
        net.carrier()
        load = net.start(f"exec taskset -c 1 ping -f -q -s 1400 {B[4]}")
        net.sh(f"sleep .3; python3 $H/regs.py $A {net.limits.tctl:#x} 0xfffffffd 0")
        assert eventually(lambda: reporters(net)["tx"]["error"] > was["error"], 20)
        load.stop()
        now = reporters(net)["tx"]
        assert now["state"] == "error" and now["recover"] == was["recover"], now
        dump = dumped(net, "tx")
        stuck = [r for r in dump["rings"] if r["TDH"] != r["TDT"]]
        assert dump["netdev"] == net.a and not dump["TCTL"] & 2 and stuck, dump
        for ring in stuck:
            assert ring["TDH"] == ring["next_to_clean"] and ring["TDT"] == ring["announced"], ring
            assert not ring["descriptor_status"] & 1 and ring["bql_inflight"], ring
        net.sh(f"devlink health recover {net.dev} reporter tx")
        now = reporters(net)["tx"]
        assert now["state"] == "healthy" and now["recover"] == was["recover"] + 1, now
        assert diagnosed(net, "tx")["TCTL"] & 2
        net.carrier(30)
        net.ping(sizes=(56, 1472), args="-f -c 100")
    log = net.vm.dmesg(since_mark=True)
    assert re.search(r"transmit queue \d+ hangs", log), log
    net.vm.check_dmesg(allow="NETDEV WATCHDOG")
    net.forgive()               # what was in the ring is lost


def test_receive_stall(net):
    """Interrupts get lost: that nobody fetches the frames is noticed, and they are fetched."""
    was, (register, value) = reporters(net)["rx"], net.limits.mask
    # Let NAPI be idle, then mask; nothing else unmasks before the stall is noticed
    net.sh(f"sleep .2; python3 $H/regs.py $A {register} 0 {value}")
    ping = net.start(f"exec $P ping -c 3 -i 1 -W 20 {A[4]}")
    assert eventually(lambda: reporters(net)["rx"]["recover"] > was["recover"], 10)
    assert " 0% packet loss" in ping.wait().out
    now = reporters(net)["rx"]
    assert (now["error"], now["recover"], now["state"]) == (was["error"] + 1, was["recover"] + 1, "healthy")
    dump = dumped(net, "rx")
    waiting = [r for r in dump["rings"] if r["descriptor_status"] & 1]
    assert waiting and all(r["RDH"] != r["next_to_clean"] and not r["irq_unmasked"] for r in waiting), dump
    net.ping(args="-f -c 100")
    assert reporters(net)["rx"]["error"] == now["error"]
    assert "have stalled" in net.vm.dmesg(since_mark=True)
    net.check()


def test_health_while_down(net):
    with net.undo("ip link set $A up"):
        net.sh("ip link set $A down")
        assert diagnosed(net, "tx") == diagnosed(net, "rx") == {"state": "down"}
    net.up()


# Reload

@pytest.mark.long
def test_reload(net):
    """Five times under traffic: a port as from probe each time, nothing left behind."""
    state, irqs = net.state(), len(net.irqs())
    for _ in range(3):          # a leak grows each time
        before = net.holdings()
        load = net.start(f"while :; do $P ping -f -q -c 2000 -s 1000 -W 1 {A[4]}; done")
        for _ in range(5):
            net.sh(f"ethtool -G $A rx 64 tx 128; ethtool -L $A combined 1; ip link set $A mtu 4000; sleep .1;"
                   f"devlink dev reload {net.dev}")
            net.up()
        load.stop()
        net.attach(note=False)
        assert len(net.irqs()) == irqs
        now = net.state()
        assert [k for k in state if k not in ("link", "-x") and now[k] != state[k]] == []
        was, link = (json.loads(s["link"])[0] for s in (state, now))
        for name in ("ifname", "address", "mtu", "num_tx_queues", "flags"):
            assert link[name] == was[name], (name, link)
        net.ping(sizes=(56, 1472), args="-f -c 100")
        lost = net.grown_holdings(before)
        if not lost:
            break
    assert not lost, lost
    assert set(reporters(net)) == {"tx", "rx"}
    net.check()


def test_reload_to_name_space(net):
    """The port comes up where devlink goes, and back when that name space ends."""
    with net.undo(f"ip netns del other 2>/dev/null || true"):
        net.sh(f"ip link set $A down; ip netns add other; devlink dev reload {net.dev} netns other")
        assert net.a not in net.sh("ls /sys/class/net").split()
        assert net.a in net.sh("ip netns exec other ls /sys/class/net").split()
        assert net.dev in net.sh("devlink -N other dev show")
    net.wait(f"devlink dev show {net.dev} && ls /sys/bus/pci/devices/{net.vm.pci(0)}/net")
    net.attach(note=False)
    net.ping()
    net.check()


def test_reload_fails(net):
    """The device does not answer: an error with a reason, no port, and a reload when it does again."""
    command = "setpci -s 0000:00:10.0 COMMAND"      # of the port above
    old = net.sh(command).strip()
    net.sh("ip link set $A down")
    with net.undo(f"{command}={old}"):
        net.sh(f"{command}=0")
        for _ in range(2):
            result = net.run(f"devlink dev reload {net.dev}", check=False)
            assert result.rc and explained(result.err), result
            assert net.a not in net.sh("ls /sys/class/net").split()
            assert "reload_failed" in net.sh(f"devlink dev show {net.dev}")
            assert net.json(f"devlink -j dev info {net.dev}")["info"][net.dev]["driver"] == net.vm.driver
            assert diagnosed(net, "tx") == {"state": "no port"}
    net.sh(f"devlink dev reload {net.dev}")
    assert "reload_failed true" not in net.sh(f"devlink dev show {net.dev}")
    net.attach(note=False)
    net.ping(sizes=(1472,), args="-f -c 100")
    net.check()
