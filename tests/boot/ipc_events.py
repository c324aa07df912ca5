#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kernel's events of IPC keep the rules of the model: ipc_events.py KERNEL ARCHIVE..., a kernel with the debugger,
and sets that use IPC in all ways. Prints TAP.

Each set runs with the fast path off, since the trampoline leaves no events. When it turns the machine off the debugger
prints the events that it kept, and salto/events.py replays them. What the sets themselves find is for their own tests.
The serial line goes to a file, which takes all at once, however busy the host is.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import sys
import tempfile

from salto import events, guest, machine, tap

TIMEOUT = 240 # seconds, until a set has come to its end, or counts as stuck
SIDE_BY_SIDE = 2
MARK = "salto: the end; ipc\n" # behind it come the events
# Kinds of events that all sets together must show, and how many at least: a kernel that notes nothing keeps all rules.
LEAST = {kind: 10 for kind in events.FIELDS} | {"refuse": 4, "move": 2, "raise": 4}


class Run:
    """A set and the events that its run left."""

    def __init__(self, archive):
        self.name = os.path.splitext(os.path.basename(archive))[0]
        self.archive, self.text, self.problem = archive, "", ""

    def carry_out(self, kernel, seed):
        with tempfile.TemporaryDirectory(prefix="salto-") as work:
            copy = os.path.join(work, "set.cpio")
            guest.filled_in(self.archive, copy, {"SEED": seed})
            options = machine.Options(kernel=kernel, archive=copy, command_line="debugger=ipc fast-path=off",
                                      icount=True, leap=True, seed=seed)
            outcome = machine.run(options, TIMEOUT)
        before, mark, after = outcome.serial.partition(MARK)
        if mark:
            self.text = after.partition("\nsalto: ")[0]
        else:
            self.problem = f"it does not come to its end: {before[-2000:]}"
        return self

    def whole(self):
        """Are they all events since the machine started?"""
        return ", and 0 before them" in self.text

    def check(self, report):
        lines = self.text.splitlines()
        problem = "\n".join(filter(None, [self.problem, refusal(self.text, not self.whole())]))
        report.add(bool(lines) and not problem, f"{self.name}: {len(lines) - 1} events"
                   f"{'' if self.whole() else ', the last ones,'} keep the rules", problem)
        half = "\n".join(lines[len(lines) // 2:])
        report.add(bool(half) and not refusal(half, True), f"{self.name}: the last half, seen alone, keeps them",
                   refusal(half, True))

    def kinds(self):
        return collections.Counter(line.split()[0] for line in self.text.splitlines() if not line.startswith("#"))


def refusal(text, window):
    """Why the events are refused, with those before; '' if they are not."""
    try:
        events.check(text, window)
    except events.EventError as error:
        words = str(error).split()
        end = int(words[1].rstrip(":")) if words[0] == "line" else len(text.splitlines())
        return "\n".join([str(error), *text.splitlines()[max(0, end - 15):end]])
    return ""


def main():
    parser = argparse.ArgumentParser(description="Replays what a kernel's IPC did against the model's rules.")
    parser.add_argument("kernel")
    parser.add_argument("archives", nargs="+")
    arguments = parser.parse_args()
    seed = int(os.environ.get("SALTO_SEED") or random.SystemRandom().randrange(1, 1 << 32))
    report, kinds = tap.Report(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for run in pool.map(lambda archive: Run(archive).carry_out(arguments.kernel, seed), arguments.archives):
            run.check(report)
            kinds += run.kinds()
    few = [f"{kind}: {kinds[kind]} of {least}" for kind, least in LEAST.items() if kinds[kind] < least]
    report.add(not few, f"events of all {len(LEAST)} kinds are among them", *few)
    report.comment(" ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    if not report.passed():
        report.comment(f"seed {seed}; to run this again: SALTO_SEED={seed} ./test ipc-events")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
