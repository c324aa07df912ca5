#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Trampoline text is at most 8 KiB, kernel text at most 128 KiB: sizes.py TRAMPOLINE KERNEL. Prints TAP."""
import sys

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

LIMITS = (("trampoline", 8 << 10), ("kernel", 128 << 10))


def text_size(path):
    with open(path, "rb") as file:
        sections = ELFFile(file).iter_sections()
        return sum(section["sh_size"] for section in sections if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)


def main():
    print(f"1..{len(LIMITS)}")
    good = True
    for number, ((name, limit), path) in enumerate(zip(LIMITS, sys.argv[1:]), 1):
        size = text_size(path)
        fits = 0 < size <= limit
        good = good and fits
        print(f"{'ok' if fits else 'not ok'} {number} - {name} text: {size} of {limit} bytes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
