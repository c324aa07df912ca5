#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a bootable image: make_iso.py OUTPUT KERNEL ARCHIVE [OPTIONS]"""
import sys

from salto import iso


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: make_iso.py OUTPUT KERNEL ARCHIVE [OPTIONS]")
    iso.make(*sys.argv[1:])


if __name__ == "__main__":
    try:
        main()
    except (OSError, iso.IsoError) as error:
        sys.exit(f"make_iso: {error}")
