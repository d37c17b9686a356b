# SPDX-License-Identifier: GPL-2.0-only
"""The model of the chips that KUnit runs the driver on, and QEMU's devices, make the same of the same frames.

The frames are those of kunit/sample.c. The suite ignis_qemu says what came of them on the model; in a guest, a
module that has that file too hands them to the driver, and says what the driver tells of those from the wire.
Where QEMU is known not to do as the chip does, the sample is named below; it must differ then.
"""
import re
import shutil
import struct
import zlib
from collections import defaultdict

import pytest

import kunit
import lab
from conftest import DEVICES, KERNELS, Machine
from frames import Port, case_of

CHIPS = {"igb": "82576", "e1000e": "82574L"}
KEY = bytes(range(3, 43))
LINE = r"([rt]x [^:\n]*): (.*?)\s*$"

# What QEMU makes otherwise, as Documentation/testing.rst has it: "What QEMU cannot show"
RUNTS = ["plain runt", "tcp4 runt"]
TAGS = ["tcp4 802.1ad", "tcp4 802.1ad 802.1q", "tcp4 two tags"]
EXTENSIONS = ["tcp6 extension", "tcp6 hop-by-hop", "tcp6 routing", "tcp6 other destination", "tcp6 home address",
              "udp6 extension", "udp6 hop-by-hop", "udp6 other destination", "udp6 home address", "sctp6 extension"]
TRAILERS = ["sctp4 short", "sctp4 behind"]
# What differs then; None: all
SUM, PARSED = r" sum \d", r"queue .* sum \d"
RX = {"e1000e": {**dict.fromkeys(RUNTS), **dict.fromkeys(TAGS, PARSED)}}
RX["igb"] = {**RX["e1000e"], **dict.fromkeys(EXTENSIONS + TRAILERS, SUM)}
PADDING = ["plain short", "plain vlan short", "tcp4 empty", "udp4 empty"]
FLAGS = ["tso4 fin psh", "tso6 fin"]
ZERO = ["tcp4 zero sum"]
TX = {"e1000e": dict.fromkeys(PADDING + FLAGS + ZERO)}
TX["igb"] = {**TX["e1000e"], **dict.fromkeys(["uso4", "uso6"])}

pytestmark = pytest.mark.parametrize(
    "machine", [Machine("backports", d) for d in DEVICES if "backports" in KERNELS], ids=str, indirect=True)


@pytest.fixture(scope="module")
def model():
    """{chip: {"rx MTU NUMBER NAME" or "tx NUMBER NAME": [what came of it, ...]}}"""
    with kunit.tree() as (_, copy):
        kunit.build(copy, "model")
        wrong = kunit.run(copy, "ignis_qemu", log="model")
        text = kunit.LOG.read_text(errors="replace")
    assert not wrong
    out = {chip: defaultdict(list) for chip in CHIPS.values()}
    for chip, sample, told in re.findall(rf"# \w+: (\w+) {LINE}", text, re.M):
        out[chip][sample].append(told)
    return out


@pytest.fixture
def port(vm):
    work = vm.dir / "samples"
    if not work.exists():
        shutil.copytree(lab.PROJECT / "qemu/guest/samples", work)
        for name in "flow", "sample":
            for suffix in "ch":
                shutil.copy(lab.PROJECT / f"kunit/{name}.{suffix}", work)
        lab.chroot(f"make -C {vm.kernel.kdir} M=/build modules", "samples", "building samples.ko", vm.kernel,
                   [(work, "/build")])
        shutil.copy(work / "samples.ko", vm.dir / "out")
    port = Port.of(vm)
    # The address of the frames, which is that of the model
    with port.changed("ip link set $N address 02:16:3e:00:00:01",
                      f"rmmod samples || true; ip link set $N mtu 1500 address {port.mac}"):
        yield port


def excused(model, qemu, known):
    """Whether what is known to differ is all that does."""
    return known is None or known and [re.sub(known, "", s) for s in model] == [re.sub(known, "", s) for s in qemu]


def compare(model, qemu, known):
    """Both {sample: [what came of it, ...]}; a sample that came to nothing is in neither."""
    names = {s: re.sub(r"^[rt]x( \d+)+ ", "", s) for s in {*model, *qemu}}
    assert len(set(names.values())) > 30
    differ = {s for s in names if model.get(s) != qemu.get(s)}
    faults = [f"{s}\n    model {'; '.join(model.get(s, ['nothing']))}\n    QEMU  {'; '.join(qemu.get(s, ['nothing']))}"
              for s in sorted(differ) if not excused(model.get(s, []), qemu.get(s, []), known.get(names[s], ""))]
    assert not faults, f"{len(faults)} of {len(names)} differ:\n" + "\n".join(faults)
    assert {names[s] for s in differ} == set(known), "some of QEMU's differences are gone"


def test_receive(port, machine, model):
    """Queue, hash and its type, sum, tag, length and bytes."""
    channels = port.limits.queues
    with port.changed("ethtool -l $N | awk '/Current/,0' | awk '/Combined/ {print $2}' > /tmp/channels;"
                      f"ethtool -L $N combined {channels}; ethtool -X $N hkey {KEY.hex(':')} equal {channels}",
                      "ethtool -X $N default; ethtool -L $N combined $(cat /tmp/channels)"):
        port.sh("insmod /out/samples.ko dev=$N; cp /sys/kernel/debug/samples/frames /out")
        data, frames = (port.vm.dir / "out/frames").read_bytes(), []
        while data:
            size, = struct.unpack_from("<I", data)
            frames.append(data[4:4 + size])
            data = data[4 + size:]
        for mtu in 1500, 9000:
            port.sh(f"ip link set $N mtu {mtu}")
            port.carrier()
            port.receive(frames)
        qemu = defaultdict(list)
        for sample, told in re.findall(f"samples: {LINE}", port.vm.dmesg(since_mark=True), re.M):
            qemu[sample].append(told)
    compare({s: told for s, told in model[CHIPS[machine.device]].items() if s.startswith("rx")}, qemu,
            RX[machine.device])


def test_transmit(port, machine, model):
    """Bytes on the wire: as many as to tell the headers, and a sum of all of them."""
    want = {s: told for s, told in model[CHIPS[machine.device]].items() if s.startswith("tx")}
    names = {int(s.split()[1]): s for s in want}
    with port.changed("ethtool -K $N tx-udp-segmentation on || true", "true"):
        port.carrier()
        port.wire.clear()
        port.sh("insmod /out/samples.ko dev=$N send=1")
        got = port.wire.recv(sum(map(len, want.values())), 5, match=lambda f: case_of(f) is not None)
        got += [f for f in port.wire.drain(.2) if case_of(f) is not None]
    qemu = defaultdict(list)
    for f in got:
        qemu[names[case_of(f)]].append(f"{len(f)} bytes {zlib.crc32(f):08x} {f[:80].hex()}")
    compare(want, qemu, TX[machine.device])
