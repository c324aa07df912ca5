#!/usr/bin/python3
"""Prints the C and assembly files below a folder."""
import pathlib, sys
base = pathlib.Path(sys.argv[1])
for path in sorted(base.rglob("*")) if base.is_dir() else []:
    rel = path.relative_to(base)
    if path.suffix in (".c", ".S") and not any(str(rel).startswith(x) for x in sys.argv[2:]):
        print(rel)
