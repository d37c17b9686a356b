# SPDX-License-Identifier: GPL-2.0-only
"""Results as a table, a chart, a page of the documentation, and lists of functions."""
import json

from workloads import AWAKE, WORKLOADS

INSTRUCTIONS = ("driver", "both", "kernel")
LINES = ("data driver", "data both", "code driver", "code both")        # of cache
COLUMNS = (*INSTRUCTIONS, "reads", "writes", "irqs", "data both", "code both")
# Of a port, not of a packet
PORT = ("module bytes", "insmod instructions", "ms to a link", "KiB a queue")
# Most that ignis is to take of what the in-tree driver does; "both": the driver and what it causes
GOALS = {
    **dict.fromkeys(["rx-60", "rx-1514"], {"driver": .65, "both": .90, "writes": .5}),
    **dict.fromkeys(["tcp-in", "tcp-out"], {"driver": .70, "both": .90, "writes": 1}),
    "xdp-drop": {"driver": .60, "both": .60, "writes": 1},
    "xdp-tx": {"driver": .50, "both": .45, "writes": .06},
    **dict.fromkeys(["xsk-rxdrop", "xsk-txonly", "xsk-l2fwd"], {"driver": .70, "both": .75, "reads": 1, "writes": 1}),
    **dict.fromkeys(["pktgen-1", "pktgen-32"], {"driver": .65, "both": .80, "writes": 1}),
    "ping-pong": {"driver": .80, "both": .90, "writes": 1},
}


def rows(results):
    """(chip, work, ignis' figures, the in-tree driver's or None)"""
    for chip, drivers in results["chips"].items():
        other = next((d for d in drivers if d != "ignis"), None)
        works = dict.fromkeys(w for d in drivers.values() for w in d["work"])
        for work in works:
            yield (chip, work, drivers.get("ignis", {"work": {}})["work"].get(work),
                   drivers[other]["work"].get(work) if other else None)


def intree(results, chip):
    return next((d for d in results["chips"][chip] if d != "ignis"), None)


def shown(figures, column):
    if not figures or column not in figures:
        return "\u2013"
    return f"{figures[column][1]:.{1 if column in INSTRUCTIONS else 2 if column in LINES else 3}f}"


def ratio(ours, theirs, column):
    if not ours or not theirs or not theirs.get(column, (0, 0))[1]:
        return ""
    return f"{ours[column][1] / theirs[column][1]:.2f}"


def verdict(work, ours, theirs):
    """Which goals are missed, in words."""
    goals = GOALS.get(work) if ours and theirs else None
    if not goals:
        return ""
    missed = [f"{c} <= {goal}" for c, goal in goals.items()
              if ours[c][1] > max(goal * theirs[c][1], .001)]
    return "missed: " + ", ".join(missed) if missed else "met"


def table(results):
    last = None
    for chip, drivers in results["chips"].items():
        for driver, d in drivers.items():
            facts = [f"{d[fact]:,} {fact}" for fact in PORT if fact in d]
            if facts:
                print(f"{chip} {driver}: {', '.join(facts)}")
    for chip, work, ours, theirs in rows(results):
        if chip != last:
            last = chip
            compared = f" (ratio to {intree(results, chip)})" if len(results["chips"][chip]) > 1 else ""
            print(f"\n{chip}, for each packet{compared}\n{'':40}" + "".join(f"{c:>16}" for c in COLUMNS) + "  goals")
        for name, figures in ("ignis", ours), (intree(results, chip), theirs):
            if not figures:
                continue
            first = figures is (ours or theirs)
            cells = ""
            for c in COLUMNS:
                r = ratio(ours, theirs, c) if figures is ours else ""
                cells += f"{shown(figures, c) + (f' ({r})' if r else ''):>16}"
            print(f"{WORKLOADS[work][0] if first else '':<33}{name:<7}{cells}"
                  + (f"  {verdict(work, ours, theirs)}" if first else ""))


def compact(results):
    """JSON to be committed: what `check` compares, a line for each workload."""
    out = []
    for chip, drivers in results["chips"].items():
        for driver, d in drivers.items():
            d = {**d, "work": {w: {c: f[c] for c in (*INSTRUCTIONS, "reads", "writes", "irqs", *LINES) if c in f}
                               for w, f in d["work"].items()}}
            works = ",\n    ".join(f"{json.dumps(w)}: {json.dumps(f)}" for w, f in d.pop("work").items())
            rest = "".join(f"{json.dumps(k)}: {json.dumps(v)}, " for k, v in d.items())
            out.append((chip, f"  {json.dumps(driver)}: {{{rest}\"work\": {{\n    {works}}}}}"))
    chips = ",\n".join(f" {json.dumps(chip)}: {{\n" + ",\n".join(t for c, t in out if c == chip) + "}"
                       for chip in results["chips"])
    return f'{{"versions": {json.dumps(results["versions"])},\n"chips": {{\n{chips}}}}}\n'


def svg(results):
    """A bar for each driver and workload: its own instructions, and those it causes."""
    bars = [(chip, work, driver, f) for chip, work, ours, theirs in rows(results) if work not in ("idle", "ping-pong")
            for driver, f in (("ignis", ours), (intree(results, chip), theirs)) if f]
    scale = 560 / max(f["both"][1] for *_, f in bars)
    out, y, last = [], 34, (None, None)

    def text(x, y, what, more=""):
        out.append(f'<text x="{x}" y="{y}"{more}>{what}</text>')
    for chip, work, driver, f in bars:
        if chip != last[0]:
            y += 24
            text(8, y, chip, ' font-weight="bold"')
            y += 8
        if (chip, work) != last:
            y += 6
            text(216, y + 11, WORKLOADS[work][0], ' text-anchor="end"')
        last = chip, work
        own, all_ = (f[c][1] * scale for c in ("driver", "both"))
        colour = "#c2410c" if driver == "ignis" else "#475569"
        out.append(f'<rect x="280" y="{y}" width="{own:.1f}" height="13" fill="{colour}"/>')
        out.append(f'<rect x="{280 + own:.1f}" y="{y}" width="{all_ - own:.1f}" height="13" fill="{colour}" '
                   'fill-opacity=".35"/>')
        text(226, y + 11, driver)
        text(f"{284 + all_:.1f}", y + 11, f"{f['driver'][1]:.0f} + {f['both'][1] - f['driver'][1]:.0f}")
        y += 15
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{y + 16}" font-family="sans-serif" ' \
           'font-size="12">\n<rect width="100%" height="100%" fill="white"/>'
    text(8, 24, "Instructions for each packet: the driver\u2019s own + what it causes in the kernel", ' font-size="15"')
    return "\n".join([head, *out, "</svg>"]) + "\n"


def csv(works, columns):
    """Rows of a table: ignis, the in-tree driver, and their ratio in each cell."""
    for work, ours, theirs in works:
        cells = [", ".join(x for x in (shown(ours, c), shown(theirs, c), ratio(ours, theirs, c)) if x) for c in columns]
        yield "   " + ", ".join(f'"{x}"' for x in [WORKLOADS[work][0], *cells])


def rst(results):
    """The figures as text of the documentation."""
    v = results["versions"]
    later = v.get("later", {})
    out = [f"Kernel {v['kernel']}, {v['qemu']}, ignis {v['ignis']}."]
    out += [f"Of ignis {version}: " + "; ".join(WORKLOADS[w][0] for w in later if later[w] == version) + "."
            for version in dict.fromkeys(later.values())]
    out += ["", ".. image:: performance.svg", ""]
    for chip in results["chips"]:
        other = intree(results, chip)
        works = [r[1:] for r in rows(results) if r[0] == chip]
        out += [f".. csv-table:: {chip}: ignis, {other}, ratio", "   :header: work, driver, driver + caused, kernel, "
                "register writes, register reads, interrupts", "   :widths: 30, 18, 18, 18, 16, 16, 16", "",
                *csv(works, ("driver", "both", "kernel", "writes", "reads", "irqs")), "",
                f".. csv-table:: {chip}, lines of cache: ignis, {other}, ratio", "   :header: work, data: driver, "
                "data: driver + caused, code: driver, code: driver + caused", "   :widths: 30, 18, 18, 18, 18", "",
                *csv([w for w in works if w[0] not in AWAKE], LINES), "",
                f".. csv-table:: {chip}", f"   :header: driver, ring (rx tx), {', '.join(PORT)}", ""]
        for driver, d in results["chips"][chip].items():
            if "ring" in d:
                out.append(f"   {driver}, {' '.join(d['ring'])}, {', '.join(str(d.get(fact, '')) for fact in PORT)}")
        out.append("")
    return "\n".join(out)


BEGIN, END = ".. figures: written by make bench\n", ".. end of figures\n"


def write_rst(path, results):
    text = path.read_text()
    head, _, rest = text.partition(BEGIN)
    path.write_text(f"{head}{BEGIN}\n{rst(results)}\n{END}{rest.partition(END)[2]}")


def functions(results, only=None, count=25):
    for chip, work, *_ in rows(results):
        if only and work != only:
            continue
        for driver, r in results["chips"][chip].items():
            if work not in r["work"]:
                continue
            found = r["work"][work]
            print(f"\n{chip} {driver}: {WORKLOADS[work][0]}")
            for f, n in list(found["functions"].items())[:count]:
                print(f"{n:10.1f}  {f}")
            print("".join(f"{n:10.3f}  {reg}\n" for reg, n in found["registers"].items()), end="")
