# SPDX-License-Identifier: GPL-2.0-only
"""A guest that counts: its instructions and register accesses, between two points of its time."""
import fcntl
import mmap
import shutil
import socket
import struct
import tempfile
import termios
import time
from bisect import bisect_right
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import caused
import lab
from vm import VM, Nic

HERE = Path(__file__).resolve().parent
# One instruction is one nanosecond of the guest's time: timers, and so moderation and interrupts,
# depend on what the guest does and not on how busy the host is
ICOUNT = ["-icount", "shift=0"]
# Without these the kernel copies and clears in loops that can be counted, not with one rep instruction
CPU = ["-cpu", "max,la57=off,erms=off,fsrm=off,fsrs=off,fzrm=off,fsrc=off"]


def compiled(kind):
    """{name: path} of what is built from the C files here, built again when one has changed."""
    out = lab.CACHE / "build/bench"
    out.mkdir(parents=True, exist_ok=True)
    flags = "-O2 -Wall -Werror"
    todo = {"count.so": (HERE / "count.c", "base", f"gcc {flags} -fPIC -shared -fvisibility=hidden"),
            "guest": (HERE / "guest.c", "base", f"gcc {flags}"),
            "xsk": (lab.PROJECT / "qemu/guest/xsk.c", "base", f"gcc {flags}"),
            "xdp.o": (HERE / "xdp.bpf.c", "check", f"clang {flags} -g -target bpf -I/usr/include/x86_64-linux-gnu -c")}
    name = {"plugin": "count.so", "helper": "guest", "xsk": "xsk", "xdp": "xdp.o"}[kind]
    source, root, compiler = todo[name]
    with lab.locked("bench"):
        done, copy = out / name, out / source.name
        text = source.read_bytes()
        if not done.exists() or not copy.exists() or copy.read_bytes() != text:
            shutil.copyfile(source, copy)
            lab.chroot(f"cd /build && {compiler} -o {name}.new {copy.name} && mv {name}.new {name}", "bench",
                       f"compiling {copy.name}", binds=[(out, "/build")], name=root)
    return done


class Symbols:
    """Which function an address of the kernel is in; functions are (module or "", name)."""

    def __init__(self, kallsyms, modules):
        table = []
        for line in kallsyms.splitlines():
            addr, kind, name, *module = line.replace("\t", " ").split()
            if kind in "tTwW":
                table.append((int(addr, 16), module[0].strip("[]") if module else "", name))
        table.sort()
        self.addrs, self.functions = [t[0] for t in table], [t[1:] for t in table]
        self.end = {}
        for line in modules.splitlines():
            name, size, _, _, _, addr = line.split()[:6]
            self.end[name] = int(addr, 16) + int(size)

    def of_interest(self, drivers):
        """The functions of the drivers, and those that these cause, as count.c reads them."""
        out = []
        for (module, name), start, end in zip(self.functions, self.addrs, self.addrs[1:] + [2 ** 64 - 1]):
            who = "d" if module in drivers else "c" if not module and caused.group(name) else ""
            if who and start < end:
                out.append(f"{start:x} {min(end, self.end.get(module, end)):x} {who}\n")
        return "".join(out)

    def __call__(self, addr):
        n = bisect_right(self.addrs, addr) - 1
        module, name = self.functions[n] if n >= 0 else ("", "?")
        # What has come later is BPF programs
        return ("bpf", "program") if module and addr >= self.end[module] else (module, name)


@dataclass
class Counts:
    """What happened between the markers."""
    insns: Counter = field(default_factory=Counter)     # by function
    user: int = 0
    mmio: Counter = field(default_factory=Counter)      # by (r or w, offset)
    irqs: int = 0
    lines: Counter = field(default_factory=Counter)     # of cache, by ("data" or "code", "driver" or "both")


class Guest:
    """One CPU, a port of the model, its cable ends here; the drivers are loaded. A second port waits for a driver."""

    def __init__(self, kernel, model, drivers, module=None):
        self.drivers = drivers
        self.dir = Path(tempfile.mkdtemp(prefix="ignis-bench-"))
        self.vm = VM(kernel, nics=[Nic(model, wire="a"), Nic(model, wire="b")], cpus=1, module=module, name=f"bench-{model}",
                     tcg="thread=single", cmdline="damon_stat.enabled=0 transparent_hugepage=never",
                     qemu_args=[*CPU, *ICOUNT, "-plugin", f"file={compiled('plugin')},out={self.dir}",
                                "-chardev", f"socket,id=mark,path={self.dir}/mark,server=on,wait=off",
                                "-device", "virtserialport,chardev=mark,name=org.ignis.mark"])
        self.phases, self.devs, self.bars = 0, {}, {}

    def __enter__(self):
        try:
            self.vm.start_qemu(timeout=900)
            with open(self.dir / "halted", "rb") as f:
                self.halted = mmap.mmap(f.fileno(), 8, access=mmap.ACCESS_READ)
            for kind in "helper", "xdp", "xsk":
                shutil.copy(compiled(kind), self.vm.dir / "out")
            # No modules come, and no symbols are read, once the guest counts: it is slow then
            self.vm.run("cp /out/guest /out/xdp.o /out/xsk /tmp; modprobe -a pktgen act_gact cls_matchall sch_ingress")
            for driver in self.drivers:
                self.vm.load(driver)
            self.bind("none", 1)
            self.vm.run("cat /proc/kallsyms > /out/kallsyms; cat /proc/modules > /out/modules")
            self.symbols = Symbols(*((self.vm.dir / "out" / f).read_text() for f in ("kallsyms", "modules")))
            (self.dir / "functions").write_text(self.symbols.of_interest(self.drivers))
            agent = self.vm.run("pgrep -f [a]gent.py").out.split()[0]
            self.vm.start(f"exec /tmp/guest mark org.ignis.mark {agent} 2> /dev/console")
            self.port = socket.socket(socket.AF_UNIX)
            self.port.connect(str(self.dir / "mark"))
            self.wire, self.wire2 = self.vm.wire("a"), self.vm.wire("b")
            self.command(b"s")          # the first time it is only told to count from here on
            self.command(b"a")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.vm.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def bind(self, driver, port=0):
        """Put a port into the hands of that driver, or of "none"."""
        pci = self.vm.pci(port)
        self.vm.run(f"cd /sys/bus/pci; [ ! -e devices/{pci}/driver ] || echo {pci} > devices/{pci}/driver/unbind;"
                    f"echo {driver} > devices/{pci}/driver_override; echo {pci} > drivers_probe")
        self.devs.pop(port, None)
        self.bars.pop(port, None)
        if driver != "none":
            self.devs[port] = self.vm.netdev(port)
            first = self.vm.run(f"head -n 1 /sys/bus/pci/devices/{pci}/resource").out.split()
            self.bars[port] = range(int(first[0], 16), int(first[1], 16) + 1)

    @contextmanager
    def second_port(self):
        """With a second port, $N2, that is driven like the first one."""
        self.bind(self.vm.run(f"basename $(readlink /sys/class/net/{self.dev}/device/driver)").out.strip(), 1)
        try:
            self.sh("ip link set $N2 addrgenmode none; ip link set $N2 up; ethtool -L $N2 combined 1 2> /dev/null || true")
            self.vm.carrier(self.devs[1])
            self.wire2.clear()
            yield
        finally:
            self.bind("none", 1)

    @property
    def dev(self):
        return self.devs[0]

    def sh(self, script, **kw):
        return self.vm.run(f"N={self.devs[0]}; N2={self.devs.get(1, '')}; set -e; {script}", **kw).out

    def statistic(self, name):
        return int(self.sh(f"cat /sys/class/net/$N/statistics/{name}"))

    # --- time ---

    def settle(self, quiet=.006, timeout=60):
        """Wait until the guest has had nothing to do for a while."""
        end, since = time.monotonic() + timeout, None
        while True:
            now = time.monotonic()
            if self.halted[0] != 1:
                since = None
            elif since is None:
                since = now
            elif now - since > quiet:
                return
            if now > end:
                raise self.vm.error(f"the guest does not come to rest in {timeout} s")
            time.sleep(.0005)

    def command(self, c, timeout=300):
        self.port.settimeout(timeout)
        self.port.sendall(c)
        try:
            answer = self.port.recv(1)
        except TimeoutError:
            answer = None
        if answer != c:
            raise self.vm.error(f"the guest's marker does not answer {c.decode()!r}")

    def burst(self, frames):
        """Put frames before the port all at once, and wait until the guest is through with them.

        QEMU reads them in one go, so that the guest, which is at rest, wakes to all of them.
        """
        self.wire.send(frames)
        end = time.monotonic() + 60
        while struct.unpack("i", fcntl.ioctl(self.wire.sock, termios.TIOCOUTQ, bytes(4)))[0]:
            if time.monotonic() > end:
                raise self.vm.error("QEMU does not take frames")
            time.sleep(.0002)
        self.vm.qmp("query-status")     # its main loop has answered: it is through with the frames
        self.settle()

    # --- counting ---

    def interrupts(self):
        text = self.sh(f"grep -E '[ -]({'|'.join(self.devs.values())})(-|$)' /proc/interrupts || true")
        return sum(int(line.split()[1]) for line in text.splitlines())

    def count(self, work):
        """Run work() and return what it made the guest do."""
        irqs = self.interrupts()
        self.settle(.03)
        self.command(b"s")
        try:
            self.settle()
            work()
            self.settle()
        except AssertionError:
            self.command(b"a")          # or the guest's agent would not answer any more
            raise
        self.command(b"e")
        path, self.phases = self.dir / str(self.phases), self.phases + 1
        found = Counts(irqs=self.interrupts() - irqs)
        for line in path.read_text().splitlines():
            kind, *rest = line.split()
            if kind == "u":
                found.user = int(rest[0])
            elif kind in "dc":
                for who, n in zip(("driver", "both"), rest):
                    found.lines["data" if kind == "d" else "code", who] = int(n)
            elif kind == "i":
                found.insns[self.symbols(int(rest[0], 16))] += int(rest[1])
            else:
                for bar in self.bars.values():
                    if int(rest[0], 16) in bar:
                        found.mmio[kind, int(rest[0], 16) - bar.start] += int(rest[1])
        path.unlink()
        return found
