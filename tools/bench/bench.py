#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Count what a packet costs with ignis and with the kernel's own driver.

    bench.py                            all, beside the in-tree drivers; half an hour on two cores
    bench.py check                      the cheap workloads with ignis alone, against the committed figures;
                                        with another kernel than theirs, the ratios to the in-tree drivers
    bench.py functions RESULTS [WORK]   per-function tables of an earlier run

Results go to ~/.cache/ignis/bench, and with --commit to tools/bench and Documentation as well.
"""
import argparse
import importlib.machinery
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent.parent / "qemu")]
import lab  # noqa: E402
import caused  # noqa: E402
import report  # noqa: E402
from guest import Guest  # noqa: E402
from vm import VMError  # noqa: E402
from workloads import AWAKE, WORKLOADS  # noqa: E402

FIGURES = Path(__file__).resolve().parent / "figures.json"
RESULTS = lab.CACHE / "bench"
CHIPS = {"82576": SimpleNamespace(model="igb", intree="igb", has={"ignis": "xdp xsk 8 channels", "igb": "xdp xsk 8 channels"}),
         "82574L": SimpleNamespace(model="e1000e", intree="e1000e", has={"ignis": "xdp xsk channels", "e1000e": ""})}
# Not pktgen-1: moderation, and so its figures, depend on what was before
CHEAP = "rx-60 rx-1514 xdp-drop xdp-tx pktgen-32"
HARNESS_MODULES = ("pktgen", "virtio_console", "virtio_ring", "virtio_pci")
ALLOWED = 1.03
ALLOWED_KERNEL = 1.10           # with another kernel
# And so much more for each packet; the driver reads the chip's counters every second, which is more on a slow host
SLACK = {"reads": .05}


def register_names(chip):
    loader = importlib.machinery.SourceFileLoader("regs", str(lab.PROJECT / "tools/regs"))
    regs = importlib.util.module_from_spec(importlib.util.spec_from_loader("regs", loader))
    loader.exec_module(regs)
    names = regs.Names(chip.rstrip("L"), regs.HEADER.read_text())

    def name(offset):
        if chip == "82576" and offset & ~0x13ff == 0x2800:      # the first queues have two addresses
            way, queue, reg = offset >> 12 & 1, offset >> 8 & 3, offset & 0xff
            offset = 0xc000 + 0x2000 * way + 0x40 * queue + reg
        found = names.name(offset)[0]
        return hex(offset) if found == "?" else found
    return name


def each(found, driver, packets, harness, name):
    """Figures for each packet of one run, without what the empty run needs."""
    insns = Counter({f: n - harness.insns[f] for f, n in found.insns.items()
                     if n > harness.insns[f] and f[0] not in HARNESS_MODULES})
    registers = Counter()
    for (way, offset), n in found.mmio.items():
        registers[f"{way} {name(offset)}"] += n / packets
    out = {"driver": sum(n for f, n in insns.items() if f[0] == driver) / packets,
           "caused": sum(n for f, n in insns.items() if f[0] == "" and caused.group(f[1])) / packets,
           "kernel": sum(insns.values()) / packets,
           "user": max(0, found.user - harness.user) / packets,
           "reads": sum(n for r, n in registers.items() if r[0] == "r"),
           "writes": sum(n for r, n in registers.items() if r[0] == "w"),
           "irqs": found.irqs / packets,
           **{" ".join(kind): max(0, n - harness.lines[kind]) / packets for kind, n in found.lines.items()}}
    out["both"] = out["driver"] + out["caused"]
    functions = {f"{f[1]} [{f[0]}]" if f[0] else f[1]: n / packets for f, n in insns.items()}
    return out, functions, dict(registers)


def median_of(dicts, least):
    keys = {k for d in dicts for k in d}
    medians = {k: statistics.median(d.get(k, 0) for d in dicts) for k in keys}
    return {k: round(v, 3) for k, v in sorted(medians.items(), key=lambda i: -i[1]) if v >= least}


def once(g, do, tries=3):
    """Counts of a run, and its packets. A host that is too busy can spoil one."""
    before, after = getattr(do, "before", None), getattr(do, "after", None)
    for left in reversed(range(tries)):
        packets = []
        try:
            if before:
                before()
            found = g.count(lambda: packets.append(do()))
            if after:
                after()
            return found, packets[0]
        except AssertionError as e:
            if not left:
                raise
            lab.say(f"{e}: once more")


def measure(g, driver, work, harness, repeats, name):
    """{figure: [least, median, most]} of the repeats, and the medians by function and register."""
    runs = []
    with contextmanager(WORKLOADS[work][1])(g) as do:
        do()                            # warm caches, tables, moderation
        for _ in range(repeats):
            found, packets = once(g, do)
            runs.append(each(found, driver, packets, harness, name))
    figures = {k: [round(f([r[0][k] for r in runs]), 4) for f in (min, statistics.median, max)] for k in runs[0][0]
               if work not in AWAKE or k not in report.LINES}
    return {**figures, "functions": median_of([r[1] for r in runs], .5),
            "registers": median_of([r[2] for r in runs], .001)}


def queue_memory(g, has):
    """KiB that a queue takes while the port is up, with the rings it has."""
    queues = 8 if "8" in has else 2 if "channels" in has else 1
    if queues > 1:
        g.sh(f"ethtool -L $N combined {queues} || true")

    def free():
        g.settle(.03)
        # What the slab allocator keeps of e1000e's buffers, and CPUs of pages, is not in MemFree
        g.sh("for f in /sys/kernel/slab/*2k/shrink /sys/kernel/slab/skbuff_*/shrink; do echo 1 > $f; done")
        return int(g.sh("echo 3 > /proc/sys/vm/drop_caches; awk '$1 == \"nr_free_pages\" || $1 == \"count:\" "
                        "{n += $2} END {print n}' /proc/zoneinfo"))
    used = []
    for _ in range(7):
        g.sh("ip link set $N down")
        before = free()
        g.sh("ip link set $N up")
        g.vm.carrier(g.dev)
        used.append(before - free())
    g.sh("ethtool -L $N combined 1 2> /dev/null || true")
    g.vm.carrier(g.dev)
    return round(statistics.median(used) * 4 / queues, 1)


# In the guest: milliseconds from insmod to the carrier
LINK = """
import glob, subprocess, sys, time
start = time.monotonic()
subprocess.run(["insmod", "/tmp/load.ko"], check=True)
dev, = glob.glob(f"/sys/bus/pci/devices/{sys.argv[1]}/net/*")
subprocess.run(["ip", "link", "set", dev.rpartition("/")[2], "up"], check=True)
with open(f"{dev}/carrier") as f:
    while f.read() != "1\\n":
        if time.monotonic() > start + 30:
            sys.exit("no carrier")
        time.sleep(.001)
        f.seek(0)
print((time.monotonic() - start) * 1000)
"""


def loading(g, driver, repeats=3):
    """What it takes to load the driver with one port to probe, and the guest's time to a link."""
    g.bind(driver)
    file = "/out/ignis.ko" if driver == "ignis" else g.sh(f"modinfo -F filename {driver}").strip()
    # Neither signature nor types: our module has none
    g.sh(f"cd /tmp; case {file} in *.xz) xz -dc {file};; *.zst) zstd -dc {file};; *) cat {file};; esac > load.ko;"
         "strip --strip-debug -R .BTF -R .BTF.base load.ko; cat load.ko > /dev/null")

    def instructions(command):
        g.sh(f"printf '#!/bin/sh\\nexec {command}' > /tmp/run; chmod +x /tmp/run")
        return sum(g.count(lambda: g.command(b"x")).insns.values())

    empty = statistics.median(instructions("true") for _ in range(repeats))
    insmod, links = [], []
    for _ in range(repeats):
        g.sh(f"rmmod {driver}")
        insmod.append(instructions("insmod /tmp/load.ko") - empty)
        g.sh(f"rmmod {driver}")
        links.append(float(g.vm.python(LINK, g.vm.pci(0))))
    return {"insmod instructions": round(statistics.median(insmod)), "ms to a link": round(statistics.median(links))}


def run_driver(g, chip, driver, works, repeats, details):
    has = CHIPS[chip].has[driver]
    name = register_names(chip)
    out = {"work": {}}
    g.bind(driver)
    g.sh("ip link set $N addrgenmode none; ip link set $N up")
    if "channels" in has:
        g.sh("ethtool -L $N combined 1 2> /dev/null || true")       # refused if that is what it has
    g.vm.carrier(g.dev)
    if details:
        out["module bytes"] = int(g.sh(f"cat /sys/module/{driver}/coresize"))
        out["KiB a queue"] = queue_memory(g, has.split())
        out["ring"] = g.sh("ethtool -g $N | sed -n '/Current/,$p' | grep -E '^(RX|TX):'").split()[1::2]
    g.sh("ip addr add 192.0.2.1/24 dev $N; ip route add 10.0.0.0/8 via 192.0.2.2;"
         "for i in 2 3; do ip neigh replace 192.0.2.$i lladdr 52:54:00:99:99:99 dev $N; done")
    empty = [g.count(lambda: None) for _ in range(3)]
    harness = SimpleNamespace(
        insns=Counter({f: int(statistics.median(e.insns[f] for e in empty)) for e in empty for f in e.insns}),
        user=statistics.median(e.user for e in empty),
        lines={kind: statistics.median(e.lines[kind] for e in empty) for kind in empty[0].lines})
    for work in works:
        if not set(WORKLOADS[work][2].split()) <= set(has.split()):
            continue
        start = time.monotonic()
        try:
            r = out["work"][work] = measure(g, driver, work, harness, repeats, name)
        except AssertionError as e:
            out.setdefault("failed", {})[work] = str(e)
            lab.say(f"{chip} {driver} {WORKLOADS[work][0]}: {e}")
            continue
        lab.say(f"{chip} {driver} {WORKLOADS[work][0]}: driver {r['driver'][1]:.1f}, caused {r['caused'][1]:.1f}, "
                f"kernel {r['kernel'][1]:.1f} instructions ({time.monotonic() - start:.0f} s)")
    g.vm.check_dmesg()
    return out


def versions(g):
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    commit = subprocess.run(["git", "-C", lab.PROJECT, "describe", "--always", "--dirty", "--abbrev=12"],
                            capture_output=True, text=True).stdout.strip()
    return {"kernel": g.vm.kernel.version, "qemu": qemu, "ignis": commit}


def run(kernel, chips, drivers, works, repeats, details, save):
    results = {"versions": {}, "chips": {}}
    module = lab.built(kernel)[1]
    for chip in chips:
        out = results["chips"][chip] = {}
        mine = [d for d in CHIPS[chip].has if not drivers or d in drivers]
        with Guest(kernel, CHIPS[chip].model, mine, module) as g:
            results["versions"] = versions(g)
            for driver in mine:
                out[driver] = run_driver(g, chip, driver, works, repeats, details)
                save(results)           # the rest may fail
            for driver in mine if details else []:
                out[driver].update(loading(g, driver))
                save(results)
            g.vm.check_dmesg()
    return results


def check(results):
    """Regressions against the committed figures, as lines.

    If the in-tree driver was measured too, what has changed for it is the kernel's doing, and allowed.
    """
    bad = []
    old = json.loads(FIGURES.read_text())["chips"]
    for chip, drivers in results["chips"].items():
        ours, theirs = drivers["ignis"]["work"], drivers.get(CHIPS[chip].intree, {"work": {}})["work"]
        for work, now in ours.items():
            was, theirs_was = (old[chip][d]["work"].get(work) for d in ("ignis", CHIPS[chip].intree))
            if not was:
                bad.append(f"{chip} {WORKLOADS[work][0]}: there is no figure to compare with")
                continue
            for what in ("driver", "both", "reads", "writes", "irqs"):
                limit = was[what][1] * ALLOWED
                if theirs:
                    if work not in theirs or not theirs_was[what][1]:
                        continue
                    limit = was[what][1] * ALLOWED_KERNEL * theirs[work][what][1] / theirs_was[what][1]
                # The best of the new against the median of the old: noise is no regression
                if now[what][0] > limit + SLACK.get(what, .02):
                    bad.append(f"{chip} {WORKLOADS[work][0]}: {what} {was[what][1]:.3f} -> {now[what][1]:.3f}, "
                               f"{limit:.3f} allowed")
    return bad


def drivers_to_check(kernel):
    """With another kernel than that of the figures the in-tree driver says what they would be."""
    kernel, = lab.prepare(kernel)
    was = json.loads(FIGURES.read_text())["versions"]["kernel"]
    if kernel.version == was:
        return ["ignis"]
    lab.say(f"the figures are of kernel {was}, this is {kernel.version}: compared by the ratio to the in-tree driver")
    return []


def merged(results):
    """The committed figures, and in them these, of some workloads only."""
    all_ = json.loads(FIGURES.read_text())
    ours, theirs = results["versions"], all_["versions"]
    for what in "kernel", "qemu":
        if ours[what] != theirs[what]:
            raise lab.LabError(f"the committed figures are of {what} {theirs[what]}, not {ours[what]}: measure all")
    for chip, drivers in results["chips"].items():
        for driver, new in drivers.items():
            old = all_["chips"][chip][driver]
            work = {**old["work"], **new["work"]}
            all_["chips"][chip][driver] = {**old, **new, "work": {w: work[w] for w in WORKLOADS if w in work}}
            theirs.setdefault("later", {}).update(dict.fromkeys(new["work"], ours["ignis"]))
    return all_


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", nargs="?", default="run", choices=["run", "check", "functions"])
    p.add_argument("file", nargs="?")
    p.add_argument("work", nargs="?")
    p.add_argument("--kernel", default="backports")
    p.add_argument("--chips", default=" ".join(CHIPS))
    p.add_argument("--drivers", default="")
    p.add_argument("--works")
    p.add_argument("--repeats", type=int)
    p.add_argument("--commit", action="store_true", help="keep the results as the committed ones, or with --works in them")
    a = p.parse_args()
    if a.verb == "functions":
        report.functions(json.loads((RESULTS / "results.json" if a.file in (None, "-") else Path(a.file)).read_text()), a.work)
        return 0

    checking = a.verb == "check"
    works = (a.works or (CHEAP if checking else " ".join(WORKLOADS))).split()
    RESULTS.mkdir(parents=True, exist_ok=True)
    out = RESULTS / ("check.json" if checking else "results.json")
    drivers = drivers_to_check(a.kernel) if checking and not a.drivers else a.drivers.split()
    results = run(a.kernel, a.chips.split(), drivers, works,
                  a.repeats or (3 if checking else 5), not checking,
                  lambda results: out.write_text(json.dumps(results, indent=1) + "\n"))
    report.table(results)
    failed = [f"{c} {d} {WORKLOADS[w][0]}: {why}" for c, drivers in results["chips"].items()
              for d, r in drivers.items() for w, why in r.get("failed", {}).items()]
    if failed:
        sys.exit("not measured:\n  " + "\n  ".join(failed))
    if checking:
        bad = check(results)
        for line in bad:
            print(f"regression: {line}")
        return bool(bad)
    (RESULTS / "results.svg").write_text(report.svg(results))
    if a.commit:
        results = merged(results) if a.works else results
        FIGURES.write_text(report.compact(results))
        docs = lab.PROJECT / "Documentation"
        (docs / "performance.svg").write_text(report.svg(results))
        report.write_rst(docs / "performance.rst", results)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (lab.LabError, VMError, AssertionError) as e:
        sys.exit(f"ignis: {e}")
