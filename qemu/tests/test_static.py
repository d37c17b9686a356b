# SPDX-License-Identifier: GPL-2.0-only
"""What needs no guest: static checks of the sources, and documentation that builds without a warning."""
import subprocess

import lab


def run(tool):
    done = subprocess.run([lab.PROJECT / "tools" / tool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, "\n" + done.stdout


def test_check():
    run("check")


def test_docs():
    run("docs")
