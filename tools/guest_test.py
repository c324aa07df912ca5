#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs one server set as a test and prints TAP; meson calls it. salto/guest.py says what is compared."""
import argparse
import os
import random
import signal
import sys

from salto import archive, console, guest, iso, machine

FIRMWARE = {"pvh": "PVH", "bios": "BIOS", "uefi": "UEFI", "bochs": "Bochs"}


def name_and_value(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def parse():
    parser = argparse.ArgumentParser(description="Runs a server set as a test, and prints TAP.")
    parser.add_argument("name", help="of the test, for messages")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--boot", choices=FIRMWARE, default="pvh")
    parser.add_argument("--image", default="", help="boot this image instead of making one")
    parser.add_argument("--expect", help="file of lines that the serial line must show, in order")
    parser.add_argument("--any-order", action="store_true",
                        help="programs that run side by side print those lines, so in any order")
    parser.add_argument("--no-tap", action="store_true", help="the set prints no TAP")
    parser.add_argument("--status", type=int, default=0, help="the status with which the machine must power off")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="max")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--line", default="", help="where the second serial line leads, as for ./run --serial")
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", type=name_and_value,
                        help="@NAME@ in the set's manifest becomes VALUE")
    parser.add_argument("--device", action="append", default=[], help="one more in QEMU, as its -device takes it")
    parser.add_argument("--options", default="", help="more of the kernel's command line")
    parser.add_argument("--seed", type=int, help="unless the environment names one in SALTO_SEED; else it is drawn")
    parser.add_argument("--timeout", type=float, default=120)
    return parser.parse_args()


def main():
    arguments = parse()
    seed = int(os.environ.get("SALTO_SEED") or arguments.seed or random.SystemRandom().randrange(1, 1 << 32))
    debug_exit = arguments.boot == "pvh"
    command_line = f"{'debug-exit ' if debug_exit else ''}{arguments.options}".strip()
    options = machine.Options(kernel=arguments.kernel, archive=arguments.archive, boot=arguments.boot,
                              cpu=arguments.cpu, smp=arguments.smp, memory=arguments.memory, icount=arguments.icount,
                              leap=arguments.icount, command_line=command_line, debug_exit=debug_exit,
                              image=arguments.image, devices=tuple(arguments.device), line=arguments.line)
    report = guest.run(arguments.name, options, seed, arguments.timeout, arguments.status, arguments.expect,
                       not arguments.no_tap, arguments.any_order, arguments.set)
    return report.finish()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, console.stop)
    try:
        sys.exit(main())
    except (OSError, archive.ArchiveError, iso.IsoError) as error:
        sys.exit(f"Bail out! {error}")
