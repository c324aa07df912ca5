# SPDX-License-Identifier: BSD-2-Clause
"""Mutants: the tree with one fault planted in it, which a test that the fault names must notice.

The table of faults is tests/mutants/faults.toml, whose head says what an entry holds. Each worker has a copy of the
tree and a build folder in it, so that a fault costs the compilation of one file, the links, and the run of one test. A
test proves nothing unless it passes without the fault: each is run so first, once.
"""
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib

from salto import places
from salto.console import Failure

TABLE = os.path.join("tests", "mutants", "faults.toml")
FIELDS = ("name", "breaks", "file", "text", "replacement", "test")
SHORTEST_TIMEOUT = 30 # seconds; a test that takes ten times as long as without the fault hangs
CAUGHT, MISSED = "caught", "MISSED"


@dataclasses.dataclass
class Fault:
    """One entry of the table."""
    name: str
    breaks: str
    file: str
    text: str
    replacement: str
    test: str
    short: bool = False


@dataclasses.dataclass
class Verdict:
    """What came of a fault: `result` is CAUGHT, MISSED, or why it could not be tried."""
    fault: Fault
    result: str
    how: str = ""
    seconds: float = 0

    def good(self):
        return self.result == CAUGHT


def load(tree=places.TREE):
    """The faults of the table; a Failure where the table is wrong."""
    with open(os.path.join(tree, TABLE), "rb") as file:
        try:
            entries = tomllib.load(file).get("fault", [])
        except tomllib.TOMLDecodeError as error:
            raise Failure(f"{TABLE}: {error}") from error
    faults = []
    for entry in entries:
        wrong = set(FIELDS) - set(entry) or set(entry) - set(FIELDS) - {"short"}
        if wrong:
            raise Failure(f"{TABLE}: fault '{entry.get('name', '?')}': missing or unknown: {', '.join(sorted(wrong))}")
        if any(entry["name"] == fault.name for fault in faults):
            raise Failure(f"{TABLE}: two faults are called '{entry['name']}'")
        faults.append(Fault(**entry))
    return faults


def choose(faults, names):
    """The faults of these names; all of them without a name."""
    unknown = [name for name in names if name not in {fault.name for fault in faults}]
    if unknown:
        raise Failure(f"there is no fault '{unknown[0]}' in {TABLE}")
    return [fault for fault in faults if not names or fault.name in names]


def stale(fault, tree=places.TREE):
    """Why the fault cannot be planted any more; '' if it can."""
    path = os.path.join(tree, fault.file)
    if not os.path.isfile(path):
        return f"there is no {fault.file}"
    with open(path, encoding="utf-8") as file:
        count = file.read().count(fault.text)
    if fault.text == fault.replacement:
        return "its replacement is its text"
    return "" if count == 1 else f"its text occurs {count} times in {fault.file}, not once"


def copy_tree(source, target):
    """Copies the sources: no build folder, no history."""
    def ignored(folder, names):
        return [name for name in names if name in (".git", "__pycache__")
                or os.path.exists(os.path.join(folder, name, "build.ninja"))
                or os.path.exists(os.path.join(folder, name, "meson-private"))]
    shutil.copytree(source, target, symlinks=True, ignore=ignored)


class Sandbox:
    """A copy of the tree, with a build folder of its own."""

    def __init__(self, folder, tree=places.TREE):
        self.tree, self.build = os.path.join(folder, "tree"), os.path.join(folder, "tree", "build")
        copy_tree(tree, self.tree)
        done = run(["/usr/bin/meson", "setup", self.build, self.tree], folder, 300)
        if done.code != 0:
            raise Failure("meson could not set the build of the mutants up:\n" + done.output)
        with open(os.path.join(self.build, "meson-info", "intro-targets.json"), encoding="utf-8") as file:
            files = {target["id"]: target["filename"] for target in json.load(file)}
        with open(os.path.join(self.build, "meson-info", "intro-tests.json"), encoding="utf-8") as file:
            self.tests = {test["name"]: test for test in json.load(file)}
        for test in self.tests.values():
            test["files"] = [os.path.relpath(path, self.build) for name in test["depends"] for path in files[name]]

    def try_test(self, name, timeout):
        """Builds what the test needs and runs it; (Run of the build, Run of the test or None)."""
        test = self.tests[name]
        built = run(["ninja", "-C", self.build, "-j2", "--quiet", *test["files"]], self.build, 600) if test["files"] \
            else Run(0, "", False)
        if built.code != 0:
            return built, None
        environment = dict(os.environ, **test["env"])
        environment.setdefault("SALTO_SEED", "1")
        return built, run(test["cmd"], test["workdir"] or self.build, timeout, environment)

    @contextlib.contextmanager
    def planted(self, fault):
        """The tree with the fault, and afterwards without it."""
        path = os.path.join(self.tree, fault.file)
        with open(path, encoding="utf-8") as file:
            original = file.read()
        write(path, original.replace(fault.text, fault.replacement))
        try:
            yield
        finally:
            write(path, original)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


@dataclasses.dataclass
class Run:
    """How a command ended."""
    code: int
    output: str
    timed_out: bool


def run(command, folder, timeout, environment=None):
    """Runs a command in a process group of its own. One that takes too long is asked to end, and then made to."""
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                              env=environment, start_new_session=True) as process:
            timed_out = False
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                timed_out = True
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        return Run(process.returncode, output.read().decode("utf-8", "replace"), timed_out)


def reason(done):
    """The first result that failed, in a few words."""
    if done.timed_out:
        return "the test did not end"
    for line in done.output.splitlines():
        if line.startswith(("not ok", "Bail out!")):
            return line
    lines = done.output.strip().splitlines()
    return f"status {done.code}: {lines[-1] if lines else ''}".strip()


def judge(sandbox, fault, normal):
    """Tries one fault; `normal` is how long its test takes without it."""
    started = time.monotonic()
    with sandbox.planted(fault):
        built, done = sandbox.try_test(fault.test, max(SHORTEST_TIMEOUT, 10 * normal))
    seconds = time.monotonic() - started
    if done is None:
        return Verdict(fault, "does not build", first_error(built.output), seconds)
    if done.timed_out or done.code != 0:
        return Verdict(fault, CAUGHT, reason(done), seconds)
    return Verdict(fault, MISSED, "the test passes", seconds)


def first_error(output):
    lines = [line for line in output.splitlines() if "error" in line.lower()]
    return lines[0].strip() if lines else output.strip()[-200:]


class Workers:
    """Sandboxes, one for each job, and what runs in them."""

    def __init__(self, jobs, folder, tree=places.TREE):
        self.free = queue.SimpleQueue()
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        for sandbox in self.pool.map(lambda number: self._make(os.path.join(folder, str(number)), tree), range(jobs)):
            self.free.put(sandbox)

    @staticmethod
    def _make(folder, tree):
        os.makedirs(folder)
        return Sandbox(folder, tree)

    def _with_sandbox(self, function, value):
        sandbox = self.free.get()
        try:
            return function(sandbox, value)
        finally:
            self.free.put(sandbox)

    def map(self, function, values):
        """function(sandbox, value) for each value; the results in the order in which the values stand."""
        return self.pool.map(lambda value: self._with_sandbox(function, value), values)


def without_fault(sandbox, name):
    """How long the test takes, or, as text, why it is of no use."""
    if name not in sandbox.tests:
        return f"there is no test '{name}'"
    built, _ = sandbox.try_test(name, 600)
    if built.code != 0:
        return "the tree does not build: " + first_error(built.output)
    started = time.monotonic()
    _, done = sandbox.try_test(name, 600)
    return time.monotonic() - started if done.code == 0 else f"the test fails without the fault: {reason(done)}"


def try_all(faults, jobs, show=lambda verdict: None, tree=places.TREE):
    """Tries the faults; answers their Verdicts, each of which is shown as soon as it is there."""
    verdicts = [Verdict(fault, "stale", stale(fault, tree)) for fault in faults if stale(fault, tree)]
    for verdict in verdicts:
        show(verdict)
    usable = [fault for fault in faults if not stale(fault, tree)]
    tests = sorted({fault.test for fault in usable})
    with tempfile.TemporaryDirectory(prefix="salto-mutants-") as folder:
        workers = Workers(max(1, min(jobs, len(usable))), folder, tree)
        normal = dict(zip(tests, workers.map(without_fault, tests)))
        for fault in usable:
            if isinstance(normal[fault.test], str):
                verdicts.append(Verdict(fault, "no verdict", normal[fault.test]))
                show(verdicts[-1])
        tried = [fault for fault in usable if not isinstance(normal[fault.test], str)]
        for verdict in workers.map(lambda sandbox, fault: judge(sandbox, fault, normal[fault.test]), tried):
            verdicts.append(verdict)
            show(verdict)
        workers.pool.shutdown()
    return verdicts


def line(verdict):
    """A row of the table."""
    fault = verdict.fault
    return f"{fault.name:<34}{fault.test:<24}{verdict.result:<16}{verdict.seconds:5.1f} s  {verdict.how}".rstrip()


def summary(verdicts):
    caught = sum(verdict.good() for verdict in verdicts)
    return f"{caught} caught, {len(verdicts) - caught} missed"
