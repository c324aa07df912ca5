#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./run as a person at a terminal uses it: run_command.py TREE BUILD. Prints TAP.

The set at the terminal is made in a folder outside the tree: a plain program that names each character that is typed,
and ends with status 0 at `q`, 3 at `f`. Nothing here depends on how fast the machine is: each key waits for the answer
to the one before it.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

import pexpect

from salto import tap

TIMEOUT = 60
KEYS_SET = {
    "keys.c": """#include <stdio.h>
#include <unistd.h>
int main(void)
{
    unsigned char key;
    puts("type");
    while (read(0, &key, 1) == 1 && key != 'q' && key != 'f')
        printf("key %u.\\n", (unsigned)key);
    return key == 'q' ? 0 : 3;
}
""",
    "set.manifest": "program keys { plain; grant console; }\n",
}


class Terminal:
    """A shell on a terminal of its own that runs ./run, and shows the terminal's settings before and after."""

    def __init__(self, run, *words):
        line = " ".join([run, *words])
        self.child = pexpect.spawn("/bin/sh", ["-c", f"stty -g; {line}; echo status $?; stty -g"], encoding="utf-8",
                                   timeout=TIMEOUT, env=dict(os.environ, TERM="dumb"))
        self.text = ""

    def wait(self, pattern):
        """Reads until the pattern came; False if it did not."""
        found = self.child.expect([pattern, pexpect.EOF, pexpect.TIMEOUT]) == 0
        self.text += self.child.before + (self.child.after if found else "")
        return found

    def send(self, keys):
        self.child.send(keys)

    def status(self):
        """The exit status of ./run; None if it did not end."""
        self.wait(pexpect.EOF)
        self.child.close(force=True)
        found = re.findall(r"^status (\d+)", self.text, re.MULTILINE)
        return int(found[-1]) if found else None

    def restored(self):
        """Are the settings the same before and after?"""
        lines = [line.strip() for line in self.text.splitlines() if re.match(r"^[0-9a-f]+(:[0-9a-f]+){10,}", line)]
        return len(lines) == 2 and lines[0] == lines[1]


def keys(report, run, folder):
    """What is typed reaches the program; the ways to leave."""
    for last, expected in (("q", 0), ("f", 1)):
        terminal = Terminal(run, folder)
        good = terminal.wait("type\r") and terminal.wait("")
        for key in ("a", "\x03", "\x1c"):
            terminal.send(key)
            good = terminal.wait(f"key {ord(key)}\\.") and good
        report.add(good, "every key, Ctrl-C too, reaches the program", terminal.text)
        terminal.send(last)
        report.add(terminal.status() == expected, f"a set that ends itself: exit status {expected}", terminal.text)
    terminal = Terminal(run, folder)
    terminal.wait("type\r")
    terminal.send("\x01x")
    report.add(terminal.status() == 1, "Ctrl-A X leaves, with exit status 1", terminal.text)
    report.add("left before the machine powered off" in terminal.text, "and says so", terminal.text)
    report.add(terminal.restored(), "the terminal is as it was", terminal.text)


def limits(report, run, folder):
    """The time limit, and a signal to ./run, end the machine and give the terminal back."""
    terminal = Terminal(run, "--timeout", "2", folder)
    report.add(terminal.status() == 1 and "did not power off within 2 seconds" in terminal.text,
               "a time limit ends it with exit status 1", terminal.text)
    report.add(terminal.restored(), "the terminal is as it was after a time limit", terminal.text)
    terminal = Terminal(run, folder)
    terminal.wait("type\r")
    command = child_of(terminal.child.pid)
    emulator = child_of(command)
    os.kill(command, signal.SIGTERM)
    report.add(terminal.status() == 128 + signal.SIGTERM, "SIGTERM ends ./run", terminal.text)
    report.add(not os.path.exists(f"/proc/{emulator}"), "and the machine with it", terminal.text)


def child_of(process):
    """The only child of a process."""
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


def debugger(report, run, build):
    terminal = Terminal(run, "--build", build, "--gdb", "calculator")
    good = terminal.wait(r"\(gdb\) ")
    for command, answer in (("break kernel_main", "Breakpoint 1 at"), ("continue", "Breakpoint 1, kernel_main"),
                            ("break calculator.c:main", "Breakpoint 2 at"), ("continue", "Breakpoint 2, main"),
                            ("backtrace", "#0 +main"), ("kill", "killed")):
        terminal.send(f"{command}\r")
        good = terminal.wait(answer) and terminal.wait(r"\(gdb\) ") and good
    report.add(good, "--gdb: stops in the kernel and in a program", terminal.text)
    terminal.send("quit\r")
    report.add(terminal.status() == 0 and terminal.restored(), "--gdb: quit ends both, with status 0", terminal.text)


def plain(run, *words):
    """./run without a terminal; what it printed, and its status."""
    done = subprocess.run([run, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=TIMEOUT, check=False)
    return done.stdout, done.returncode


def options(report, run, build, tree):
    built = ("--build", build)
    cases = [
        ("--list names the sets", ("--list",), 0, r"(?m)^calculator +examples/calculator +\S"),
        ("--list has a whole sentence on each", ("--list",), 0, r"\A(\S+ +\S+ +\S.*\.\n)+\Z"),
        ("--help", ("--help",), 0, "Ctrl-A X"),
        ("--uefi", (*built, "--uefi", "calculator"), 0, "6 calculations, 2 errors(.|\n)*all went well"),
        ("--cpu with all that is needed", (*built, "--cpu", "Haswell", "calculator"), 0, "2 \\+ 3 = 5"),
        ("--cpu without FSGSBASE", (*built, "--cpu", "qemu64", "calculator"), 255, "FSGSBASE"),
        ("--cpu that is none", (*built, "--cpu", "none", "calculator"), 1, "error: the machine stopped without"),
        ("--smp", (*built, "--smp", "2", "calculator"), 0, "2 of 2 CPUs run"),
        ("--debugger", (*built, "--debugger", "calculator"), 0, "6 calculations, 2 errors(.|\n)*all went well"),
        ("--smp out of range", (*built, "--smp", "0"), 2, "--smp takes 1 to 64"),
        ("a serial line in Bochs", ("--bochs", "--serial", "null"), 2, "--serial is for QEMU"),
        ("no such set", (*built, "calculater"), 1, "no set 'calculater', and no folder(.|\n)*calculator"),
        ("a folder that is no set", (os.path.join(tree, "docs"),), 1, "no set.manifest there"),
        ("a build folder that is none", ("--build", tree, "calculator"), 1, "error: .*not.*built"),
    ]
    for text, words, status, pattern in cases:
        printed, code = plain(run, *words)
        report.add(code == status and re.search(pattern, printed) is not None, f"{text}: exit status {status}",
                   f"status {code}", printed)
    counted = [[line for line in plain(run, *words)[0].splitlines() if re.search(r"there, \d back", line)]
               for words in ((*built, "--icount", "calculator"), built)]
    report.add(len(counted[0]) == 3 and counted[0] == counted[1], "--icount: the demonstration counts instructions",
               *map(str, counted))


def main():
    tree, build = sys.argv[1:3]
    run, report = os.path.join(tree, "run"), tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as folder:
        for name, contents in KEYS_SET.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(contents)
        keys(report, run, folder)
        limits(report, run, folder)
    debugger(report, run, build)
    options(report, run, build, tree)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
