#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The debugger reaches kernel, trampoline and programs by name: gdb_session.py BUILD SET. Prints TAP.
The set must have a program of its own name.

The session is the one of `./run --gdb`; only the terminal's commands are given by the test.
"""
import json
import os
import subprocess
import sys
import tempfile

from salto import gdb, machine, tap

TIMEOUT = 60


def session(build, name, commands):
    """What gdb prints for the commands."""
    options = machine.Options(kernel=os.path.join(build, "kernel", "kernel.elf"),
                              archive=os.path.join(build, f"{name}.cpio"), command_line="debug-exit", debug_exit=True)
    port = gdb.free_port()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        path = os.path.join(work, "commands.gdb")
        with open(path, "w", encoding="utf-8") as file:
            file.write(gdb.script(options.kernel, os.path.join(build, "sets", name), port))
        qemu = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", "null", "-S", "-gdb",
                f"tcp:127.0.0.1:{port}"]
        words = [word for text in commands for word in ("-ex", text)]
        with subprocess.Popen(qemu, stdin=subprocess.DEVNULL) as process:
            try:
                return subprocess.run(["gdb", "-q", "-batch", "-nx", "-x", path, *words], capture_output=True,
                                      text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False).stdout
            except subprocess.TimeoutExpired as late:
                return (late.stdout or b"").decode() + "\n(the debugger did not end in time)"
            finally:
                process.kill()


def main():
    build, name = sys.argv[1:3]
    with open(os.path.join(build, "sets", name, "programs.json"), encoding="utf-8") as file:
        programs = [program for program in json.load(file) if program["name"] not in ("root", "linux")]
    output = session(build, name, [
        "break kernel_main", "continue", "info symbol $rip", "info symbol trampoline_system_call",
        f"break {name}.c:main", "continue", "info symbol $rip"])
    report = tap.Report()
    report.add("kernel_main in section .text" in output, "stops in kernel_main", output)
    report.add("trampoline_system_call in section .text" in output, "knows the trampoline", output)
    report.add(f"main in section .text of {build}/sets/{name}/{name}.elf" in output, "stops in a program", output)
    for program in programs:
        report.add(f"{program['name']}.elf" in output, f"has the symbols of {program['name']}", output)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
