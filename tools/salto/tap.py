# SPDX-License-Identifier: BSD-2-Clause
"""The Test Anything Protocol: what guest tests write to the debug port, and what test tools print."""
import re

RESULT = re.compile(r"^(not )?ok\b[ \t]*(\d+)?[ \t]*(?:- )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\b")


class Report:
    """Results of single tests, in order: (passed, text). Comments stand before the result that they explain."""

    def __init__(self):
        self.results, self.lines = [], []

    def add(self, passed, text, *comments):
        """One result; comments explain a failure."""
        self.results.append((passed, text))
        self.lines.append(f"{'ok' if passed else 'not ok'} {len(self.results)} - {text}")
        if not passed:
            self.comment(*comments)
        return passed

    def comment(self, *texts):
        for text in texts:
            self.lines += [f"# {line}" for line in text.splitlines()]

    def passed(self):
        return all(result for result, _ in self.results)

    def text(self):
        return "\n".join([f"1..{len(self.results)}", *self.lines, ""])

    def finish(self):
        """Prints all of it; answers the exit status of a test."""
        print(self.text(), end="")
        return 0 if self.passed() else 1


def parse(text, report):
    """Adds the results in `text` to `report`; answers how many were planned, or None without a plan, and how many there
    were."""
    planned, seen = None, 0
    for line in text.splitlines():
        plan, result = PLAN.match(line), RESULT.match(line)
        if plan:
            planned = int(plan.group(1))
        elif line.startswith("Bail out!"):
            report.add(False, line)
        elif result:
            seen += 1
            number_wrong = result.group(2) is not None and int(result.group(2)) != seen
            report.add(not result.group(1) and not number_wrong, result.group(3) or f"test {seen}",
                       f"this is result {seen}, but it calls itself {result.group(2)}" if number_wrong else "")
        elif line.startswith("#"):
            report.lines.append(line)
    return planned, seen
