#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a boot archive: make_archive.py OUTPUT NAME=PATH..."""
import argparse
import sys

from salto import archive


def main():
    parser = argparse.ArgumentParser(description="Makes a boot archive (cpio, newc form).")
    parser.add_argument("output")
    parser.add_argument("members", nargs="+", metavar="NAME=PATH")
    arguments = parser.parse_args()
    members = []
    for member in arguments.members:
        name, separator, path = member.partition("=")
        if not separator:
            parser.error(f"'{member}' is not NAME=PATH")
        with open(path, "rb") as file:
            members.append((name, file.read()))
    archive.write(arguments.output, members)


if __name__ == "__main__":
    try:
        main()
    except (OSError, archive.ArchiveError) as error:
        sys.exit(f"make_archive: {error}")
