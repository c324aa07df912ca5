# SPDX-License-Identifier: BSD-2-Clause
"""./test: builds everything, runs the tests, counts every single result."""
import argparse
import json
import os
import subprocess

from salto import builder, long, mutants, places, setup, tap
from salto.console import Failure, command, say


def parse():
    parser = argparse.ArgumentParser(
        prog="test", description="Builds Salto and runs its tests, each in parallel to the others; the last line is "
        "'N passed, M failed'. Installs what is missing.")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="run these only (--list shows names)")
    parser.add_argument("--suite", action="append", default=[], help="run the tests of this suite only (host, idlc, "
                        "guest, boot, bench); may be given several times")
    parser.add_argument("--list", action="store_true", help="list the tests, and run none")
    parser.add_argument("--seed", type=int, help="the seed of random tests (default: another one each time)")
    parser.add_argument("--mutants", action="store_true", help="plant the faults of tests/mutants/faults.toml one after "
                        "the other, and require that the test which each one names fails")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="with --mutants: this fault only; "
                        "may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many run at a time (default: all CPUs)")
    parser.add_argument("--long", action="store_true", help="run campaigns instead (docs/tested.md): random tests, seed "
                        "after seed, from --seed on; TEST names some of them, and with --list says which there are")
    parser.add_argument("--minutes", type=float, help="with --long: for how long runs are started (default: 60)")
    arguments = parser.parse_args()
    if arguments.long and arguments.suite:
        parser.error("--suite chooses tests; name campaigns instead (--long --list)")
    if arguments.minutes is not None and not arguments.long:
        parser.error("--minutes is for --long")
    if arguments.only and not arguments.mutants:
        parser.error("--only is for --mutants")
    if arguments.jobs < 1 or (arguments.minutes or 1) <= 0:
        parser.error("--jobs and --minutes must be above 0")
    arguments.minutes = arguments.minutes or 60
    return arguments


def meson_test(arguments, *words):
    command_line = ["/usr/bin/meson", "test", "-C", places.BUILD, "--no-rebuild", *words]
    for suite in arguments.suite:
        command_line += ["--suite", suite]
    return [*command_line, *arguments.tests]


def results(log):
    """Every single result in meson's log, as (test, passed, text, output of a test that failed)."""
    with open(log, encoding="utf-8") as file:
        for line in file:
            yield from test_results(json.loads(line))


def test_results(entry):
    """A test that prints TAP counts as its results, any other one as one."""
    name, good = entry["name"].split(" / ")[-1], entry["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    report = tap.Report()
    planned, seen = tap.parse(entry.get("stdout", ""), report)
    if planned is None or planned != seen or good != report.passed():
        report.add(good and planned in (None, seen), entry["result"])
    output = "" if good else entry.get("stdout", "") + entry.get("stderr", "")
    return [(name, passed, text, output) for passed, text in report.results]


def show_failures(found):
    """What failed, and the output of each test that it stands in."""
    shown = set()
    for name, passed, text, output in found:
        if passed:
            continue
        if name not in shown:
            print(f"\n---- {name} ----\n{output.rstrip()}")
            shown.add(name)
    for name, passed, text, _ in found:
        if not passed:
            print(f"failed: {name}: {text}")


def run(arguments):
    log = os.path.join(places.BUILD, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    environment = dict(os.environ, **({"SALTO_SEED": str(arguments.seed)} if arguments.seed is not None else {}))
    done = subprocess.run(meson_test(arguments, "--num-processes", str(arguments.jobs)), check=False,
                          stdin=subprocess.DEVNULL, env=environment)
    if not os.path.exists(log):
        raise Failure("meson ran no test; its messages stand above")
    found = list(results(log))
    show_failures(found)
    failed = sum(not passed for _, passed, _, _ in found)
    print(f"{len(found) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not found or done.returncode != 0 else 0


def run_mutants(arguments):
    """Every fault, or those asked for; the table, and at its end what was missed."""
    faults = mutants.choose(mutants.load(), arguments.only)
    say(f"trying {len(faults)} faults, {arguments.jobs} at a time")
    verdicts = mutants.try_all(faults, arguments.jobs, lambda verdict: print(mutants.line(verdict), flush=True))
    for verdict in verdicts:
        if not verdict.good():
            print(f"missed: {verdict.fault.name} ({verdict.fault.breaks}) {verdict.result}: {verdict.how}")
    print(mutants.summary(verdicts), flush=True)
    return 0 if verdicts and all(verdict.good() for verdict in verdicts) else 1


def main():
    arguments = parse()
    if arguments.long and arguments.list:
        return long.list_campaigns()
    if arguments.long:
        long.chosen(arguments.tests)
    setup.prepare(setup.BUILD_PACKAGES + setup.MACHINE_PACKAGES + setup.TEST_PACKAGES)
    if arguments.mutants:
        return run_mutants(arguments)
    try:
        builder.build(["all"])
    except Failure as failure:
        say(f"error: {failure}")
        print("0 passed, 1 failed")
        return 1
    if arguments.long:
        return long.run(arguments)
    if arguments.list:
        return subprocess.run(meson_test(arguments, "--list"), check=False).returncode
    return run(arguments)


if __name__ == "__main__":
    command(main)
