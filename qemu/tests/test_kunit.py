# SPDX-License-Identifier: GPL-2.0-only
"""The driver on a modelled NIC, in User Mode Linux: what "make kunit" does."""
import re
import subprocess

import lab


def test_suites(record_property):
    done = subprocess.run([lab.PROJECT / "qemu/kunit.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, "\n" + done.stdout[-20_000:]
    ran = re.search(r"Ran (\d+) tests: passed: (\d+)", done.stdout)
    assert ran and int(ran[1]) == int(ran[2]) > 150, done.stdout[-2000:]
    record_property("kunit", ran[0])
