# SPDX-License-Identifier: BSD-2-Clause
"""./run: builds a server set and boots it."""
import argparse
import os
import subprocess
import sys
import tempfile

from salto import builder, console, gdb, iso, machine, places, setup
from salto.console import Failure, command, say

DEFAULT_SET = "calculator"
DEFAULT_TIMEOUT = 300 # seconds, where nobody sits at the terminal


def parse():
    parser = argparse.ArgumentParser(
        prog="run", description="Builds a server set and boots it in QEMU, with its serial line on this terminal. "
        "Installs what is missing. Leave with Ctrl-A X; every other key, Ctrl-C too, goes to the machine. The exit "
        "status is the set's: 0 if all went well, and 1 if the machine was left before it powered off.")
    parser.add_argument("set", nargs="?",
                        help=f"a set's name (--list) or a folder with a set.manifest; without one {DEFAULT_SET}, with "
                        "--icount, so that what it measures is instructions")
    parser.add_argument("--list", action="store_true", help="list the sets of the tree, and do nothing else")
    parser.add_argument("--uefi", action="store_true", help="boot by UEFI instead of BIOS")
    parser.add_argument("--bochs", action="store_true", help="boot in Bochs, which models PCID and canonical addresses")
    parser.add_argument("--gdb", action="store_true", help="stop before the first instruction, and start a debugger")
    parser.add_argument("--debugger", action="store_true",
                        help="a kernel with the kernel debugger: Ctrl-K stops everything for it, ? lists its commands")
    parser.add_argument("--icount", action="store_true", help="one nanosecond of machine time for each instruction")
    parser.add_argument("--cpu", help="QEMU's CPU model (default: max; with --icount max,-erms)")
    parser.add_argument("--smp", type=int, default=1, metavar="N", help="number of CPUs (default: 1)")
    parser.add_argument("--memory", default="512M", help="memory (default: 512M)")
    parser.add_argument("--serial", metavar="WAY", help="where the second serial line leads, as QEMU's -serial says it: "
                        "unix:/tmp/line,server=on,wait=off")
    parser.add_argument("--options", default="", help="the kernel's command line")
    parser.add_argument("--timeout", type=float, metavar="SECONDS",
                        help=f"power off after so long (default: never; {DEFAULT_TIMEOUT} without a terminal)")
    parser.add_argument("--build", metavar="FOLDER", help="boot what meson built in this folder; build nothing")
    arguments = parser.parse_args()
    if not 1 <= arguments.smp <= 64:
        parser.error("--smp takes 1 to 64")
    if arguments.serial and arguments.bochs:
        parser.error("--serial is for QEMU")
    if arguments.set is None:
        arguments.set, arguments.icount = DEFAULT_SET, True
    return arguments


def list_sets():
    for name, folder in places.listed_sets().items():
        print(f"{name:24} {os.path.relpath(folder, places.TREE):32} {places.about(folder)}".rstrip())
    return 0


def build_set(name, built):
    """Builds a set by name or folder, unless it was `built` in a folder; (archive, folder with programs.json)."""
    known = places.listed_sets()
    if name in known:
        if not built:
            builder.build(["set-tools", f"{name}.cpio"])
        folder = built or places.BUILD
        if not os.path.isfile(os.path.join(folder, f"{name}.cpio")):
            raise Failure(f"{folder}: the set '{name}' was not built there")
        return os.path.join(folder, f"{name}.cpio"), os.path.join(folder, "sets", name)
    if os.path.isdir(name):
        return builder.build_folder_set(name)
    raise Failure(f"there is no set '{name}', and no folder of that name; the sets are: " + ", ".join(known))


def packages(arguments):
    wanted = setup.BUILD_PACKAGES + setup.MACHINE_PACKAGES
    wanted += setup.UEFI_PACKAGES if arguments.uefi else []
    wanted += setup.GDB_PACKAGES if arguments.gdb else []
    return wanted + (setup.BOCHS_PACKAGES if arguments.bochs else [])


def machine_options(arguments, archive):
    kernel = os.path.join(arguments.build or places.BUILD, "kernel",
                          "kernel_debugger.elf" if arguments.debugger else "kernel.elf")
    cpu = arguments.cpu or ("max,-erms" if arguments.icount else "max")
    boot = "bochs" if arguments.bochs else "uefi" if arguments.uefi else "bios"
    return machine.Options(kernel=kernel, archive=archive, boot=boot, cpu=cpu, smp=arguments.smp,
                           memory=arguments.memory, icount=arguments.icount, command_line=arguments.options,
                           line=arguments.serial or "")


def run_machine(options, timeout, work):
    """Runs QEMU on this terminal; answers the exit status."""
    log = os.path.join(work, "serial")
    terminal = sys.stdin.isatty()
    line = f"stdio,id=serial,logfile={log},signal=off,mux={'on' if terminal else 'off'}"
    command_line = [*machine.qemu_command(options, work), "-chardev", line, "-serial", "chardev:serial"]
    command_line += machine.second_line(options)
    command_line += ["-mon", "chardev=serial"] if terminal else ["-monitor", "none"]
    say("booting" + ("; leave with Ctrl-A X" if terminal else ""))
    with console.kept_terminal(), machine.started(
            command_line, stdin=None if terminal else subprocess.DEVNULL) as process:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            say(f"error: the machine did not power off within {timeout:g} seconds")
            return 1
    return report(machine.Outcome(machine.read(log), "", process.returncode, False), terminal)


def run_bochs(options, timeout):
    say("booting in Bochs, whose serial line is shown at the end")
    outcome = machine.run(options, timeout or DEFAULT_TIMEOUT)
    print(outcome.serial, end="")
    if outcome.timed_out:
        say("error: the machine did not power off in time")
        return 1
    return report(outcome)


def report(outcome, terminal=False):
    status = outcome.status()
    if status is None:
        left = terminal and outcome.code == 0
        say("left before the machine powered off" if left else "error: the machine stopped without powering off")
        return 1
    say("the machine powered off; all went well" if status == 0 else f"the machine powered off with status {status}")
    return min(status, 255)


def main():
    arguments = parse()
    if arguments.list:
        return list_sets()
    if not arguments.build:
        setup.prepare(packages(arguments))
    archive, programs = build_set(arguments.set, arguments.build)
    options = machine_options(arguments, archive)
    timeout = arguments.timeout or (None if sys.stdin.isatty() else DEFAULT_TIMEOUT)
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        try:
            if arguments.gdb:
                return gdb.debug(options, programs, work)
            return run_bochs(options, timeout) if arguments.bochs else run_machine(options, timeout, work)
        except iso.IsoError as error:
            raise Failure(str(error)) from error


if __name__ == "__main__":
    command(main)
