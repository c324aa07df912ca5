#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""clang builds everything without a warning: clang_build.py TREE BUILD. Prints TAP."""
import os
import subprocess
import sys


def run(command, environment=None):
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def main():
    tree, build = sys.argv[1:3]
    folder = os.path.join(build, "clang")
    steps = []
    if not os.path.isfile(os.path.join(folder, "build.ninja")):
        steps.append(("clang: meson sets up", ["/usr/bin/meson", "setup", folder, tree]))
    steps.append(("clang: everything builds", ["ninja", "-C", folder, "all"]))
    print(f"1..{len(steps) + 1}")
    output, good, number = "", True, 0
    for number, (text, command) in enumerate(steps, 1):
        done = run(command, dict(os.environ, CC="clang"))
        output += done.stdout
        passed = good and done.returncode == 0
        print(f"{'ok' if passed else 'not ok'} {number} - {text}")
        good = passed
    warnings = [line for line in output.splitlines() if "warning:" in line]
    print(f"{'not ok' if warnings or not good else 'ok'} {number + 1} - clang: no warning")
    if warnings or not good:
        print("\n".join(f"# {line}" for line in (warnings or output.splitlines()[-40:])))
    return 0 if good and not warnings else 1


if __name__ == "__main__":
    sys.exit(main())
