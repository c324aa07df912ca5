# SPDX-License-Identifier: BSD-2-Clause
"""./test --long: campaigns, tests that go on for as long as one likes, a seed after the other.

CAMPAIGNS is the table of them. A run is one seed of one campaign. build/long.json keeps a record for each campaign and
commit; it is written after each run, so that the command can be stopped at any moment and goes on behind the last
seed when it is started again. docs/tested.md has a table of the records, which the command rewrites.
"""
import concurrent.futures
import dataclasses
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from salto import places, tap
from salto.console import Failure, say

RECORDS = os.path.join(places.BUILD, "long.json")
PAGE = os.path.join(places.TREE, "docs", "tested.md")
TABLE_START, TABLE_END = "<!-- table: ./test --long -->", "<!-- end of table -->"
HEAD = ("| campaign | commit | runs | seeds | counted | distinct pairs | failures | hours |",
        "|---|---|---|---|---|---|---|---|")
# What a campaign tests: a commit that changes nothing here starts no new record.
TESTED = ["meson.build", "idl", "idlc", "kernel", "lib", "servers", "tests", "tools"]
FAILURES_SHOWN = 5 # of a record in the file, with their output


@dataclasses.dataclass
class Campaign:
    """A command that prints TAP. Its environment has the seed in SALTO_SEED; PRODUCT in braces is a file of the build."""
    name: str
    about: str
    command: list
    products: list
    unit: str   # what is counted
    count: str  # expression that finds how many, in the output
    pair: str = "" # expression that finds a name, and a line of words and counts: the pairs that were seen


def fuzzer(name, about, kernel, calls, *options):
    """A campaign of the fuzzer: so many calls a run, as many as the test of that name makes (tests/guest/meson.build), so
    that this repeats a seed; and more words for tools/guest_test.py."""
    return Campaign(name, f"{about}, {calls:,} a run (docs/fuzzer.md)",
                    [os.path.join(places.TREE, "tools", "guest_test.py"), name, "--kernel", f"{{{kernel}}}",
                     "--archive", "{fuzzer.cpio}", "--icount", "--set", f"CALLS={calls}", "--timeout", "3000", *options],
                    [f"kernel/{kernel}", "fuzzer.cpio"], "calls", r"^# calls (\d+)", r"^# pairs (\S+): (.*)$")


CAMPAIGNS = [
    fuzzer("fuzzer", "random calls of all operations", "kernel.elf", 1000000),
    fuzzer("fuzzer-random", "random calls while checks of the fast path fail by chance", "kernel.elf", 150000,
           "--options", "fast-path=random"),
    fuzzer("fuzzer-checked", "random calls of the kernel that looks at itself", "kernel_checked.elf", 40000),
    Campaign("fast-slow", "every combination of what a call meets, of all 64 word counts, fast against slow",
             [os.path.join(places.TREE, "tests", "guest", "fast_slow", "compare.py"), "--kernel", "{kernel.elf}",
              "--archive", "{fast_slow.cpio}", "--words", "all", "--timeout", "3000"],
             ["kernel/kernel.elf", "fast_slow.cpio"], "combinations", r"^# combinations (\d+)"),
    Campaign("broken-messages", "messages broken in 17 ways to every operation of idl/, 1,000 of each a run "
             "(docs/broken-messages.md)",
             [os.path.join(places.TREE, "tools", "guest_test.py"), "broken-messages", "--kernel", "{kernel.elf}",
              "--archive", "{broken_messages.cpio}", "--icount", "--line", "null", "--set", "TIMES=1000",
              "--timeout", "3000"],
             ["kernel/kernel.elf", "broken_messages.cpio"], "messages", r"^# broken messages (\d+)",
             r"^# pairs (\S+): (.*)$"),
    Campaign("idlc", "inputs that libFuzzer makes for the interface compiler, 500,000 a run",
             [os.path.join(places.TREE, "tests", "idlc", "fuzz.py"), "{idlc_fuzz}", places.TREE, "--inputs", "500000",
              "--grow", os.path.join(places.BUILD, "idlc-corpus")],
             ["tests/idlc/idlc_fuzz"], "inputs", r"^# inputs (\d+)"),
    Campaign("round-trips", "random values of every interface, to a program in Salto and back, 200 of each operation a run",
             [os.path.join(places.TREE, "tests", "guest", "round_trips", "run.py"), "round-trips", "--kernel",
              "{kernel.elf}", "--archive", "{round_trips.cpio}", "--idlc", "{idlc}", "--values", "200", "--timeout",
              "3000"],
             ["kernel/kernel.elf", "round_trips.cpio", "idlc/idlc"], "round trips", r"^# round trips (\d+)"),
    Campaign("elf", "files that lie, for the ELF loader under libFuzzer, 5,000,000 a run (docs/process-server.md)",
             [os.path.join(places.TREE, "tests", "fuzz", "elf_fuzz.py"), places.TREE, "--runs", "5000000"], [], "files",
             r"^# files (\d+)"),
]


def chosen(names):
    """The campaigns of these names; all where there is none."""
    known = {campaign.name: campaign for campaign in CAMPAIGNS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Failure(f"there is no campaign '{unknown[0]}'; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else CAMPAIGNS


def git(*words):
    done = subprocess.run(["git", "-C", places.TREE, *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def tested_commit():
    """The last commit that changed what is tested; `+` behind it if the tree has more than that."""
    commit = git("log", "-1", "--format=%h", "--", *TESTED) or "unknown"
    return commit + ("+" if git("status", "--porcelain", "--", *TESTED) else "")


class Records:
    """build/long.json: a list of records, one for each campaign and commit."""

    def __init__(self, path=None):
        self.path, self.records = path or RECORDS, []
        if os.path.isfile(self.path):
            try:
                with open(self.path, encoding="utf-8") as file:
                    self.records = json.load(file)["records"]
            except (ValueError, KeyError) as error:
                raise Failure(f"{self.path} is damaged ({error!r}): delete it to start anew") from error

    def seeds(self, name):
        """Every seed that the campaign has run with, at any commit."""
        return {seed for record in self.records if record["campaign"] == name for seed in record["seeds"]}

    def record(self, campaign, commit):
        for record in self.records:
            if (record["campaign"], record["commit"]) == (campaign.name, commit):
                return record
        record = {"campaign": campaign.name, "commit": commit, "unit": campaign.unit, "count": 0, "seconds": 0,
                  "seeds": [], "pairs": [], "failures": []}
        self.records.append(record)
        return record

    def add(self, campaign, commit, run):
        record = self.record(campaign, commit)
        record["count"] += run.count
        record["seconds"] = round(record["seconds"] + run.seconds, 1)
        record["seeds"] = sorted([*record["seeds"], run.seed])
        record["pairs"] = sorted({*record["pairs"], *run.pairs})
        if not run.passed:
            shown = len(record["failures"]) < FAILURES_SHOWN
            record["failures"].append({"seed": run.seed, "output": run.output if shown else "as before"})
        self.write()

    def write(self):
        with open(f"{self.path}.new", "w", encoding="utf-8") as file:
            json.dump({"records": self.records}, file, indent=1)
        os.replace(f"{self.path}.new", self.path)


@dataclasses.dataclass
class Run:
    """What came of one seed."""
    seed: int
    passed: bool
    count: int
    seconds: float
    pairs: set
    output: str


def judged(campaign, seed, seconds, status, output):
    """A run passed if its command says so, its TAP is whole, and it counted something."""
    report = tap.Report()
    planned, seen = tap.parse(output, report)
    count = sum(int(number) for number in re.findall(campaign.count, output, re.MULTILINE))
    pairs = set()
    for name, line in re.findall(campaign.pair, output, re.MULTILINE) if campaign.pair else ():
        pairs.update(f"{name} {word}" for word in re.findall(r"(\S+) \d+", line))
    passed = status == 0 and planned == seen and report.passed() and count > 0
    return Run(seed, passed, count, seconds, pairs, output)


class Runner:
    """Runs seeds of campaigns, several at a time, with products that a build meanwhile does not change."""

    def __init__(self, folder):
        self.folder, self.lock, self.processes = folder, threading.Lock(), set()
        self.stopped = False

    def take_products(self, campaign):
        for product in campaign.products:
            shutil.copy(os.path.join(places.BUILD, product), self.folder)

    def command(self, campaign):
        files = {f"{{{os.path.basename(product)}}}": os.path.join(self.folder, os.path.basename(product))
                 for product in campaign.products}
        return [sys.executable, "-B", *(files.get(word, word) for word in campaign.command)]

    def run(self, campaign, seed):
        """The Run; None if it was stopped."""
        environment = dict(os.environ, SALTO_SEED=str(seed), PYTHONPATH=os.path.join(places.TREE, "tools"))
        start = time.monotonic()
        with self.lock:
            if self.stopped:
                return None
            process = subprocess.Popen(self.command(campaign), env=environment, stdin=subprocess.DEVNULL, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
            self.processes.add(process)
        output = process.communicate()[0]
        with self.lock:
            self.processes.discard(process)
            if self.stopped:
                return None
        return judged(campaign, seed, time.monotonic() - start, process.returncode, output)

    def stop(self):
        """Ends what runs; each command ends its machine."""
        with self.lock:
            self.stopped = True
            for process in self.processes:
                process.terminate()


def tell(campaign, run):
    say(f"{campaign.name}, seed {run.seed}: {run.count:,} {campaign.unit} in {run.seconds:.0f} s, "
        f"{'passed' if run.passed else 'FAILED'}")
    if not run.passed:
        print(run.output, flush=True)


def unused_seeds(records, campaign, first):
    """(campaign, seed), with the seeds from `first` on that it has not run with."""
    used = records.seeds(campaign.name)
    return ((campaign, seed) for seed in itertools.count(first) if seed not in used)


def next_seeds(records, campaigns, first):
    """Those of all campaigns, in turn."""
    for turn in itertools.cycle([unused_seeds(records, campaign, first) for campaign in campaigns]):
        yield next(turn)


def run_campaigns(campaigns, minutes, jobs, first, folder):
    """Starts runs for `minutes`, lets those under way end, and answers how many passed and failed."""
    records, commit, runner = Records(), tested_commit(), Runner(folder)
    for campaign in campaigns:
        runner.take_products(campaign)
    end, seeds, running, counts = time.monotonic() + minutes * 60, next_seeds(records, campaigns, first), {}, [0, 0]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                while len(running) < jobs and time.monotonic() < end:
                    campaign, seed = next(seeds)
                    running[pool.submit(runner.run, campaign, seed)] = campaign
                if not running:
                    return counts
                for done in concurrent.futures.wait(running, return_when="FIRST_COMPLETED").done:
                    campaign, run = running.pop(done), done.result()
                    tell(campaign, run)
                    records.add(campaign, commit, run)
                    counts[0 if run.passed else 1] += 1
        finally:
            runner.stop()


# ---- docs/tested.md --------------------------------------------------------------------------------------------------

def ranges(numbers):
    """1-3, 7: how seeds are listed."""
    parts = []
    for _, group in itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in group]
        parts.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ", ".join(parts)


def row(record):
    failures = ", ".join(f"seed {failure['seed']}" for failure in record["failures"]) or "none"
    return (f"| {record['campaign']} | {record['commit']} | {len(record['seeds'])} | {ranges(record['seeds'])} | "
            f"{record['count']:,} {record['unit']} | {len(record['pairs'])} | {failures} | "
            f"{record['seconds'] / 3600:.1f} |")


def row_key(text):
    return tuple(cell.strip() for cell in text.split("|")[1:3])


def updated(text, records):
    """The page with a row for each record of an unchanged commit; rows of others, from other machines, stay."""
    head, start, rest = text.partition(TABLE_START)
    table, end, tail = rest.partition(TABLE_END)
    if not start or not end:
        raise Failure(f"{PAGE} has no table between '{TABLE_START}' and '{TABLE_END}'")
    rows = {row_key(line): line for line in table.splitlines()[3:] if line.startswith("|")}
    rows.update({row_key(row(record)): row(record) for record in records if not record["commit"].endswith("+")})
    return "\n".join([head + TABLE_START, *HEAD, *rows.values(), TABLE_END]) + tail


def write_page():
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    changed = updated(text, Records().records)
    if changed != text:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(changed)
        say(f"wrote the table of {os.path.relpath(PAGE, places.TREE)}")


def list_campaigns():
    for campaign in CAMPAIGNS:
        print(f"{campaign.name:16} {campaign.about}; counts {campaign.unit}")
    return 0


def run(arguments):
    """The command's status. `arguments` are those of ./test; the tree is built."""
    campaigns = chosen(arguments.tests)
    counts = [0, 0]
    with tempfile.TemporaryDirectory(prefix="salto-long-") as folder:
        try:
            counts = run_campaigns(campaigns, arguments.minutes, arguments.jobs, arguments.seed or 1, folder)
        finally:
            write_page()
    print(f"{counts[0]} passed, {counts[1]} failed", flush=True)
    return 1 if counts[1] or not counts[0] else 0
