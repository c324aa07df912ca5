# SPDX-License-Identifier: BSD-2-Clause
"""A debugger on the machine, with the symbols of kernel, trampoline and every program of the set."""
import json
import os
import re
import signal
import socket
import subprocess

from salto import machine, places
from salto.console import say


def script(kernel, programs, port):
    """The debugger's commands; `programs` is the folder with the set's programs.json. Programs that link our lib lie at
    addresses of their own each, so all their symbols are loaded. Plain programs share one address: unless there is only
    one, each gets a command that loads its symbols."""
    with open(os.path.join(programs, "programs.json"), encoding="utf-8") as file:
        listed = json.load(file)
    trampoline = os.path.join(os.path.dirname(kernel), "trampoline.elf")
    lines = ["set pagination off", "set confirm off", f"file {kernel}", f"add-symbol-file {trampoline}"]
    plain = [program["name"] for program in listed if program.get("plain") and not program["pie"]]
    for program in listed:
        load = f"add-symbol-file {program['path']}" + (f" -o {pie_base()}" if program.get("pie") else "")
        if program["name"] in plain and len(plain) > 1:
            lines += [f"define symbols-{program['name']}", load, "end",
                      f"echo plain program {program['name']}: type symbols-{program['name']} for its symbols\\n"]
        else:
            lines.append(load)
    return "\n".join([*lines, f"target remote 127.0.0.1:{port}", ""])


def pie_base():
    """Where root loads a static-pie: STATIC_PIE_BASE."""
    with open(os.path.join(places.TREE, "kernel", "abi", "addresses.h"), encoding="utf-8") as file:
        return re.search(r"#define STATIC_PIE_BASE SALTO_ADDRESS\((0x[0-9a-f]+)\)", file.read()).group(1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def debug(options, programs, work):
    """Starts the machine stopped, and the debugger on this terminal; the machine ends with it."""
    port, log, commands = free_port(), os.path.join(places.BUILD, "serial.log"), os.path.join(work, "commands.gdb")
    with open(commands, "w", encoding="utf-8") as file:
        file.write(script(options.kernel, programs, port))
    qemu = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", f"file:{log}",
            *machine.second_line(options), "-S", "-gdb", f"tcp:127.0.0.1:{port}"]
    say(f"starting the machine, stopped; its serial line goes to {os.path.relpath(log)}")
    # A group of its own: Ctrl-C is the debugger's.
    with machine.started(qemu, stdin=subprocess.DEVNULL, start_new_session=True):
        before = signal.signal(signal.SIGINT, lambda number, frame: None)
        try:
            return subprocess.run(["gdb", "-q", "-x", commands], check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
