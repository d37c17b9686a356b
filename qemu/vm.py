# SPDX-License-Identifier: GPL-2.0-only
"""A guest under QEMU with emulated NICs: boot it, run commands in it, be the wire.

    with VM(kernel="backports", nics=[Nic(wire="a")], driver="ignis") as vm:
        vm.run("ip link set eth0 up")
        vm.wire("a").send([frame])

Without hardware virtualisation this runs under TCG: seconds become tens of them, races show.
"""
import atexit
import base64
import contextlib
import ctypes
import io
import itertools
import json
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import lab

BAD = re.compile(
    r"WARNING:|BUG:|BUG |Oops:|Call Trace|general protection|refcount_t:|NETDEV WATCHDOG|"
    r"possible .* lock|inconsistent lock|non-static key|locking correctness validator|suspicious RCU|"
    r"DMA-API: (?!dma_debug_entry pool grown)|KASAN:|UBSAN:|KFENCE:|ODEBUG:|kmemleak: .*(disabled|Cannot)|"
    r"corruption|stalled pool|ref_tracker:|"
    r"DMAR: .*(fault|Fault)|Kernel panic|rcu.* stall|blocked for more than|nobody cared|"
    r"sleeping function|scheduling while atomic|(?<!suspected )memory leak|unregister_netdevice: waiting|"
    r"unable to handle|soft lockup|hard LOCKUP|leaked|page allocation failure")


# bpf_fib_lookup() wants rcu_read_lock(), which NAPI runs XDP without, as bottom halves are off
FIB_RCU = re.compile(r".*WARNING: (?:suspicious RCU usage|.* __rt6_find_exception_rcu\b.*)\n(?:(?!.*WARNING:).*\n){1,40}?.*\bbpf_ipv[46]_fib_lookup\b.*\n")

# In a trace of kmemleak's: the driver, or a module that is gone and nobody else's
LEAKED = re.compile(r"\[ignis\]|^ +0xffffffff[a-f]", re.M)
# What phylib 7.3 forgets of a PHY when there is no memory to bind it to the generic driver
PHYLIB_LEAK = re.compile(r"\bphy_port_alloc\b")

# QEMU 10.0 with threads per CPU sometimes loses a race while the firmware or kernel maps devices,
# or the timer of an idle CPU.
QEMU_BUG = re.compile(r"iotlb_to_section: Assertion|a CPU of the guest stalled")


# How much slower than a stock kernel the slowest one booted here is
_slowness = 1


def patience(seconds):
    """A time-out that was chosen for stock kernels."""
    return seconds * _slowness


class VMError(Exception):
    """A guest that failed us; the message ends with the console's last lines."""


class CommandError(AssertionError):
    """A guest command that ended with a status other than 0, or not in time."""


@dataclass
class Nic:
    """One emulated NIC behind a PCIe root port of its own.

    wire="x"   the wire ends in this program: vm.wire("x")
    hub=N      joined with the other NICs of the same hub inside QEMU
    neither    the link is up and nobody is there
    props      more device properties, such as {"x-pcie-flr-init": "off"}

    Interrupts: QEMU has no property that hides MSI-X of its igb or e1000e. The guest can do
    without: pci=nomsi on the command line leaves INTx; a driver's own parameter picks MSI.
    """
    model: str = "igb"
    wire: str = None
    hub: int = None
    mac: str = None
    props: dict = field(default_factory=dict)


@dataclass
class Result:
    cmd: str
    rc: int
    out: str
    err: str

    def __str__(self):
        return f"$ {self.cmd}\n{self.out}{self.err}[{'timeout' if self.rc is None else self.rc}]"


class Wire:
    """The other end of a NIC's cable: whole frames, in and out, without FCS."""

    def __init__(self, name, path):
        self.name, self.queue, self.sock = name, queue.Queue(), None
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        threading.Thread(target=self._reader, daemon=True).start()

    def _reader(self):
        try:
            self.sock, _ = self.listener.accept()
            stream = self.sock.makefile("rb", 1 << 20)
            while head := stream.read(4):
                frame = stream.read(struct.unpack(">I", head)[0])
                self.queue.put((time.monotonic(), frame))
        except (OSError, ValueError, struct.error):
            pass                        # the guest went away

    def send(self, frames):
        """Send one frame or several. More at once than the ring has room for get lost."""
        if isinstance(frames, (bytes, bytearray)):
            frames = [frames]
        data = b"".join(struct.pack(">I", len(f)) + bytes(f) for f in frames)
        with self.lock:
            self.sock.sendall(data)

    def recv(self, n=1, timeout=5.0, match=None, stamps=False):
        """Up to n frames that came in (all if n is None), waiting up to timeout for them.

        match: a predicate or a bytes prefix of frames wanted; others are dropped.
        """
        got, end = [], time.monotonic() + patience(timeout)
        if isinstance(match, (bytes, bytearray)):
            prefix, match = bytes(match), lambda f: f.startswith(prefix)
        while n is None or len(got) < n:
            try:
                stamp, frame = self.queue.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                break
            if match is None or match(frame):
                got.append((stamp, frame) if stamps else frame)
        return got

    def drain(self, quiet=0.3):
        """Frames until none came for `quiet` seconds."""
        got = []
        while True:
            try:
                got.append(self.queue.get(timeout=patience(quiet))[1])
            except queue.Empty:
                return got

    def clear(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self.queue.get_nowait()

    def close(self):
        for s in (self.listener, self.sock):
            if s:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)
                s.close()


class Job:
    """A command running in the guest."""

    def __init__(self, vm, cmd, ident):
        self.vm, self.cmd, self.ident = vm, cmd, ident

    def wait(self, timeout=150, check=True):
        return self.vm._result(self.cmd, {"op": "wait", "job": self.ident, "timeout": timeout}, check)

    def output(self):
        """What it has printed so far."""
        msg = self.vm._ask({"op": "output", "job": self.ident}, patience(30))
        return msg["out"] + msg["err"]

    def stop(self, sig=signal.SIGTERM):
        return self.vm._result(self.cmd, {"op": "stop", "job": self.ident, "sig": int(sig), "timeout": 5}, False)


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


_count = itertools.count(1)
_running = set()
atexit.register(lambda: [vm.close() for vm in list(_running)])


def accel(kernel):
    """kvm if a guest (of this kernel) really runs with it, else tcg. Tried once per boot of the host."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    memo = lab.CACHE / "accel"
    if memo.exists() and memo.read_text().split()[0] == boot:
        return memo.read_text().split()[1]
    found = "tcg"
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        lab.say("trying KVM")
        with contextlib.suppress(subprocess.TimeoutExpired):
            p = subprocess.run(
                ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-M", "q35",
                 "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                 "-kernel", kernel.bzimage, "-initrd", lab.initramfs(kernel),
                 "-append", "console=ttyS0 quiet panic=-1 ignis.probe"],
                capture_output=True, timeout=12, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
            if b"ignis-probe-ok" in p.stdout:
                found = "kvm"
    memo.write_text(f"{boot} {found}\n")
    return found


def loops_per_jiffy():
    """What a guest under TCG would find out in more than a second for each CPU (HZ is Debian's 250)."""
    mhz = re.search(r"^cpu MHz\s*: (\d+)", Path("/proc/cpuinfo").read_text(), re.M)
    return int(mhz[1] if mhz else 2000) * 1_000_000 // 250


class VM:
    def __init__(self, kernel="backports", nics=(), cpus=4, mem=None, driver=None, params="",
                 intel_iommu=False, cmdline="", qemu_args=(), name="vm", module=None,
                 root="base", tcg=None, kmemleak=False):
        """driver: "ignis" (built if need be, or the file `module`) or an in-tree module, or None.

        mem: 1G, with a debug kernel 2G. params: parameters for the driver's module. root: one of
        lab.ROOTS. tcg: use TCG, with these options. kmemleak: with a debug kernel, which it makes half as
        fast again, look for memory that has been lost.
        """
        self.kernel_name, self.nics, self.cpus, self.mem = kernel, list(nics), cpus, mem
        self.driver, self.params, self.module = driver, params, module
        self.intel_iommu, self.cmdline, self.qemu_args = intel_iommu, cmdline, list(qemu_args)
        self.name, self.root, self.tcg, self.kmemleak = name, root, tcg, kmemleak
        self.proc, self.wires, self.agent_gone = None, {}, False
        self.ids, self.pending, self.lock = itertools.count(1), {}, threading.Lock()
        self._mark = None
        self.users = 0          # who counts on it to stay, see tests/conftest.py

    # --- life ---

    def __enter__(self):
        self.start_qemu()
        return self

    def __exit__(self, *exc):
        self.close()

    def start_qemu(self, timeout=None):
        global _slowness
        self.dir = Path(tempfile.mkdtemp(prefix="ignis-"))
        (self.dir / "out").mkdir()
        try:
            if self.driver == "ignis" and not self.module:
                self.kernel, self.module = lab.built(self.kernel_name, self.dir / "out")
            else:
                self.kernel, = lab.prepare(self.kernel_name)
            self.mem = self.mem or ("2G" if self.kernel.debug else "1G")
            _slowness = max(_slowness, 4 if self.kernel.debug else 1)
            self.accel = "tcg" if self.tcg else accel(self.kernel)
            for attempt in (1, 2, 3):
                try:
                    self._launch()
                    self._wait_ready(timeout or patience(60 if self.accel == "kvm" else 180))
                    break
                except VMError as e:
                    if attempt == 3 or not QEMU_BUG.search(str(e)):
                        raise
                    lab.say(f"QEMU stumbled over a bug of its own, trying again (see {self.log})")
                    self._end()
            self.mark_dmesg()       # the boot's own messages are not ours
            if self.driver:
                self.load(self.driver, self.params)
        except BaseException:
            self.close()
            raise

    def _launch(self):
        d = self.dir
        ident = f"{self.name}-{os.getpid()}-{next(_count)}.log"
        lab.LOGS.mkdir(parents=True, exist_ok=True)
        self.log, self.stderr = lab.LOGS / f"console-{ident}", lab.LOGS / f"qemu-{ident}"
        for old in sorted(lab.LOGS.glob("*-*-*-*.log"), key=os.path.getmtime)[:-100]:
            old.unlink(missing_ok=True)
        self.agent_gone = False
        _running.add(self)
        cmdline = " ".join([
            "console=ttyS0 loglevel=4 quiet panic=-1 nokaslr mitigations=off audit=0 apparmor=0",
            "random.trust_cpu=on log_buf_len=4M 8250.nr_uarts=1",
            "maxcpus=1" if self.accel == "tcg" else "",      # see guest/initramfs-init
            f"no_timer_check tsc=reliable noreplace-smp lpj={loops_per_jiffy()}" if self.accel == "tcg" else "",
            "kmemleak=off" if self.kernel.debug and not self.kmemleak else "",
            "intel_iommu=on iommu.strict=1" if self.intel_iommu else "", self.cmdline])
        args = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
                "-M", "q35" + (",kernel-irqchip=split" if self.intel_iommu else ""),
                "-accel", "kvm" if self.accel == "kvm" else f"tcg,tb-size=512,{self.tcg or 'thread=multi'}",
                "-cpu", "host" if self.accel == "kvm" else "max,la57=off",
                "-smp", self.cpus, "-m", self.mem, "-no-reboot",
                "-kernel", self.kernel.bzimage, "-initrd", lab.initramfs(self.kernel),
                "-append", cmdline]
        if self.intel_iommu:
            args += ["-device", "intel-iommu,intremap=on"]
        args += ["-drive", f"file={lab.image(self.root)},format=raw,if=none,id=root,snapshot=on",
                 "-device", "virtio-blk-pci,drive=root",
                 "-drive", f"file={lab.modules_image(self.kernel)},format=raw,if=none,id=modules,readonly=on",
                 "-device", "virtio-blk-pci,drive=modules",
                 "-chardev", f"socket,id=console,path={d}/console,server=on,wait=off,logfile={self.log}",
                 "-serial", "chardev:console",
                 "-chardev", f"socket,id=agent,path={d}/agent,server=on,wait=off",
                 "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=org.ignis.agent",
                 "-qmp", f"unix:{d}/qmp,server=on,wait=off"]
        for tag, path, ro in (("ignis", lab.PROJECT, True), ("out", d / "out", False)):
            args += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,"
                                f"multidevs=remap{',readonly=on' if ro else ''}"]
        for i, nic in enumerate(self.nics):
            nic.mac = nic.mac or f"52:54:00:12:34:{i + 1:02x}"
            args += ["-device", f"pcie-root-port,id=port{i},bus=pcie.0,addr={0x10 + i:#x},"
                                f"chassis={i + 1},slot={i + 1}"]
            if nic.wire is not None:
                self.wires[nic.wire] = Wire(nic.wire, d / f"wire-{nic.wire}")
                args += ["-netdev", f"stream,id=net{i},server=off,addr.type=unix,"
                                    f"addr.path={d}/wire-{nic.wire}"]
            elif nic.hub is not None:
                args += ["-netdev", f"hubport,id=net{i},hubid={nic.hub}"]
            else:
                args += ["-netdev", f"hubport,id=net{i},hubid={1000 + i}"]
            args += ["-device", self.nic_device(i)]
        args += self.qemu_args
        with open(self.stderr, "w") as err:
            self.proc = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=err,
                                         stderr=err, start_new_session=True,
                                         preexec_fn=_die_with_parent)

    def nic_device(self, i):
        """The -device argument of NIC i, also good for device_add."""
        nic = self.nics[i]
        return ",".join([nic.model, f"id=nic{i}", f"bus=port{i}", f"netdev=net{i}", f"mac={nic.mac}",
                         "romfile=", *[f"{k}={v}" for k, v in nic.props.items()]])

    def _connect(self, name, end):
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(str(self.dir / name))
                return s
            except OSError:
                s.close()
                if self.proc.poll() is not None or time.monotonic() > end:
                    raise self.error("QEMU did not start") from None
                time.sleep(0.05)

    def _wait_ready(self, timeout):
        end = time.monotonic() + timeout
        self.qmp_sock = self._connect("qmp", end)
        self.qmp_file = self.qmp_sock.makefile("rw")
        self.qmp_file.readline()
        self.qmp("qmp_capabilities")
        self.agent = self._connect("agent", end)
        self.pending = {0: queue.Queue()}
        threading.Thread(target=self._agent_reader, args=(self.agent, self.pending),
                         daemon=True).start()
        self._wait_agent(self.pending[0], end, timeout)

    def _wait_agent(self, ready, end, timeout):
        while True:
            try:
                if ready.get(timeout=0.5) is None:
                    raise self.error("the guest ended during boot")
                break
            except queue.Empty:
                if self.proc.poll() is not None:
                    raise self.error("QEMU ended during boot") from None
                if "detected stalls" in self.log.read_text(errors="replace"):
                    raise self.error("a CPU of the guest stalled during boot") from None
                if time.monotonic() > end:
                    raise self.error(f"the guest did not come up in {timeout} s") from None

    def kexec(self, cmdline="", timeout=180):
        """Start the kernel once more from itself; the driver under test is not loaded then."""
        shutil.copy(self.kernel.bzimage, self.dir / "out/kernel")
        shutil.copy(lab.initramfs(self.kernel), self.dir / "out/initramfs")
        self.python(f"""if True:
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            line = open("/proc/cmdline", "rb").read().strip() + b" {cmdline}\\0"
            files = [os.open(f"/out/{{name}}", os.O_RDONLY) for name in ("kernel", "initramfs")]
            if libc.syscall(320, *files, len(line), line, 0):       # kexec_file_load
                raise OSError(ctypes.get_errno(), "kexec_file_load")""")
        ready = self.pending[0] = queue.Queue()
        self.start("sync; exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x45584543)'")
        self._wait_agent(ready, time.monotonic() + patience(timeout), patience(timeout))

    def error(self, what):
        if self.proc and self.proc.poll():
            what += f", QEMU ended with {self.proc.returncode}"
        text = ""
        for path in (self.stderr, self.log):
            with contextlib.suppress(OSError):
                lines = path.read_text(errors="replace").replace("\r", "").splitlines()[-200:]
                bad = next((n for n, ln in enumerate(lines) if BAD.search(ln)), len(lines))
                first = max(0, min(len(lines) - 25, bad - 2))
                text += "".join(f"\n  {ln}" for ln in lines[first:first + 40])
        return VMError(f"{what} (console: {self.log}){text}")

    def _end(self):
        """Kill QEMU and close what was connected to it."""
        _running.discard(self)
        if self.proc:
            if self.proc.poll() is None:
                self.proc.kill()
            self.proc.wait()
        for wire in self.wires.values():
            wire.close()
        self.wires = {}
        for s in ("qmp_sock", "agent"):
            if hasattr(self, s):
                getattr(self, s).close()
        for path in self.dir.glob("*"):
            if path.is_socket():
                path.unlink()

    def close(self):
        if self.proc:
            with contextlib.suppress(VMError, CommandError):
                self.keep_coverage()
        self._end()
        shutil.rmtree(self.dir, ignore_errors=True)

    def keep_coverage(self):
        """For "make coverage", while the guest can still tell."""
        notes = self.driver == "ignis" and list(Path(self.module).parent.glob("*.gcno"))
        if notes:
            # /out is gone in a guest that slept; and the kernel's files seem to be empty
            text = self.run(f"cd /sys/kernel/debug/gcov/build/{lab.DRIVER_DIR}; mkdir -p /run/gcda;"
                            "for f in *.gcda; do cat $f > /run/gcda/$f; done; tar cz -C /run/gcda . | base64", 30).out
            to = lab.coverage() / self.dir.name
            to.mkdir(parents=True, exist_ok=True)
            with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text)), mode="r:gz") as tar:
                tar.extractall(to)
            for f in notes:
                shutil.copy(f, to)

    # --- commands ---

    def _agent_reader(self, sock, pending):
        with contextlib.suppress(OSError, ValueError):
            for line in sock.makefile("rb"):
                msg = json.loads(line)
                q = pending.pop(msg["id"], None)
                if q:
                    q.put(msg)
        with self.lock:
            if sock is self.agent:
                self.agent_gone = True
            for q in pending.values():
                q.put(None)

    def _ask(self, req, timeout):
        q = queue.Queue()
        with self.lock:
            if self.agent_gone:
                raise self.error("the guest is gone")
            ident = next(self.ids)
            self.pending[ident] = q
            try:
                self.agent.sendall((json.dumps({"id": ident, **req}) + "\n").encode())
            except OSError:
                raise self.error("the guest is gone") from None
        try:
            msg = q.get(timeout=timeout)
        except queue.Empty:
            if "timer wakeup didn't happen" in self.log.read_text(errors="replace"):
                self._end()
                raise self.error("a CPU of the guest stalled") from None
            raise self.error(f"the guest does not answer: {req.get('cmd', req)}") from None
        if msg is None:
            raise self.error("the guest is gone")
        if "error" in msg:
            raise VMError(f"agent: {msg['error']}")
        return msg

    def _result(self, cmd, req, check):
        timeout = req.get("timeout")
        if timeout is not None:
            req["timeout"] = timeout = patience(timeout)
        msg = self._ask(req, None if timeout is None else timeout + 30)
        res = Result(cmd, msg["rc"], msg["out"], msg["err"])
        if res.rc is None or (check and res.rc):
            raise CommandError(str(res))
        return res

    def run(self, cmd, timeout=150, check=True, stdin=None, netns=None):
        """Run a shell command in the guest. Raises if it fails (unless not check) or hangs."""
        full = f"ip netns exec {netns} bash -c {shlex.quote(cmd)}" if netns else cmd
        return self._result(cmd, {"op": "run", "cmd": full, "stdin": stdin, "timeout": timeout}, check)

    def start(self, cmd, stdin=None, netns=None):
        """Start a shell command in the guest's background."""
        full = f"exec ip netns exec {netns} bash -c {shlex.quote(cmd)}" if netns else cmd
        return Job(self, cmd, self._ask({"op": "start", "cmd": full, "stdin": stdin}, 30)["job"])

    def python(self, src, *args, timeout=150, netns=None):
        """Run a Python program in the guest; returns what it printed."""
        cmd = " ".join(["python3", "-", *[shlex.quote(str(a)) for a in args]])
        return self.run(cmd, timeout, stdin=src, netns=netns).out

    def upload(self, path, data):
        """Write bytes or text to a file in the guest."""
        data = data.encode() if isinstance(data, str) else data
        self.run(f"base64 -d > {shlex.quote(path)}", stdin=base64.b64encode(data).decode())

    # --- the driver and its devices ---

    def load(self, driver=None, params=""):
        """Load a driver and wait for its netdevs."""
        driver = driver or self.driver
        if driver == "ignis":
            if Path(self.module) != self.dir / "out/ignis.ko":
                shutil.copy(self.module, self.dir / "out/ignis.ko")
            self.run("for m in $(modinfo -F depends /out/ignis.ko | tr , ' '); do modprobe $m; done; "
                     f"insmod /out/ignis.ko {params}")
        else:
            self.run(f"modprobe {driver} {params}")

    def unload(self, driver=None):
        self.run(f"rmmod {driver or self.driver}")

    def wire(self, name):
        return self.wires[name]

    def pci(self, i):
        """PCI address of NIC i in the guest, such as 0000:01:00.0."""
        out = self.run(f"basename /sys/bus/pci/devices/0000:00:{0x10 + i:02x}.0/0000:*:00.0").out.strip()
        if "*" in out:
            raise VMError(f"NIC {i} is not on the bus")
        return out

    def netdev(self, i, timeout=10):
        """Name of NIC i's network interface in the guest (waits for it)."""
        cmd = (f"for t in $(seq {patience(timeout) * 10}); do "
               f"ls /sys/bus/pci/devices/0000:00:{0x10 + i:02x}.0/*:00.0/net 2>/dev/null && exit; "
               f"sleep 0.1; done; exit 1")
        return self.run(cmd, timeout * 4).out.split()[0]

    def join(self, i, j, ns="peer"):
        """Move NIC j into a network namespace, address both NICs, bring them up.

        10.0.0.1 and fd00::1 are NIC i's, .2 and ::2 NIC j's. Returns the interface names.
        """
        a, b = self.netdev(i), self.netdev(j)
        self.run(f"""set -e
            ip netns add {ns}; ip link set {b} netns {ns}; ip -n {ns} link set lo up
            ip addr add 10.0.0.1/24 dev {a}; ip addr add fd00::1/64 dev {a} nodad
            ip -n {ns} addr add 10.0.0.2/24 dev {b}; ip -n {ns} addr add fd00::2/64 dev {b} nodad
            ip link set {a} up; ip -n {ns} link set {b} up""")
        self.carrier(a)
        self.carrier(b, ns)
        return a, b

    def carrier(self, dev, netns=None, timeout=15):
        """Wait until an interface has carrier."""
        ip = f"ip -n {netns}" if netns else "ip"
        if self.run(f"for t in $(seq {patience(timeout) * 10}); do {ip} link show {dev} | grep -q LOWER_UP && "
                    f"exit; sleep 0.1; done; exit 1", timeout * 4, check=False).rc:
            raise VMError(f"{dev} has no carrier after {timeout} s")

    # --- QEMU ---

    def qmp(self, command, **arguments):
        """A QMP command; returns its answer. Events are dropped."""
        self.qmp_file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        while line := self.qmp_file.readline():
            msg = json.loads(line)
            if "error" in msg:
                raise VMError(f"QMP {command}: {msg['error']['desc']}")
            if "return" in msg:
                return msg["return"]
        raise self.error("QEMU is gone")

    def hmp(self, command):
        return self.qmp("human-monitor-command", **{"command-line": command})

    def link(self, i, up):
        """Plug the cable of NIC i in or out."""
        self.qmp("set_link", name=f"nic{i}", up=up)

    # --- the kernel's log ---

    def dmesg(self, since_mark=False):
        out = self.run("dmesg").out
        if since_mark and self._mark:
            before, mark, after = out.partition(self._mark)
            out = after if mark else before         # all there is, if the mark was cleared away
        return out

    def mark_dmesg(self):
        """check_dmesg() shall look at what comes from here on."""
        self._mark = f"ignis-mark-{time.monotonic_ns()}"
        self.run(f"echo {self._mark} > /dev/kmsg")

    def check_dmesg(self, allow=None):
        """Raise if the kernel complained since the last mark (or ever); then set a mark."""
        lines = FIB_RCU.sub("", self.dmesg(since_mark=True)).splitlines()
        self.mark_dmesg()
        bad = [n for n, ln in enumerate(lines) if BAD.search(ln) and not (allow and re.search(allow, ln))]
        if bad:
            raise AssertionError("kernel log:\n" + "\n".join(lines[max(0, bad[0] - 3):bad[0] + 40]))

    def check_leaks(self):
        """With kmemleak: raise if there is memory of the driver's that nothing points to any more."""
        if not (self.kernel.debug and self.kmemleak) or self.agent_gone or self.proc.poll() is not None:
            return
        # Young objects are not looked at, and the first scan only learns what they contain
        found = self.run("cd /sys/kernel/debug; sleep 6; echo scan > kmemleak; echo scan > kmemleak; cat kmemleak").out
        mine = [leak for leak in found.split("unreferenced object")[1:]
                if LEAKED.search(leak) and not PHYLIB_LEAK.search(leak)]
        if mine:
            self.run("echo clear > /sys/kernel/debug/kmemleak")
            raise AssertionError(f"{len(mine)} objects leaked:\n" + "\n".join(mine[:3]))
