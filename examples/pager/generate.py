#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the archive, a .lz4 file in blocks of 64 KiB that are unpacked on their own, as a header for the pager.

generate.py FOLDER ...
"""
import ctypes
import os
import sys

LINES = 32768
BLOCK_SIZE_64K, BLOCKS_INDEPENDENT = 4, 1 # lz4frame.h


def compress(data):
    lz4 = ctypes.CDLL("liblz4.so.1")
    for name in ("LZ4F_compressFrameBound", "LZ4F_compressFrame"):
        getattr(lz4, name).restype = ctypes.c_size_t
    # LZ4F_preferences_t: 56 bytes, of which the first two words are what is wanted, and the rest may be 0.
    preferences = (ctypes.c_uint32 * 14)(BLOCK_SIZE_64K, BLOCKS_INDEPENDENT)
    room = lz4.LZ4F_compressFrameBound(ctypes.c_size_t(len(data)), preferences)
    packed = ctypes.create_string_buffer(room)
    size = lz4.LZ4F_compressFrame(packed, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), preferences)
    if lz4.LZ4F_isError(ctypes.c_size_t(size)):
        sys.exit("generate.py: liblz4 cannot compress the table")
    return packed.raw[:size]


def main():
    packed = compress("".join(f"{number:10} {number * number:20}\n" for number in range(LINES)).encode())
    rows = [", ".join(str(byte) for byte in packed[at:at + 24]) for at in range(0, len(packed), 24)]
    with open(os.path.join(sys.argv[1], "packed_table.h"), "w", encoding="utf-8") as file:
        file.write("static const unsigned char archive[] = {\n" + ",\n".join(rows) + "};\n")


if __name__ == "__main__":
    main()
