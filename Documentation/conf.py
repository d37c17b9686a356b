# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx; "make docs" builds into _build."""
import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent

project = "ignis"
author = "the ignis developers"
copyright = author
release = re.search(r'PACKAGE_VERSION="(.*)"', (PROJECT / "dkms.conf").read_text())[1]
exclude_patterns = ["_build"]
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {"page_width": "1120px", "sidebar_width": "200px", "show_powered_by": False}
html_copy_source = False


def mutants(app, docname, source):
    """Put the table of kunit/mutants where its comment is."""
    rows = [".. list-table::", ""]
    for patch in sorted(PROJECT.glob("kunit/mutants/*.patch")):
        title, _, tests, *_ = patch.read_text().splitlines()
        rows += [f"   * - ``{patch.stem}``", f"     - {title}", f"     - ``{tests.removeprefix('Caught-by: ')}``"]
    source[0] = source[0].replace(".. The table of kunit/mutants", "\n".join(rows))


def setup(app):
    app.connect("source-read", mutants)
