# SPDX-License-Identifier: BSD-2-Clause
"""Where things lie in the source tree."""
import os
import re

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, "build")


def listed_sets():
    """Every server set of the tree: name to folder. A test set's name is that of its folder, as an example's."""
    found = {}
    for group in ("examples", "tests/guest", "tests"):
        base = os.path.join(TREE, group)
        for name in sorted(os.listdir(base) if os.path.isdir(base) else []):
            if os.path.isfile(os.path.join(base, name, "set.manifest")):
                found[name] = os.path.join(base, name)
    return found


def about(folder):
    """The first sentence of the comment at the beginning of a set's manifest, in one line."""
    words = []
    with open(os.path.join(folder, "set.manifest"), encoding="utf-8") as file:
        for line in file:
            text = line.strip().lstrip("#").strip()
            if words and not (line.startswith("#") and text):
                break
            if line.startswith("#") and not text.startswith("SPDX"):
                words += text.split()
    return re.split(r"(?<=\.) ", " ".join(words), maxsplit=1)[0]
