#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a server set into a boot archive; salto/sets.py says how. Meson and ./run call it."""
import argparse
import sys

from salto import archive, sets, toolchain


def main():
    parser = argparse.ArgumentParser(description="Builds the server set in a folder into a boot archive.")
    parser.add_argument("folder")
    parser.add_argument("output", help="the archive")
    parser.add_argument("--build", required=True, help="meson's build folder")
    parser.add_argument("--work", required=True, help="folder for intermediate files")
    parser.add_argument("--depfile", help="where to write what the archive depends on")
    arguments = parser.parse_args()
    builder = sets.Set(arguments.folder, arguments.work, sets.load_config(arguments.build))
    builder.build(arguments.output)
    if arguments.depfile:
        builder.write_depfile(arguments.depfile, arguments.output)


if __name__ == "__main__":
    try:
        main()
    except (OSError, sets.SetError, archive.ArchiveError, toolchain.ToolchainError) as error:
        sys.exit(f"build_set: {error}")
