#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""./test --long with a campaign of its own: what it counts, records, resumes, and writes into the page."""
import contextlib
import dataclasses
import itertools
import json
import os
import sys
import tempfile

from salto import console, long, tap

# Counts 10 for each seed, and fails for seed 3.
PROGRAM = """
import os
good = os.environ["SALTO_SEED"] != "3"
print("1..1", "ok 1" if good else "not ok 1", "# calls 10", "# pairs A.b: ok 7 DEAD 3", sep="\\n")
raise SystemExit(0 if good else 1)
"""
PAGE = f"""before
{long.TABLE_START}
| old head |
|---|
| fuzzer | 1234567 | 1 | 1 | 5 calls | 2 | none | 0.1 |
{long.TABLE_END}
behind
"""


def campaign(program):
    return long.Campaign("fake", "a fake", [program], [], "calls", r"^# calls (\d+)", r"^# pairs (\S+): (.*)$")


def run(folder, jobs, minutes, first):
    """Runs the fake campaign; answers counts of this time, and its record."""
    program = os.path.join(folder, "program.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(PROGRAM)
    with contextlib.redirect_stdout(sys.stderr): # a failed run's TAP is not this test's
        counts = long.run_campaigns([campaign(program)], minutes, jobs, first, folder)
    with open(long.RECORDS, encoding="utf-8") as file:
        return counts, json.load(file)["records"][0]


def test_campaign(report, folder):
    counts, record = run(folder, 2, 0.08, 1)
    seeds = record["seeds"]
    report.add(seeds == list(range(1, len(seeds) + 1)) and len(seeds) >= 3, "seeds follow each other", str(seeds))
    report.add(record["count"] == 10 * len(seeds), "what was counted adds up", str(record["count"]))
    report.add(record["pairs"] == ["A.b DEAD", "A.b ok"], "pairs are found", str(record["pairs"]))
    report.add([failure["seed"] for failure in record["failures"]] == [3] and counts == [len(seeds) - 1, 1],
               "a failure is recorded with its seed", str(counts))
    report.add("not ok 1" in record["failures"][0]["output"], "a failure is recorded with its output")
    counts, again = run(folder, 1, 0.005, 1)
    report.add(sum(counts) >= 1 and again["seeds"] == list(range(1, len(seeds) + sum(counts) + 1)),
               "started again, it goes on with the next seed", str(again["seeds"]))


def test_turns(report):
    """Several campaigns: each runs, with seeds of its own."""
    records = long.Records(os.devnull + ".none")
    records.records = [{"campaign": "b", "seeds": [5, 6]}]
    campaigns = [dataclasses.replace(campaign(""), name=name) for name in ("a", "b", "c")]
    found = [(one.name, seed) for one, seed in itertools.islice(long.next_seeds(records, campaigns, 5), 7)]
    expected = [("a", 5), ("b", 7), ("c", 5), ("a", 6), ("b", 8), ("c", 6), ("a", 7)]
    report.add(found == expected, "campaigns take turns, each with the seeds that it has not run with", str(found))


def test_damaged(report, folder):
    path = os.path.join(folder, "damaged.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{")
    try:
        long.Records(path)
        report.add(False, "a damaged file is refused")
    except console.Failure as failure:
        report.add("is damaged" in str(failure), "a damaged file is refused", str(failure))


def test_judgement(report):
    fake = campaign("")
    for text, status, expected in (("1..1\nok 1\n# calls 5\n", 0, True), ("1..1\nok 1\n# calls 5\n", 1, False),
                                   ("1..2\nok 1\n# calls 5\n", 0, False), ("1..1\nok 1\n", 0, False),
                                   ("1..1\nnot ok 1\n# calls 5\n", 0, False), ("", 0, False)):
        report.add(long.judged(fake, 1, 1.0, status, text).passed == expected,
                   f"status {status} with {text!r} counts as {'passed' if expected else 'failed'}")


def test_page(report):
    record = {"campaign": "fuzzer", "commit": "7654321", "seeds": [1, 2, 3, 7], "count": 4000000, "unit": "calls",
              "pairs": ["a"], "failures": [{"seed": 7}], "seconds": 7200}
    page = long.updated(PAGE, [record, dict(record, commit="7654321+")])
    row = "| fuzzer | 7654321 | 4 | 1-3, 7 | 4,000,000 calls | 1 | seed 7 | 2.0 |"
    report.add(page.splitlines().count(row) == 1 and "7654321+" not in page, "a record has a row, but no changed tree's",
               page)
    report.add("| 5 calls |" in page and page.startswith("before\n") and page.endswith("\nbehind\n"),
               "rows and text of others stay", page)
    report.add(long.updated(page, [record]) == page, "writing the table again changes nothing")
    with open(long.PAGE, encoding="utf-8") as file:
        text = file.read()
    report.add(long.updated(text, []).count(long.HEAD[0]) == 1, "the page has a table that can be rewritten")


def test_campaigns(report):
    names = [one.name for one in long.CAMPAIGNS]
    report.add(len(set(names)) == len(names), "campaigns have different names")
    for one in long.CAMPAIGNS:
        files = {os.path.basename(product) for product in one.products}
        marks = {word[1:-1] for word in one.command if word.startswith("{")}
        report.add(marks == files, f"{one.name}: the command uses the products that it names", f"{marks} {files}")
        report.add(dataclasses.astuple(one)[1] != "", f"{one.name}: says what it is")


def main():
    report = tap.Report()
    with tempfile.TemporaryDirectory() as folder:
        long.RECORDS = os.path.join(folder, "long.json")
        test_campaign(report, folder)
        test_damaged(report, folder)
    test_turns(report)
    test_judgement(report)
    test_page(report)
    test_campaigns(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
