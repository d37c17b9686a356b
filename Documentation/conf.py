# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx; "make docs" builds into _build."""
import re
from pathlib import Path

project = "ignis"
author = "the ignis developers"
copyright = author
release = re.search(r'PACKAGE_VERSION="(.*)"', (Path(__file__).parent.parent / "dkms.conf").read_text())[1]
exclude_patterns = ["_build"]
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {"page_width": "1120px", "sidebar_width": "200px", "show_powered_by": False}
html_copy_source = False
