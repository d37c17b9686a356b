# SPDX-License-Identifier: GPL-2.0-only
"""What the functional tests share: limits of each chip, a pair of ports, counters, leak accounts.

Both ports are driven by the driver under test. Port A stays in the root name space, port B is in
the name space `peer`. Scripts are plain shell; $A and $B are the interface names, $P runs
a command in the peer's name space, $H is the directory of the guest-side helpers.
"""
import contextlib
import json
import os
import re
import shutil
import time
from collections import Counter

import lab
from chips import CHIPS
from conftest import drop, finish, shared_vm
from vm import VMError, patience

A = {4: "192.0.2.1", 6: "2001:db8::1"}
B = {4: "192.0.2.2", 6: "2001:db8::2"}

# Not rx_missed_errors: QEMU loses what it has queued itself when a ring runs empty. Not tx_dropped:
# the stack counts there what it tries to send while there is no link.
ERRORS = re.compile(r"""[rt]x_errors | collisions | [rt]x_(crc|length|over|fifo|frame|aborted|carrier|heartbeat|window)_errors
    | rx_dropped | [rt]x_queue_\d+_(dropped|errors) | rx-(alloc-fail|csum-bad)""", re.X)

# What can be read back of a port's configuration: it changes only when somebody changes it.
STATE = r"""for what in -g -l -c -k -x -a ""; do echo "@$what"; ethtool $what $A; done 2>&1
    echo @link; ip -d -j link show $A"""
# What comes and goes with the link.
TRANSIENT = re.compile(r"""^\t(Speed|Duplex|Link|MDI-X|Lanes|master-slave\ status).*\n(\t\ {5,}.*\n)*
    | ^[RT]X\ negotiated.*\n | "NO-CARRIER", | ,"LOWER_UP" | "(operstate|qdisc)":"[^"]*",""", re.M | re.X)
STRERROR = {os.strerror(n) for n in range(1, 134)}


def explained(text):
    """Does an error output say more than the name of an errno?"""
    lines = [re.sub(r"^(netlink error|Error|RTNETLINK answers|Cannot [^:]*): *", "", line).rstrip(".")
             for line in text.splitlines()]
    return any(line and line not in STRERROR for line in lines)


@contextlib.contextmanager
def pair(machine, prepare=None, cmdline="", **kw):
    """Two ports of a guest, fresh from probe; prepare(vm) runs while no driver is loaded.

    The guest is kept for the next one that wants the same, unless it was prepared.
    """
    device = machine.device
    vm = shared_vm(machine, {"nics": f"{device} {device}", "cmdline": f"iomem=relaxed {cmdline}", **kw})
    vm.users += 1
    both = None
    try:
        if prepare:
            vm.unload()
            prepare(vm)
            vm.load()
        both = Pair(vm)
        yield both
    finally:
        vm.users -= 1
        try:
            stays = both and not prepare and both.leave()
        except AssertionError:
            drop(vm)
            raise
        if not stays:
            drop(vm)


# All DMA is by buffers of the kernel's own; it copies from and to them
BOUNCE = "swiotlb=force"


def bounces(on):
    assert int(on.sh("cat /sys/kernel/debug/swiotlb/io_tlb_used")), "DMA goes to where it should not"


def nomsix(vm):
    """Make the ports look as if they had no MSI-X."""
    work = vm.dir / "nomsix"
    shutil.copytree(lab.PROJECT / "qemu/guest/nomsix", work)
    lab.chroot(f"make -C {vm.kernel.kdir} M=/build modules", "nomsix", "building nomsix.ko",
               vm.kernel, [(work, "/build")])
    shutil.copy(work / "nomsix.ko", vm.dir / "out")
    vm.run("insmod /out/nomsix.ko")


class Shell:
    """Scripts in a guest; each begins with the prefix."""

    vm, prefix = None, ""

    def sh(self, script, **kw):
        """Run a shell script in the guest; its output. Any failing command raises."""
        return self.run("set -e; " + script, **kw).out

    def run(self, script, **kw):
        return self.vm.run(self.prefix + script, **kw)

    def start(self, script):
        return self.vm.start(self.prefix + script)

    def wait(self, condition, timeout=10):
        """Until a shell condition holds."""
        self.sh(f"SECONDS=0; until {{ {condition}; }} >/dev/null 2>&1; do [ $SECONDS -le {patience(timeout)} ] ||"
                f" {{ echo 'never came: {condition.replace(chr(39), '')}' >&2; exit 1; }}; sleep .1; done",
                timeout=timeout + 60)

    @contextlib.contextmanager
    def undo(self, script):
        """Run the script when the body is done, however it ends."""
        try:
            yield
        finally:
            self.sh(script)

    def json(self, script, **kw):
        return json.loads(self.sh(script, **kw))


# Growth that is noise, as seen of an idle guest; stacks of tasks, kept for each CPU, are in "vmalloc".
# Each CPU keeps up to 128 sk_buffs for NAPI, and the IOMMU code stocks of addresses; a ring left
# mapped each time is 1,600 addresses more.
NOISE = {"slab": 64, "vmalloc": 8, "irqs": 0, "memory": 32 << 10, "skbuff_head_cache": 512, "iommu_iova": 1000}
# A debug kernel keeps what it knows of 128 references that were put: two ports, twice two namespaces, in
# either of two caches; and some things more
DEBUG_NOISE = NOISE | {"slab": 160, "kmalloc-32": 6 * 128, "kmalloc-64": 7 * 128}


class Pair(Shell):
    """Two ports of one guest on one wire."""

    def __init__(self, vm):
        self.vm, self.limits = vm, CHIPS[vm.nics[0].model]
        self.prefix = "P='ip netns exec peer' H=/ignis/qemu/guest; "
        self.sh("ip netns add peer; $P ip link set lo up; $P iperf3 -s -D")
        self.sh("$P python3 $H/stream.py server :: 5400 >/dev/null 2>&1 &")
        self.attach()

    def leave(self):
        """Take the driver and all that ran over it away and load it anew; false if the guest is lost."""
        try:
            self.vm.run("pkill iperf3; pkill -f '[s]tream.py'; true")
            self.vm.unload()
            self.vm.run("ip netns del peer")
            self.vm.check_dmesg()
            self.vm.load()
        except VMError:
            return False
        return True

    def attach(self, note=True):
        """Start from ports fresh from probe: find them, put them in place, note how they are."""
        self.a, self.b = self.vm.netdev(0), self.b_name()
        self.prefix = f"A={self.a} B={self.b} P='ip netns exec peer' H=/ignis/qemu/guest; "
        self.up()
        self.forgive()
        if note:
            self.note_defaults()

    def b_name(self):
        """Port B, moved to its name space if it is not there yet."""
        device = f"/sys/bus/pci/devices/{self.vm.pci(1)}/net"
        name = self.run(f"$P ls {device}", check=False).out.strip()
        if not name:
            name = self.vm.netdev(1)
            self.sh(f"ip link set {name} netns peer")
        return name

    def up(self, wait=True):
        """Both ports up, with their addresses (an MTU below 1280 takes IPv6 away)."""
        for port, end, net in (("$A", A, ""), ("$B", B, "$P ")):
            self.sh(f"{net}ip link set {port} up; {net}ip addr replace {end[4]}/24 dev {port};"
                    f"{net}ip addr replace {end[6]}/64 dev {port} nodad")
        if wait:
            self.carrier()

    def carrier(self, timeout=15):
        """Wait until both ends have a link and the neighbour answers."""
        self.wait(f"ip link show $A | grep -q LOWER_UP && $P ip link show $B | grep -q LOWER_UP &&"
                  f" ping -c 1 -W 1 {B[4]}", timeout)

    def bounce(self, while_down=":"):
        self.sh(f"ip link set $A down; {while_down}")
        self.up()

    # Settings

    @contextlib.contextmanager
    def restored(self):
        """Put the configuration of port A back to how the test found it at first."""
        try:
            yield
        finally:
            self.restore()

    def restore(self):
        changed = [what for what, text in self.state().items() if text != self.state0[what]]
        if changed:
            self.run("; ".join(self.defaults[what] for what in self.defaults if what in changed),
                     check=False)
            self.up()

    def note_defaults(self):
        """How the port is now, and for each part of that what brings it back."""
        self.state0 = state = self.state()
        ring = re.findall(r"^[RT]X:\s+(\d+)", state["-g"].partition("Current")[2], re.M)
        self.channels = int(re.findall(r"Combined:\s+(\d+)", state["-l"])[1])
        usecs = re.search(r"^rx-usecs:\s+(\d+)", state["-c"], re.M)[1]
        adaptive = re.search(r"Adaptive RX: (\S+)", state["-c"])[1]
        pause = re.findall(r":\s+(on|off)", state["-a"])
        key = re.search(r"RSS hash key:\n([\da-f:]+)", state["-x"])
        link = json.loads(state["link"])[0]
        supported, advertised = (re.search(rf"{what} link modes:([^:]*)\n\t\S", state[""])[1].split()
                                 for what in ("Supported", "Advertised"))
        self.defaults = {
            "link": f"ip link set $A mtu {link['mtu']} address {link['address']} promisc off",
            "-x": f"ethtool -X $A default; ethtool -X $A hkey {key and key[1]}",
            "-l": f"ethtool -X $A default; ethtool -L $A combined {self.channels}",
            "-g": f"ethtool -G $A rx {ring[0]} tx {ring[1]}",
            "-c": f"ethtool -C $A adaptive-rx {adaptive} rx-usecs {usecs} || ethtool -C $A rx-usecs {usecs};"
                  f"ethtool -C $A adaptive-rx {adaptive}",
            "-k": "ethtool -K $A " + " ".join(f"{n} {v}" for n, v in self.features(state["-k"]).items()),
            "-a": "ethtool -A $A autoneg {} rx {} tx {}".format(*pause),
            "": "ethtool -s $A autoneg on advertise " + " ".join(
                f"{mode} {'on' if mode in advertised else 'off'}" for mode in supported),
        }

    def features(self, text=None):
        """{name: "on" or "off"} of all features that can be changed by themselves."""
        rows = re.findall(r"^\t?([a-z][\w-]+): (on|off)$", text or self.sh("ethtool -k $A"), re.M)
        groups = ("tx-checksumming", "scatter-gather", "tcp-segmentation-offload")
        return {name: value for name, value in rows if name not in groups}

    # Reading

    def state(self):
        """{part: text}, with the parts named by the option of ethtool that shows them."""
        return dict(part.split("\n", 1) for part in TRANSIENT.sub("", self.sh(STATE)).split("@")[1:])

    def genl(self, what, ns=""):
        """Objects of the netdev family that belong to port A (or to B: ns="$P")."""
        ifindex = int(self.sh(f"{ns} cat /sys/class/net/{'$B' if ns else '$A'}/ifindex"))
        found = self.json(f"{ns} python3 $H/genl.py {what}")
        return [o for o in found if o.get("ifindex", ifindex) == ifindex]

    def stats(self, ns=""):
        """ethtool -S and the link's own counters, as one Counter."""
        port = "$B" if ns else "$A"
        text = self.sh(f"{ns} ethtool -S {port}; cd /sys/class/net;"
                       f"{ns} grep -H . {port}/statistics/* | sed 's/.*statistics.//'")
        return Counter({k: int(v) for k, v in re.findall(r"^\s*(\w+): ?(\d+)$", text, re.M)})

    def grown(self, before, ns=""):
        """By how much the counters rose since."""
        now = self.stats(ns)
        now.subtract(before)
        return now

    def per_queue(self, *what):
        """[counter of queue 0, of queue 1, ...] for each of what, e.g. "rx-packets"."""
        rows = sorted(self.genl("qstats-queue"), key=lambda row: row["id"])
        return [[row[name] for row in rows if name in row] for name in what]

    def irqs(self):
        """{irq: number of interrupts so far} of port A."""
        text = self.sh("D=/sys/class/net/$A/device; echo $(ls $D/msi_irqs 2>/dev/null || cat $D/irq);"
                       "cat /proc/interrupts")
        mine, table = text.split("\n", 1)
        cpus = len(table.splitlines()[0].split())
        rows = (line.split() for line in table.splitlines()[1:])
        return {int(r[0][:-1]): sum(map(int, r[1:cpus + 1])) for r in rows
                if r[0][:-1] in mine.split()}

    def queue_irqs(self):
        """The interrupt of each receive queue, by way of its NAPI."""
        irq = {n["id"]: n.get("irq") for n in self.genl("napi")}
        return [irq[q["napi"]] for q in sorted(self.genl("queue"), key=lambda q: q["id"])
                if q["type"] == 0]

    def processed(self):
        """Packets the stack handled, and remote wake-ups received, for each CPU."""
        rows = [[int(w, 16) for w in line.split()]
                for line in self.sh("cat /proc/net/softnet_stat").splitlines()]
        return [r[0] for r in rows], [r[9] for r in rows]

    # Errors

    def errors(self):
        return Counter({f"{port} {name}": value for port, ns in ((self.a, ""), (self.b, "$P"))
                        for name, value in {**self.stats(ns), **dict(*self.genl("qstats", ns))}.items()
                        if ERRORS.fullmatch(name)})

    def forgive(self):
        """What happened so far was provoked."""
        self.errors0 = self.errors()

    def check(self):
        """No error or drop since forgive(), nothing bad in the kernel log."""
        new = self.errors() - self.errors0
        self.forgive()
        assert not new, f"errors and drops: {dict(new)}"
        self.vm.check_dmesg()

    # Traffic

    def ping(self, to=B[4], sizes=(56,), args="-c 3 -i .02", ns=""):
        """Every size must come back without a loss."""
        lossless(self.sh, "; ".join(f"{ns} ping -W 10 -q {args} -s {s} {to}" for s in sizes), ns)

    def iperf(self, args="", to=B[4], size="16M"):
        """iperf3 against the peer, so many bytes of TCP or a second of UDP; "end" of its report."""
        amount = "-t 1" if "-u" in args.split() else f"-n {size}"
        return self.json(f"iperf3 -J {amount} -c {to} {args}", timeout=120)["end"]

    @contextlib.contextmanager
    def stream(self, to=B[4]):
        """A verified TCP connection with data both ways while the body runs.

        Yields progress(), which returns when another half a megabyte went round.
        """
        self.sh("rm -f /tmp/stream")
        job = self.start(f"exec python3 $H/stream.py client {to} 5400 /tmp/stream")

        def progress(size=1 << 19, timeout=20):
            done = int(self.sh("cat /tmp/stream"))
            self.wait(f"[ $(cat /tmp/stream) -ge {done + size} ]", timeout)

        try:
            self.wait("[ -s /tmp/stream ]")
            yield progress
            progress()
        finally:
            job.stop()

    def train(self, count, to="a", flows=1, gap=100, size=64, recv="", cpus=""):
        """UDP datagrams from the other port, one each gap microseconds (for stock kernels); the receiver's report."""
        there, here, address = ("$P", "", A[4]) if to == "a" else ("", "$P", B[4])
        job = self.start(f"exec {here} python3 $H/train.py recv {address} {count} size={size} {recv}")
        self.wait(f"{here} ss -Hlun sport = 5300 | grep -q .")
        self.sh(f"{there} python3 $H/train.py send {address} {count} flows={flows} gap={patience(gap)}"
                f" size={size} cpus={cpus}")
        return json.loads(job.wait().out)

    # Leaks

    def pools(self):
        """(live, dying) page pools of port A."""
        found = self.genl("page-pool")
        return sum("detached" not in p for p in found), sum("detached" in p for p in found)

    def holdings(self):
        """What the driver holds of the kernel."""
        found = self.json("python3 $H/holdings.py", timeout=120)
        return {(kind, name): n for kind, part in found.items() for name, n in part.items()}

    def grown_holdings(self, before):
        """{what: (before, now)} of what has grown by more than noise."""
        noise = DEBUG_NOISE if self.vm.kernel.debug else NOISE
        return {f"{kind} {name}": (before.get((kind, name), 0), value) for (kind, name), value in self.holdings().items()
                if value - before.get((kind, name), 0) > noise.get(name, noise[kind])}

    def check_leaks(self, before):
        """Nothing has grown, once the kernel has freed what it frees late: kfree_rcu() takes over 5 s."""
        lost = {}

        def nothing():
            lost.clear()
            lost.update(self.grown_holdings(before))
            return not lost

        assert eventually(nothing, 30), lost


class Line(Shell):
    """Four ports of one guest: $L - $A and $B - $R. The outer ones are hosts in the name spaces
    left and right, where $left and $right run a command; something shall forward between the others."""

    def __init__(self, vm):
        self.vm, self.ends = vm, (vm.netdev(0), vm.netdev(3))
        self.find()
        self.sh("for n in left right; do ip netns add $n; ip -n $n link set lo up; done;"
                "ip link set $L netns left; ip link set $R netns right; $right iperf3 -s -D;"
                "$left ip link set $L addrgenmode none up; $right ip link set $R addrgenmode none up")

    def find(self):
        """$A and $B, maybe under new names, up; they send nothing that nobody asked for."""
        self.prefix = ("L={} R={} A={} B={} left='ip netns exec left' right='ip netns exec right' H=/ignis/qemu/guest; "
                       .format(*self.ends, self.vm.netdev(1), self.vm.netdev(2)))
        self.sh("for n in $A $B; do ip link set $n addrgenmode none up; done")

    def iperf(self, to):
        """TCP from the left host to the right one and back."""
        for way in "", "-R":
            end = self.json(f"$left iperf3 -J -n 4M -w 200K -c {to} {way}", timeout=120)["end"]
            # What is in buffers when the sender is through does not count: few, therefore
            assert end["sum_received"]["bytes"] > 2 << 20, end


@contextlib.contextmanager
def line(machine, **kw):
    """A Line in a guest of its own."""
    device = machine.device
    vm = shared_vm(machine, {"nics": f"{device}:1 {device}:1 {device}:2 {device}:2", **kw})
    vm.users += 1
    try:
        yield Line(vm)
    finally:
        vm.users -= 1
        finish(vm)


def toeplitz(key, data):
    """The RSS hash of the data sheets."""
    window = int.from_bytes(key, "big")
    bits, width = int.from_bytes(data, "big"), len(data) * 8
    result = 0
    for i in range(width):
        if bits >> (width - 1 - i) & 1:
            result ^= window >> (len(key) * 8 - 32 - i)
    return result & 0xffffffff


def lossless(sh, pings, ns=""):
    """Every echo comes back, late or not: once one is there, ping itself hardly waits for the last."""
    def run(script):
        out = sh(f"{ns} nstat -asz IcmpInEchoReps Icmp6InEchoReplies; {script}", timeout=120)
        return sum(map(int, re.findall(r"^Icmp\S+ +(\d+)", out, re.M))), out

    before, out = run(pings)
    sent = sum(map(int, re.findall(r"(\d+) packets transmitted", out)))
    assert sent and eventually(lambda: run("")[0] >= before + sent, 10), out


def eventually(condition, timeout=5):
    """A host-side condition, polled."""
    end = time.monotonic() + patience(timeout)
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(.2)
    return True
