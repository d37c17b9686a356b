# SPDX-License-Identifier: GPL-2.0-only
"""A packet costs no more than the committed figures say: the shortest of what "make bench-check" does."""
import subprocess

import pytest

import lab
from conftest import DEVICES, KERNELS

CHEAP = {"igb": ("82576", "rx-60 xdp-tx pktgen-32"), "e1000e": ("82574L", "rx-60 pktgen-32")}


@pytest.mark.skipif("backports" not in KERNELS, reason="the figures are of the kernel from backports")
@pytest.mark.parametrize("device", DEVICES)
def test_cost(device):
    chip, works = CHEAP[device]
    done = subprocess.run([lab.PROJECT / "tools/bench/bench.py", "check", "--chips", chip, "--works", works,
                           "--repeats", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, "\n" + done.stdout
