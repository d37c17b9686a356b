#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make kunit: the suites of kunit/ on a modelled NIC, in a User Mode Linux kernel.

Driver and suites are put into a copy of the newest packaged kernel source, of hard links, and built there with
its own kunit.py, whose summary is shown. The copy and what was built stay: the next run builds what has changed.

make mutants: each bug of kunit/mutants is put into the copy, and one of the suites must find it.

make speed: how long ignis and the in-tree drivers take on the model, in a kernel without checks.
"""
import argparse
import contextlib
import json
import os
import re
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor

import lab

INTEL = "drivers/net/ethernet/intel"
# Whence, and where in the kernel tree
PARTS = {lab.DRIVER_DIR: lab.DRIVER_DIR, "include/ignis": "include/ignis", "kunit": f"{INTEL}/ignis-kunit"}
# Where KASAN looks at each access, besides driver and suites; all over the kernel, building and running takes a third longer
CHECKED = ["net/core", "net/ethernet"]
MUTANTS = lab.PROJECT / "kunit/mutants"
WORK = lab.CACHE / "build/kunit"       # for all copies of the project, one at a time
LOG, RESULT = WORK / "obj/test.log", WORK / "obj/result.json"
# What waits is not waited for: UML's clock jumps to the next timer
KERNEL_ARGS = ["time-travel=inf-cpu", "ipv6.disable_ipv6=1", "kmemleak.verbose=1"]
# What the kernel must not say; phylib warns when the PHY does not answer, as some tests have it
BAD = re.compile(r"WARNING:|BUG:|KASAN:|UBSAN:|DMA-API:.*(leaked|pending|error)|INFO: (possible|task)|Oops|kmemleak: \d+ new")
PHY = "WARNING: drivers/net/phy/phy.c"
END = "reboot: System halted"


def copy(src):
    """The kernel source without what tools/export may have put there."""
    tree = WORK / src.name
    if not tree.exists():
        lab.say(f"a copy of {src.name}")
        for old in (WORK, WORK.with_name("kunit.new")):
            lab.sh(["rm", "-rf", "--one-file-system", old], "kunit", f"removing {old}", root=True)
        new = WORK.with_name("kunit.new") / src.name
        new.parent.mkdir(parents=True)
        (new.parent / "obj").mkdir()
        lab.sh(["cp", "-al", src, new], "kunit", f"copying {src}")
        lab.sh(["rm", "-rf", *(new / p for p in PARTS.values())], "kunit", "rm")
        new.parent.rename(WORK)
    return tree


def replace(path, text):
    """Write a file of the copy, which may be a link to the source's."""
    if path.read_text() != text:
        path.unlink()
        path.write_text(text)


def overlay(src, tree):
    for ours, theirs in PARTS.items():
        (tree / theirs).mkdir(parents=True, exist_ok=True)
        lab.sync(lab.PROJECT / ours, tree / theirs)
    for part in CHECKED:
        replace(tree / part / "Makefile", "export KASAN_SANITIZE := y\n" + (src / part / "Makefile").read_text())
    makefile = [ln for ln in (src / INTEL / "Makefile").read_text().splitlines() if "ignis" not in ln]
    makefile += ["obj-$(CONFIG_IGNIS) += ignis/", "obj-$(CONFIG_IGNIS_KUNIT) += ignis-kunit/",
                 "$(obj)/ignis $(obj)/ignis-kunit: export KASAN_SANITIZE := y"]
    replace(tree / INTEL / "Makefile", "\n".join(makefile) + "\n")
    kconfig = [ln for ln in (src / INTEL / "Kconfig").read_text().splitlines() if "/ignis/" not in ln]
    end = kconfig.index("endif # NET_VENDOR_INTEL")
    kconfig[end:end] = [f'source "{INTEL}/{d}/Kconfig"' for d in ("ignis", "ignis-kunit")]
    replace(tree / INTEL / "Kconfig", "\n".join(kconfig) + "\n")


@contextlib.contextmanager
def tree():
    """The copy with our sources in it, for us alone; (kernel source, copy)."""
    with ThreadPoolExecutor() as pool:
        root = pool.submit(lab.root)
        with lab.locked():
            src = lab.source()
        root.result()
    with lab.locked("kunit"):
        new = copy(src)
        overlay(src, new)
        yield src, new


def tool(tree, args, log=None, obj="obj"):
    """The kernel's kunit.py, in the copy."""
    cmd = f"cd /linux && KASAN_SANITIZE=n PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 exec nice tools/testing/kunit/kunit.py {args}"
    lab.chroot(cmd, log, "kunit",
               binds=[(tree, "/linux"), (WORK / obj, "/build"), (lab.PROJECT, "/ignis")])


def build(tree, log=None, more=""):
    tool(tree, f"build --arch=um --build_dir=/build --kunitconfig=/ignis/kunit --jobs={os.cpu_count()} {more}", log)


def run(tree, glob="", raw=False, timeout=600, log=None):
    """Boot the kernel with the tests that match `glob`; returns what is wrong, failed tests first."""
    for old in (LOG, RESULT):
        old.unlink(missing_ok=True)
    args = ["exec", "--arch=um", "--build_dir=/build", f"--timeout={timeout}", *[f"--kernel_args={a}" for a in KERNEL_ARGS]]
    args += ["--raw_output=all"] if raw else [f"--json=/build/{RESULT.name}"]
    args += [shlex.quote(glob if "." in glob else f"{glob}.*")] if glob else []
    broken = []
    try:
        tool(tree, " ".join(args), log)
    except lab.LabError as e:
        broken = [str(e)]
    text = LOG.read_text(errors="replace") if LOG.exists() else ""
    if "# Subtest:" not in text:
        raise lab.LabError(f"no test has run (see {LOG})")
    wrong = list(failures(json.loads(RESULT.read_text()))) if RESULT.exists() else []
    wrong += [f"the kernel complains: {ln.strip()}" for ln in text.splitlines() if BAD.search(ln) and PHY not in ln]
    wrong += [] if END in text else ["the kernel did not come to its end"]
    return wrong or broken


def failures(group, within=""):
    """Names of tests that failed, from what kunit.py --json writes."""
    for part in group["sub_groups"]:
        yield from failures(part, f"{within}{part['name']}.")
    for test in group["test_cases"]:
        if test["status"] not in ("PASS", "SKIP"):
            yield within + test["name"]


def kunit(globs, raw):
    """Build, and run the tests named, or all."""
    with tree() as (_, copy):
        build(copy)
        for glob in globs or [""]:
            wrong = run(copy, glob, raw)
            for told in re.findall(r"# \w+: (.* points, .*)", LOG.read_text(errors="replace")):
                print(told)
            if wrong:
                raise lab.LabError(f"{', '.join(wrong[:8])}{' ...' * (len(wrong) > 8)} (see {LOG})")


class Mutant:
    """A patch that makes a bug: what is wrong, "Caught-by:" the tests that find it, the patch."""
    def __init__(self, path):
        self.path, self.name = path, path.stem
        head, _, _ = path.read_text().partition("\n---\n")
        self.title = head.splitlines()[0]
        self.tests = re.search(r"^Caught-by: (\S+)$", head, re.M)[1]


def judge(src, tree, mutant):
    """What finds a bug: the first failed test or complaint; "" if nothing does."""
    overlay(src, tree)
    lab.sh(["patch", "-p1", "-F0", "-s", "-r-", "--no-backup-if-mismatch", "-d", tree, "-i", mutant.path], "mutants", "patch")
    build(tree, "mutants")
    wrong = run(tree, mutant.tests, timeout=240, log="mutants")
    return wrong and f"{wrong[0]}{f' and {len(wrong) - 1} more' * (len(wrong) > 1)}"


def mutants(names):
    """Show for each bug by what it is caught; the number of those that are not."""
    todo = [m for m in map(Mutant, sorted(MUTANTS.glob("*.patch"))) if not names or m.name in names]
    if len(todo) < len(names or [1]):
        raise lab.LabError(f"no such mutant: {' '.join(names)}, see {MUTANTS}")
    missed = 0
    with tree() as (src, copy):
        build(copy, "mutants")
        for tests in sorted({m.tests for m in todo}):
            if wrong := run(copy, tests, timeout=120, log="mutants"):
                raise lab.LabError(f"{tests} fails without a mutant: {wrong[0]}")
        try:
            for m in todo:
                try:
                    found = judge(src, copy, m)
                    said = f"caught by {found}" if found else f"MISSED by {m.tests}"
                except lab.LabError as e:
                    found, said = "", f"ERROR: {e}"
                missed += not found
                print(f"{m.name + ':':17} {said}", flush=True)
        finally:
            overlay(src, copy)
    print(f"{len(todo) - missed} of {len(todo)} mutants caught")
    return missed


def speed():
    """Show the lines in which the suite says how long it took."""
    with tree() as (_, copy):
        (WORK / "speed").mkdir(exist_ok=True)
        tool(copy, f"run --arch=um --build_dir=/build --kunitconfig=/ignis/kunit/speed.config --jobs={os.cpu_count()} "
                   f"{' '.join(f'--kernel_args={a}' for a in KERNEL_ARGS)} --raw_output=all ignis_speed", "speed", "speed")
    log = WORK / "speed/test.log"
    said = log.read_text(errors="replace")
    if "not ok" in said or END not in said:
        raise lab.LabError(f"the suite failed (see {log})")
    for work, figures in re.findall(r"^ *# speed: (.* B): (.*)$", said, re.M):
        print(f"{work:16} {figures}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--raw", action="store_true", help="the kernel's own output instead of a summary")
    p.add_argument("--mutants", action="store_true", help="names are those of patches in kunit/mutants")
    p.add_argument("--speed", action="store_true", help="compare times on the model")
    p.add_argument("names", nargs="*", help="suites or suite.case, with wildcards; all of them if none is named")
    a = p.parse_args()
    try:
        if a.mutants:
            sys.exit(mutants(a.names) > 0)
        if a.speed:
            speed()
        else:
            kunit(a.names, a.raw)
    except lab.LabError as e:
        sys.exit(f"ignis: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
