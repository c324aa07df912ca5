# SPDX-License-Identifier: BSD-2-Clause
"""A machine whose kernel has the debugger (docs/debugger.md), and somebody who types at its serial line."""
import os
import re

import pexpect

from salto import machine

TIMEOUT = 40 # seconds, until the machine has said what is waited for
KEY = "\x0b"
PROMPT = "debugger> "


class Session:
    """A machine and its serial line; `work` is a folder for its files. More options as machine.Options has them."""

    def __init__(self, kernel, archive, work, command_line="", timeout=TIMEOUT, **options):
        options = machine.Options(kernel=kernel, archive=archive, command_line=f"debug-exit {command_line}".strip(),
                                  debug_exit=True, **options)
        self.debug = os.path.join(work, "debug")
        command = [*machine.qemu_command(options, work), "-monitor", "none", "-serial", "stdio",
                   "-debugcon", f"file:{self.debug}"]
        self.child = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=timeout, echo=False)
        self.text = ""

    def wait(self, text):
        """Reads until `text` came; answers what came before it, or None if it did not come."""
        found = self.child.expect_exact([text, pexpect.EOF, pexpect.TIMEOUT]) == 0
        self.text += self.child.before + (text if found else "")
        return self.child.before if found else None

    def enter(self):
        """Types the key; True if that led to the prompt."""
        self.child.send(KEY)
        return self.wait(PROMPT) is not None

    def command(self, line):
        """What a command prints, behind its own line."""
        self.child.send(line + "\r")
        return (self.wait(PROMPT) or "").replace("\r", "")

    def status(self):
        """The status with which the machine powered off."""
        self.wait("power off, status ")
        self.child.expect([pexpect.EOF, pexpect.TIMEOUT])
        self.text += self.child.before
        self.child.close(force=True)
        found = re.match(r"\d+", self.child.before)
        return int(found[0]) if found else None
