#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The model of IPC: spin searches all its states, finds each fault that is planted in it, and walks through it at
random; the checker of events accepts each walk, and refuses what led to a fault.

model_test.py FOLDER of ipc.pml
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

from salto import events, tap

MEMORY = 1000   # MiB that a search may use
DEPTH = 3000000 # steps of the longest way that is followed
TIMEOUT = 1100  # seconds
WALKS = 12
WALK_STEPS = 20000
SEARCH_ALL = ["-O2"]            # depth first: needs the least memory
SEARCH_FAULT = ["-O1", "-DBFS"] # breadth first: finds the shortest way to a fault
TRAIL = ["-t", "-k", "ipc.pml.trail"]
# What no event has shown yet when the search sees it: who is on a queue or on the timer, and should not be.
SILENT_FAULTS = ("TIMER_LEFT_ARMED", "TIMEOUT_LEAVES_QUEUED", "NOTIFIED_STAYS_QUEUED")


class ModelError(Exception):
    """The search could not be made; the text says why."""


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    return done.returncode, done.stdout + done.stderr


def search(source, folder, options, how):
    """Searches all states, or until one is bad; answers what the search printed. Every state is kept whole: nothing is
    approximated. Partial-order reduction is left out, since one process makes all steps."""
    code, output = run(["spin", *options, "-a", source], folder)
    if code != 0:
        raise ModelError(f"spin: {output}")
    code, output = run(["gcc", *how, "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MEMORY}", "-o", "pan", "pan.c"],
                       folder)
    if code != 0:
        raise ModelError(f"gcc: {output}")
    return run(["./pan", f"-m{DEPTH}"], folder)[1]


def number(pattern, text):
    found = re.search(pattern, text)
    return int(float(found[1])) if found else None


def unreached(text):
    """Statements of the model that no search came to, but for the end of the process, which goes on for ever."""
    return [line.strip() for line in re.findall(r"^\t(.*:\d+, state .*)$", text, re.MULTILINE) if '"-end-"' not in line]


def check_whole(report, source, folder):
    text = search(source, folder, [], SEARCH_ALL)
    states, errors = number(r"([0-9.e+]+) states, stored", text), number(r"errors: (\d+)", text)
    whole = "Search not completed" not in text and "max search depth too small" not in text
    good = errors == 0 and whole
    report.add(good, f"the invariants hold in all {states} states" if good else "the invariants hold in all states",
               text[-2000:], shortest_way(source, folder) if errors else "")
    left = unreached(text)
    report.add(good and "unreached in proctype kernel" in text and not left, "every step of the model is taken",
               *left[:10])


def shortest_way(source, folder):
    """The events on the shortest way to a state in which an invariant does not hold."""
    search(source, folder, [], SEARCH_FAULT)
    return walk(source, folder, TRAIL)


def fault_names(source):
    """Names and numbers of the faults, from the model's own list."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    return re.findall(r"^#define (\w+) (\d+) +/\*", text[:text.index("mtype")], re.MULTILINE)


def walk(source, folder, options):
    """One walk through the model, as a list of events."""
    _, output = run(["spin", *options, source], folder)
    return "\n".join(line.split("EVENT ", 1)[1].strip() for line in output.splitlines() if "EVENT " in line)


def refused(text):
    """Why the checker refuses the events, or '' if it accepts them."""
    try:
        events.check(text)
    except events.EventError as error:
        return str(error)
    return ""


def find_fault(source, name, value):
    """Does spin find the fault, and the checker see it in the events? Results as report.add() takes them."""
    with tempfile.TemporaryDirectory(prefix="salto-") as folder:
        text = search(source, folder, [f"-DFAULT={value}"], SEARCH_FAULT)
        results = [(bool(number(r"errors: (\d+)", text)) and "assertion violated" in text,
                    f"spin finds the fault {name}", text[-2000:])]
        if name not in SILENT_FAULTS:
            trace = walk(source, folder, [f"-DFAULT={value}", *TRAIL])
            results.append((bool(refused(trace)), f"the checker of events refuses what led to {name}", trace[-2000:]))
        return results


def check_walks(report, source, folder):
    for seed in range(1, WALKS + 1):
        trace = walk(source, folder, [f"-DKILLS={seed % 2}", "-T", f"-n{seed}", f"-u{WALK_STEPS}"])
        why, length = refused(trace), len(trace.splitlines())
        report.add(not why and length > 20, f"the checker of events accepts a walk of {length} events", why)


def main():
    source = os.path.join(os.path.abspath(sys.argv[1]), "ipc.pml")
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as folder, concurrent.futures.ThreadPoolExecutor(1) as pool:
        # One search of faults beside the search of all states: two use less memory together than MEMORY allows each.
        found = [pool.submit(find_fault, source, name, value) for name, value in fault_names(source)]
        check_whole(report, source, folder)
        for future in found:
            for passed, text, *comments in future.result():
                report.add(passed, text, *comments)
        check_walks(report, source, folder)
    return report.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ModelError, subprocess.SubprocessError) as error:
        sys.exit(f"Bail out! {error}")
