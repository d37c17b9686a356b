#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make conformance: upstream's own driver tests (selftests drivers/net and drivers/net/hw) on emulated NICs.

Kernel and tests are built from the newest packaged source. Every KTAP subtest counts; a script
without subtests counts as one. XFAIL (the device lacks an option of the test) is no skip. What fails or is skipped must have its reason in the table of
Documentation/testing.rst, or it is shown as unexplained and the exit status is 1.
"""
import argparse
import fnmatch
import json
import re
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import lab
from vm import BAD, VM, CommandError, Nic, VMError

KERNEL = "conformance"
RESULTS = lab.LOGS / "conformance"
REASONS = lab.PROJECT / "Documentation/testing.rst"
STATES = ("pass", "fail", "skip", "xfail")
LIMIT = 600             # seconds a script may take; the longest takes a quarter of that under TCG
KINDS = ("silicon", "QEMU", "setup", "kernel", "ignis")
# Shell tests that know nothing of a remote end: both ports in one namespace, named as arguments
SHELL = re.compile(r"hw/(?!ethtool_(rmon|std_stats)\.).*\.sh$")
# What a test needs of the port before it starts, if the port can do it
PREPARE = {
    # Completions are deferred on a queue that has received. With this key the hash of an answer
    # is the last bit of fd00::1, so it arrives on queue 1, the one the test fills
    "ring_reconfig.py": "ethtool -X {dev} hkey " + ":".join(["00"] * 35 + ["02"] + ["00"] * 4),
    # RPS takes two CPUs without a receive queue
    "hw/toeplitz.py": "ethtool -L {dev} combined 2",
}
ENV = ("LOCAL_V4=10.0.0.1 REMOTE_V4=10.0.0.2 LOCAL_V6=fd00::1 REMOTE_V6=fd00::2 LOCAL_PREFIX_V6=fd00:1::/64 "
       "REMOTE_TYPE=netns REMOTE_ARGS=peer KSFT_MACHINE_SLOW=yes INTERFACE_TIMEOUT=30 PYTHONDONTWRITEBYTECODE=1")


# --- what is run -------------------------------------------------------------------------------

def selftests(tree):
    """The tests built and installed, as a directory."""
    done = tree / "ksft"
    with lab.locked("ksft"):
        if done.exists():
            return done
        lab.say("upstream's tests")
        lab.chroot("set -e; cd /kernel; nice make headers; rm -rf ksft.new; "
                   "nice make HAS_IOURING_ZCRX=y -C tools/testing/selftests FORCE_TARGETS=1 SKIP_TARGETS= "
                   "TARGETS='drivers/net drivers/net/hw' install INSTALL_PATH=/kernel/ksft.new; "
                   "mv ksft.new ksft", "selftests", "building upstream's tests", name=KERNEL,
                   binds=[(tree, "/kernel")])
    return done


def scripts(installed, wanted):
    """Names of the tests, relative to drivers/net: hw/irq.py."""
    listed = (installed / "kselftest-list.txt").read_text().split()
    names = [f"{where}/{name}"[len("drivers/net/"):] for where, name in (ln.split(":") for ln in listed)
             if where in ("drivers/net", "drivers/net/hw")]
    found = [n for n in names if not wanted or any(
        fnmatch.fnmatch(n, w) or fnmatch.fnmatch(n, f"*/{w}") or Path(n).stem == w for w in wanted)]
    if not found:
        raise lab.LabError(f"no test is named {' '.join(wanted)}")
    return found


# --- what came out -----------------------------------------------------------------------------

RESULT = re.compile(r"(not )?ok (\d+) ?(.*?)(?: # (SKIP|XFAIL)\b:? ?(.*))?\s*$")


def why_of(block):
    """One line that tells why, from what a subtest printed before its result."""
    text = "\n".join(re.sub(r"^# ?(\w*Exception\| ?|Check\| ?)?", "", ln) for ln in block)
    if m := re.search(r"^Check failed.*", text, re.M):
        why = m[0]
    elif m := re.search(r"^ *CMD(?:\[remote\])?: (.*)(?:.|\n)*?STDERR: (.*)", text, re.M):
        why = f"{m[2] or 'no output'} ({m[1]})"
    else:
        said = re.findall(r"^(?:[\w.]*(?:Error|Failure|Exception|Ex)\b.*|SKIP.*|TEST: .*(?:FAIL|SKIP).*)", text, re.M)
        why = (said or [ln for ln in text.splitlines() if ln.strip()] or ["no output"])[-1]
    return why.replace("/root/ksft/", "").replace("net.lib.py.ksft.", "").strip()[:200]


def cases_of(script, text, rc):
    """[[name, state, why]] of a script's output; rc is None if it did not end."""
    stem, cases, block, plan = Path(script).stem, [], [], 0
    for line in text.splitlines():
        if m := re.match(r"1\.\.(\d+)", line):
            plan = int(m[1])
        elif m := RESULT.match(line):
            name = m[3].removeprefix(f"{stem}.") or f"#{m[2]}"
            state = "fail" if m[1] else m[4].lower() if m[4] else "pass"
            cases.append([name, state, m[5] if m[4] else why_of(block) if m[1] else ""])
            block = []
        elif not line.startswith("TAP version"):
            block.append(line)
    if not plan:
        state = {0: "pass", 2: "xfail", 4: "skip"}.get(rc, "fail")
        if state == "pass" and re.search(r"^1\.\.0", text, re.M):
            state = "skip"      # it planned nothing
        # Named by what failed, so that a reason for one step is none for another
        failed = re.findall(r"^TEST: (.*?)\s+\[FAIL\]", text, re.M) if state == "fail" else []
        return [["+".join(failed).replace(" ", "_"), state,
                 "" if state == "pass" else "it hung" if rc is None else why_of(block)]]
    if rc is None or len(cases) < plan:
        # All that was planned counts, so that totals can be compared
        what = "it hung" if rc is None else "it ended early: " + why_of(block)
        cases += [[f"#{n}", "fail", what if n == len(cases) + 1 else "not reached"]
                  for n in range(len(cases) + 1, max(plan, len(cases) + 1) + 1)]
    return cases


# --- the guest ---------------------------------------------------------------------------------

class Bench:
    """A guest with two joined NICs and one without a cable, and the tests."""

    def __init__(self, device, driver, tree, installed):
        self.device, self.driver, self.tree, self.installed = device, driver, tree, installed
        self.vm, self.fresh, self.module = None, False, None

    def boot(self):
        self.close()
        nics = [Nic(self.device, hub=0), Nic(self.device, hub=0), Nic(self.device)]
        if self.driver == "ignis" and not self.module:      # one build for all boots of this run
            RESULTS.mkdir(parents=True, exist_ok=True)
            self.module = lab.built(str(self.tree))[1]
            self.module = shutil.copy(self.module, RESULTS / f"ignis-{self.device}.ko")
        self.vm = VM(str(self.tree), nics=nics, mem="2G", driver=self.driver, module=self.module,
                     name="conformance", root=KERNEL, qemu_args=[
                         "-virtfs", f"local,path={self.installed},mount_tag=ksft,security_model=none,readonly=on"])
        self.vm.start_qemu()
        self.vm.run("mkdir -p /run/ksft /root/ksft; mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro "
                    "ksft /run/ksft && cp -r /run/ksft/. /root/ksft/ && umount /run/ksft; chmod +x /root/ksft/drivers/net/*.py /root/ksft/drivers/net/hw/*.py; "
                    "mount -t configfs configfs /sys/kernel/config; modprobe -a netconsole netdevsim; "
                    "sysctl -qw net.ipv6.conf.default.keep_addr_on_down=1 net.ipv6.conf.all.keep_addr_on_down=1",
                    timeout=120)
        self.up()

    def up(self):
        vm = self.vm
        vm.link(2, False)
        self.dev, self.peer = vm.join(0, 1)
        vm.run("ip netns exec peer sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1; "
               f"ip -n peer addr replace fd00::2/64 dev {self.peer} nodad; "
               f"ip -n peer route replace fd00:1::/64 via fd00::1; ip addr replace fd00::1/64 dev {self.dev} nodad")
        self.fresh = True

    def reload(self):
        """As after the boot, cheaper."""
        vm, name = self.vm, self.driver
        vm.run("pkill -f '[/]root/ksft'; for n in $(ip netns list | cut -d' ' -f1); do ip netns del $n; done; sleep 1; "
               "for k in netkit veth dummy vxlan macsec ipip gre bridge vlan; do for d in $(ip -br link show type $k | "
               f"sed 's/[@ ].*//'); do ip link del $d; done; done; rmmod {name}", timeout=60)
        vm.load()
        self.up()

    def close(self):
        if self.vm:
            self.vm.close()
        self.vm = None

    def ready(self):
        """Each script meets what a boot leaves, unless the last one passed and left the link as it was."""
        try:
            if self.vm and self.fresh and not self.vm.run(
                    "ping -qc 1 -W 2 10.0.0.2 && ping -qc 1 -W 2 fd00::2", check=False).rc:
                return
            if self.vm:
                return self.reload()
        except (VMError, CommandError) as e:
            lab.say(f"{self.device}-{self.driver}: a boot is needed: {str(e).splitlines()[0]}")
        self.boot()

    def run(self, script, log):
        """One script; its results. The log is the whole output and what the kernel said."""
        self.ready()
        vm, where = self.vm, Path("/root/ksft/drivers/net") / script
        args, start, rc, lost = "", time.monotonic(), None, ""
        vm.mark_dmesg()
        if SHELL.match(script):
            args = f" {self.dev} {self.peer}"
            vm.run(f"ip -n peer link set {self.peer} netns 1; ip addr flush dev {self.dev}; "
                   f"ip link set {self.peer} up")
            self.fresh = False
        if script in PREPARE:
            vm.run(PREPARE[script].format(dev=self.dev), check=False)
            self.fresh = False
        out = vm.dir / "out/test.log"
        out.unlink(missing_ok=True)
        try:
            rc = vm.run(f"cd {where.parent}; {ENV} NETIF={self.dev} NETIF_NO_CABLE={vm.netdev(2)} "
                        f"./{where.name}{args} > /out/test.log 2>&1 < /dev/null", timeout=LIMIT, check=False).rc
        except CommandError as e:
            lost = str(e)
        except VMError as e:
            lost = str(e)
            self.fresh = False
        text = out.read_text(errors="replace") if out.exists() else ""
        kernel = []
        try:
            kernel = self.complaints(vm.dmesg(since_mark=True))
            vm.run("true")
        except (VMError, CommandError) as e:
            lost = lost or str(e)
            kernel = self.complaints(vm.log.read_text(errors="replace")) or ["the guest was lost"]
            self.close()
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text + (f"\n--- lost\n{lost}\n" if lost else "") +
                       ("\n--- kernel log\n" + "\n".join(kernel) + "\n" if kernel else ""))
        cases = cases_of(script, text, rc)
        self.fresh &= rc is not None and not kernel and not any(state == "fail" for _, state, _ in cases)
        return {"rc": rc, "seconds": round(time.monotonic() - start), "log": str(log), "cases": cases,
                "kernel": kernel}

    @staticmethod
    def complaints(text):
        """What the kernel complained about, but for traces of faults that a test injects."""
        lines = text.replace("\r", "").splitlines()
        bad = [n for n, ln in enumerate(lines) if BAD.search(ln) and not any(
            "FAULT_INJECTION" in before for before in lines[max(0, n - 12):n])]
        return lines[max(0, bad[0] - 2):bad[0] + 60] if bad else []


# --- reasons, table ----------------------------------------------------------------------------

class Reasons:
    """The rows of the table in Documentation/testing.rst: test; chips; kind; reason."""

    def __init__(self):
        table = REASONS.read_text().partition("csv-table:: Upstream's tests")[2]
        self.rows = []
        for line in table.splitlines():
            cells = [c.strip(" `") for c in line.strip().split(";", 3)]
            if len(cells) == 4 and cells[2] in KINDS:
                self.rows.append((cells[0].split(), cells[1], cells[2], cells[3]))
            elif self.rows and line.strip():
                break
        self.used = set()

    def of(self, device, script, case):
        for n, (globs, chips, kind, text) in enumerate(self.rows):
            if device in chips.replace("both", "igb e1000e").split() and any(
                    fnmatch.fnmatchcase(f"{script}:{case}", g if ":" in g else f"{g}:*") for g in globs):
                self.used.add((device, n))
                return f"{kind}: {text}"
        return None

    def unused(self, device):
        return [" ".join(globs) for n, (globs, chips, *_) in enumerate(self.rows)
                if device in chips.replace("both", "igb e1000e").split() and (device, n) not in self.used]


def counts(result):
    n = Counter(state for _, state, _ in result["cases"])
    return [n[s] for s in STATES]


def table(runs):
    """runs: {column: {script: result}}"""
    names = list(dict.fromkeys(n for results in runs.values() for n in results))
    wide = max(len(n) for n in names + ["without XDP"])
    print("\n" + " " * wide + "".join(f"  {column:^27}" for column in runs))
    print(" " * wide + ("  " + "".join(f"{s:>7}" for s in STATES)[1:]) * len(runs))
    total = {(column, part): [0] * len(STATES) for column in runs for part in ("total", "without XDP")}
    for name in names:
        row = f"{name:<{wide}}"
        for column, results in runs.items():
            if name not in results:
                row += " " * 29
                continue
            n = counts(results[name])
            for part in ("total",) if re.search("xdp|xsk", name) else ("total", "without XDP"):
                total[column, part] = [a + b for a, b in zip(total[column, part], n)]
            row += "  " + "".join(f"{x or '.':>7}" for x in n)[1:]
        print(row.rstrip())
    for part in ("total", "without XDP"):
        print(f"{part:<{wide}}" + "".join("  " + "".join(f"{x:>7}" for x in total[c, part])[1:] for c in runs))


def explain(runs, whole):
    """Fails, skips and their reasons, of ignis; the number of those without one."""
    reasons, open_ends = Reasons(), 0
    for column, results in runs.items():
        device, driver = column.split("-")
        if driver != "ignis":
            continue
        print(f"\n{column}: not passed")
        known = {}
        for script, result in results.items():
            for case, state, why in result["cases"]:
                if state == "pass":
                    continue
                reason = reasons.of(device, script, case)
                if reason:
                    known.setdefault(reason, Counter())[state] += 1
                else:
                    open_ends += 1
                    print(f"  UNEXPLAINED {state} {script}:{case}\n       {why}")
            if result["kernel"]:
                open_ends += 1
                bad = next((ln for ln in result["kernel"] if BAD.search(ln)), result["kernel"][0])
                print(f"  UNEXPLAINED kernel log {script}\n       {bad.strip()}")
        for reason, n in known.items():
            print("  " + ", ".join(f"{n[s]} {s}" for s in STATES if n[s]) + f": {reason}")
        for row in reasons.unused(device) if whole else ():
            print(f"  reason without need: {row}")
    return open_ends


def changes(column, old, new):
    """What is no longer as it was."""
    for script, result in new.items():
        before = {case: state for case, state, _ in old.get(script, {}).get("cases", ())}
        for case, state, _ in result["cases"]:
            if before.get(case, state) != state:
                print(f"  {column} {script}:{case}: {before[case]} -> {state}")


def store(column, results):
    path = RESULTS / column / "results.json"
    old = load(column)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**old, **results}, indent=1))


def load(column):
    path = RESULTS / column / "results.json"
    return json.loads(path.read_text()) if path.exists() else {}


def measure(device, driver, names, tree, installed):
    column, results = f"{device}-{driver}", {}
    bench = Bench(device, driver, tree, installed)
    try:
        for n, script in enumerate(names, 1):
            log = RESULTS / column / (script.replace("/", "-") + ".log")
            results[script] = bench.run(script, log)
            said = ", ".join(f"{x} {s}" for s, x in zip(STATES, counts(results[script])) if x)
            lab.say(f"{column} {n}/{len(names)} {script}: {said} ({results[script]['seconds']} s)" +
                    ", the kernel complains" * bool(results[script]["kernel"]))
            store(column, {script: results[script]})
    finally:
        bench.close()
    return results


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--devices", default="igb e1000e", help="QEMU's NIC models")
    p.add_argument("--drivers", default="ignis", help="ignis igb e1000e; each in-tree driver meets its own device only")
    p.add_argument("--show", action="store_true", help="the table of the last runs, without a run")
    p.add_argument("tests", nargs="*", help="names such as hw/rss_ctx.py or rss_ctx, or patterns")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pairs = [(dev, drv) for dev in a.devices.split() for drv in a.drivers.split() if drv in ("ignis", dev)]
    try:
        tree = lab.tree(KERNEL)
        installed = selftests(tree)
        names = scripts(installed, a.tests)
        runs = {}
        for device, driver in pairs:
            column = f"{device}-{driver}"
            old = load(column)
            runs[column] = {n: old[n] for n in names if n in old} if a.show else \
                measure(device, driver, names, tree, installed)
            changes(column, old, runs[column])
        runs = {column: results for column, results in runs.items() if results}
        if not runs:
            raise lab.LabError("nothing was run yet")
        open_ends = explain(runs, not a.tests)
        table(runs)
        print(f"\nlogs and results.json: {RESULTS}")
        if open_ends:
            raise lab.LabError(f"{open_ends} without a reason in {REASONS.relative_to(lab.PROJECT)}")
    except (lab.LabError, VMError, CommandError) as e:
        sys.exit(f"\nignis: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
