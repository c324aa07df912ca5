#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every C file has the form that .clang-format describes: format.py TREE. Prints TAP, one result a file."""
import concurrent.futures
import os
import subprocess
import sys

FOLDERS = ("kernel", "idlc", "lib", "servers", "examples", "tests", "tools")


def sources(tree):
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(tree, folder)):
            yield from (os.path.join(where, name) for name in sorted(names) if name.endswith((".c", ".h")))


def check(path):
    return subprocess.run(["clang-format", "--dry-run", "-Werror", path], capture_output=True, text=True, check=False)


def main():
    tree = sys.argv[1]
    paths = list(sources(tree))
    print(f"1..{len(paths)}")
    good = bool(paths)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (path, done) in enumerate(zip(paths, pool.map(check, paths)), 1):
            print(f"{'not ok' if done.returncode else 'ok'} {number} - {os.path.relpath(path, tree)}")
            if done.returncode:
                good = False
                print("\n".join(f"# {line}" for line in done.stderr.splitlines()[:3]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
