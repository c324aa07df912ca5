#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fast against slow: boots the set fast_slow with the checks of the trampoline's fast paths passing, failing, failing by
chance, and failing one by one, and compares what came of every combination. Prints TAP, and which path was taken.

Digests must be equal line for line. Where the fast path is on, a call that it covers must get there and back without the
kernel; where checks fail, it must not: so neither a fast path that always leaves for the slow one passes, nor an option
that does nothing.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import sys
import tempfile

from salto import guest, machine, tap

CASE = re.compile(r"^# case (\S+) digest ([0-9a-f]{16}) entries (\d+)$", re.MULTILINE)
MERGED = re.compile(r"^# (merged \d+: .*)$", re.MULTILINE)
# What the trampoline covers there and back, whatever words, badge, priorities and vector registers: nothing else holds up
# caller or receiver.
COVERED = re.compile(r"^plain,send,badge.,words\d+,item-none,deadline0,pending0,\w+,queued0,")
# Entries into the kernel of a call that is covered, where one check fails.
CHECKS = {"handle": 1, "waiter": 1, "gate": 2, "receive-handle": 1, "partner": 1}
DIFFERENCES_SHOWN = 10


class Run:
    """One machine: the cases in order, as (name, digest, entries)."""

    def __init__(self, name, options, words):
        self.name, self.options, self.words, self.cases, self.report, self.merged = name, options, words, [], None, []

    def carry_out(self, kernel, archive, timeout):
        with tempfile.TemporaryDirectory(prefix="salto-") as work:
            copy = os.path.join(work, "set.cpio")
            guest.filled_in(archive, copy, {"WORDS": self.words})
            outcome = machine.run(machine.Options(kernel=kernel, archive=copy, command_line=f"debug-exit {self.options}",
                                                  debug_exit=True), timeout)
        self.cases = [(name, digest, int(entries)) for name, digest, entries in CASE.findall(outcome.debug)]
        self.merged = MERGED.findall(outcome.debug)
        self.report = tap.Report()
        planned, seen = tap.parse(CASE.sub("", outcome.debug), self.report)
        whole = planned is not None and planned == seen and self.report.passed()
        self.problem = "" if whole and outcome.status() == 0 and not outcome.timed_out else (
            "\n".join(self.report.lines[-20:] + outcome.serial.splitlines()[-10:]) +
            ("\nit took too long" if outcome.timed_out else ""))
        return self


def differences(one, other):
    """Lines for the cases in which two runs differ."""
    lines = []
    for (name, digest, _), (other_name, other_digest, _) in zip(one.cases, other.cases):
        if (name, digest) != (other_name, other_digest):
            lines.append(f"{name}: {digest} with {one.options}; {other_name}: {other_digest} with {other.options}")
    if len(one.cases) != len(other.cases):
        lines.append(f"{len(one.cases)} cases with {one.options}, {len(other.cases)} with {other.options}")
    return lines


def compare(report, fast, others):
    for other in others:
        lines = differences(fast, other)
        report.add(bool(fast.cases) and not lines, f"{len(other.cases)} combinations are the same with {other.options}",
                   *lines[:DIFFERENCES_SHOWN])


def covered(run):
    return [(name, entries) for name, _, entries in run.cases if COVERED.match(name)]


def check_paths(report, run, expected, text):
    """Each covered case took as many entries as expected; None: some none and some more."""
    found = covered(run)
    wrong = [f"{name}: {entries}" for name, entries in found if expected is not None and entries != expected]
    mixed = {entries == 0 for _, entries in found} == {True, False}
    report.add(bool(found) and not wrong and (expected is not None or mixed), f"{run.options}: {text}",
               *wrong[:DIFFERENCES_SHOWN])


def way(name):
    """What a row of the table of paths stands for: the receiver, and what is asked for."""
    receiver, rights, _, _, item, deadline, pending, _, queued, _ = name.split(",")
    if rights != "send":
        return f"{receiver}, refused"
    marks = [mark for mark, there in (("item", item != "item-none"), ("deadline", deadline[-1] == "1"),
                                      ("pending", pending[-1] == "1"), ("queued", queued[-1] == "1")) if there]
    return ", ".join([receiver, *marks])


def table(runs):
    """Lines: entries into the kernel of each way, as fewest to most of all its cases, in each run."""
    rows = collections.OrderedDict()
    for column, run in enumerate(runs):
        for name, _, entries in run.cases:
            rows.setdefault(way(name), [[] for _ in runs])[column].append(entries)
    yield f"{'entries into the kernel':42}" + "".join(f"{run.name:>12}" for run in runs)
    for name, columns in rows.items():
        cells = (f"{min(entries)}-{max(entries)}" if entries else "" for entries in columns)
        yield f"{name:42}" + "".join(f"{cell:>12}" for cell in cells)


def judge(report, runs, singles):
    fast, slow, by_chance = runs
    for run in runs + singles:
        report.add(not run.problem, f"{run.options}: the machine ends well, and all is as it was", run.problem)
    compare(report, fast, (slow, by_chance))
    few = {name for name, _, _ in singles[0].cases} if singles else set()
    short = Run("fast", fast.options, "few")
    short.cases = [case for case in fast.cases if case[0] in few]
    compare(report, short, singles)
    check_paths(report, fast, 0, "what the trampoline covers never enters the kernel")
    check_paths(report, slow, 2, "the same goes through the kernel, there and back")
    check_paths(report, by_chance, None, "the same does so now and then")
    for run in singles:
        check_paths(report, run, CHECKS[run.name], f"it is that check that sends it there ({CHECKS[run.name]} of 2)")
    report.comment(*fast.merged, *table(runs), f"combinations {len(fast.cases)}")


def main():
    parser = argparse.ArgumentParser(description="Compares fast and slow paths in all combinations; prints TAP.")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--words", choices=("few", "short", "all"), default="short", help="which word counts")
    parser.add_argument("--timeout", type=float, default=500, help="of each machine, in seconds")
    arguments = parser.parse_args()
    seed = int(os.environ.get("SALTO_SEED") or random.SystemRandom().randrange(1, 1 << 32))
    runs = [Run(name, f"fast-path={option}", arguments.words)
            for name, option in (("fast", "on"), ("slow", "off"), ("by chance", f"random:{seed}"))]
    singles = [Run(check, f"fast-path=off fast-path-checks={check}", "few") for check in CHECKS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda run: run.carry_out(arguments.kernel, arguments.archive, arguments.timeout), runs + singles))
    report = tap.Report()
    judge(report, runs, singles)
    if not report.passed():
        report.comment(f"seed {seed}; to run this again: SALTO_SEED={seed} ./test fast-slow")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
