#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints, one a line, the compile or link options for programs against musl: meson asks it.

user_flags.py gcc|clang compile|link COMPILER...
"""
import sys

from salto.toolchain import Toolchain, ToolchainError


def main():
    if len(sys.argv) < 4 or sys.argv[2] not in ("compile", "link"):
        sys.exit("usage: user_flags.py gcc|clang compile|link COMPILER...")
    tools = Toolchain(sys.argv[3:], sys.argv[1])
    flags = tools.compile_flags() if sys.argv[2] == "compile" else tools.link_head() + tools.link_tail()
    print("\n".join(flags))


if __name__ == "__main__":
    try:
        main()
    except ToolchainError as error:
        sys.exit(f"user_flags: {error}")
