# SPDX-License-Identifier: BSD-2-Clause
"""Runs a server set as a test: TAP from the debug port, or lines expected on the serial line."""
import os
import re
import tempfile

from salto import archive, machine, tap

SHOWN_LINES = 60 # of the serial line, where a test fails


def filled_in(source, output, values):
    """Copies an archive; `@NAME@` in its manifest becomes the value of that name. Answers the names that stood there."""
    members, found = [], set()
    for name, data in archive.read(source):
        for mark, value in values.items() if name == "set.manifest" else ():
            if b"@%s@" % mark.encode() in data:
                found.add(mark)
                data = data.replace(b"@%s@" % mark.encode(), str(value).encode())
        members.append((name, data))
    archive.write(output, members)
    return found


def expected_lines(path):
    """The patterns in a file of expected lines. Empty lines and comments (#) say nothing; a line between slashes is a
    regular expression, any other one stands for itself."""
    patterns = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("#") or not line.strip():
                continue
            is_expression = len(line) > 1 and line.startswith("/") and line.endswith("/")
            patterns.append((line, line[1:-1] if is_expression else re.escape(line)))
    return patterns


def check_lines(report, serial, patterns, any_order=False):
    """Each pattern must match a line, unless in any order one below the line that the pattern before it matched."""
    lines, at = serial.splitlines(), 0
    for text, pattern in patterns:
        found = next((i for i in range(at, len(lines)) if re.search(pattern, lines[i])), None)
        report.add(found is not None, f"prints: {text}")
        at = at if found is None or any_order else found + 1


def check_end(report, outcome, timeout, status):
    """Did the machine end by itself, with the status that the test expects?"""
    if outcome.timed_out:
        report.add(False, f"the machine ends within {timeout:g} seconds")
        return
    ended = outcome.status()
    report.add(ended == status, f"the machine powers off with status {status}",
               f"it ended with status {ended}" if ended is not None else "it stopped without powering off")


def run(name, options, seed, timeout, status=0, expect=None, tap_expected=True, any_order=False, values=()):
    """One run of the test `name`; answers its report. `values` are more (name, value) for the manifest."""
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        copy = os.path.join(work, "set.cpio")
        used = filled_in(options.archive, copy, {"SEED": seed, **dict(values)})
        options.archive, options.seed = copy, seed
        outcome = machine.run(options, timeout)
    if tap_expected:
        planned, seen = tap.parse(outcome.debug, report)
        report.add(planned is not None and planned == seen, "as many results as planned",
                   f"{planned} planned, {seen} seen")
    if expect:
        check_lines(report, outcome.serial, expected_lines(expect), any_order)
    check_end(report, outcome, timeout, status)
    if not report.passed():
        replay = f"SALTO_SEED={seed} " if "SEED" in used else ""
        report.comment(f"seed {seed}; to run this again: {replay}./test {name}", "the end of the serial line:",
                       *outcome.serial.splitlines()[-SHOWN_LINES:])
    return report
