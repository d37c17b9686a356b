#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""make coverage: which lines of the driver tests run, and which functions they do not.

The driver in the User Mode Linux kernel of "make kunit" is built with --coverage and the suites are run. What
"make test-debug" has run since the driver was last changed is counted, too.
"""
import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import kunit
import lab

EXIT = "arch/um/os-Linux/main.c"


def measure():
    """Run the suites; .gcno and .gcda of the driver are beside its objects then."""
    with kunit.tree() as (src, copy):
        makefile = copy / lab.DRIVER_DIR / "Makefile"
        objects = kunit.WORK / "obj" / lab.DRIVER_DIR
        for old in objects.glob("*.gcda"):
            old.unlink()
        kunit.replace(makefile, makefile.read_text() + "ccflags-y += --coverage\n")
        # Not left to gcov's destructor, which UML's linker script drops
        kunit.replace(copy / EXIT, "void __gcov_dump(void);\n" + (src / EXIT).read_text().replace(
            "return uml_exitcode;", "__gcov_dump();\n\treturn uml_exitcode;"))
        try:
            # What UML is linked with, besides; of no use without LTO
            kunit.build(copy, "coverage", "--make_options=CC_FLAGS_LTO=--coverage")
            wrong = kunit.run(copy, log="coverage")
        finally:
            kunit.overlay(src, copy)
            kunit.replace(copy / EXIT, (src / EXIT).read_text())
        if wrong:
            raise lab.LabError(f"a test fails: {wrong[0]}")
        return gcov(objects)


def gcov(where):
    """What gcov tells of a directory with .gcno and .gcda, a file of JSON for each."""
    out = lab.CACHE / "build" / lab.key(lab.PROJECT) / "gcov"
    lab.sh(["rm", "-rf", out], "coverage", "rm", root=True)
    out.mkdir(parents=True)
    lab.chroot("cd /build && for f in /out/*.gcda; do gcov --json-format --stdout $f > $(basename $f).json || exit; done",
               "coverage", "gcov", binds=[(Path(where).resolve(), "/out"), (out, "/build")])
    return [json.loads(f.read_text()) for f in sorted(out.glob("*.json"))]


def add(data, lines, functions):
    """Count how often lines and functions of ours were run."""
    for unit in data:
        for source in unit["files"]:
            path = Path(unit["current_working_directory"], source["file"])
            if path.parent.name != "ignis":
                continue
            for ln in source["lines"]:
                lines[path.name][ln["line_number"]] += ln["count"]
            for fn in source["functions"]:
                functions[path.name, fn["name"], fn["end_line"] - fn["start_line"] + 1] += fn["execution_count"]


def show(lines, functions):
    print(f"{'file':16}{'lines':>7}{'run':>7}{'%':>7}")
    rows = {name: (len(at), sum(map(bool, at.values()))) for name, at in sorted(lines.items())}
    rows["all"] = tuple(map(sum, zip(*rows.values())))
    for name, (n, run) in rows.items():
        print(f"{name:16}{n:7}{run:7}{100 * run / n:7.1f}")
    print("\nnever run (lines):")
    left = defaultdict(list)
    for (name, function, n), count in sorted(functions.items()):
        if not count:
            left[name].append(f"{function} ({n})")
    for name, those in left.items():
        print(f"  {name}: {', '.join(those)}")


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    lines, functions = defaultdict(lambda: defaultdict(int)), defaultdict(int)
    try:
        add(measure(), lines, functions)
        guests = sorted(lab.coverage().glob("*"))
        for where in guests:
            add(gcov(where), lines, functions)
    except lab.LabError as e:
        sys.exit(f"ignis: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"KUnit and {len(guests)} guests\n")
    show(lines, functions)


if __name__ == "__main__":
    main()
