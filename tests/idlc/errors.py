#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of idlc's errors, code by code: errors.py IDLC TREE. Prints TAP.

tests/idlc/errors/CODE.txt explains a code, and has inputs that it stands for, with exactly what idlc says of each, and the
first one put right. Made of them are docs/idl-errors.md and docs/idl-errors/CODE.md. Every code, and every named check, has
at least two wrong inputs. --write writes what idlc says, and the pages: read the difference.

A line of === begins a part: the wrong input, which may have options of idlc behind it; what it says; the right input. An
input that ends with a backslash and a new line has neither.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

from salto import tap

PART = re.compile(r"^=== (wrong|says|right)(.*)\n", re.MULTILINE)
CODE = re.compile(r'^    CODE\(\w+, "([a-z-]+)"\)', re.MULTILINE)
FOUND = re.compile(r" (?:error|warning): .* \[([a-z-]+)\](?: \(check: (\w+)\))?$", re.MULTILINE)
LEAST = 2
# Checks that find nothing by themselves: what each of them is for.
SILENT = {"layout": "places parameters"}
INDEX_HEAD = """# What idlc's errors mean

Every error has a code, at the end of its first line, that stays the same from version to version. Each code has a page, with
an input that is wrong and one that is right. These pages are made from the compiler's tests (tests/idlc/errors.py).

"""


class Case:
    """A wrong input, and what idlc says of it."""

    def __init__(self, options, source, says):
        self.options, self.source, self.says = options.split(), source, says


class Entry:
    """A code: the file of its cases."""

    def __init__(self, path):
        self.path, self.code, self.cases, self.right = path, path.stem, [], ""
        text, *parts = PART.split(path.read_bytes().decode("utf-8", "surrogateescape"))
        self.text = text.strip()
        for kind, options, body in zip(parts[::3], parts[1::3], parts[2::3]):
            if kind == "wrong":
                self.cases.append(Case(options, body[:-2] if body.endswith("\\\n") else body, ""))
            elif kind == "says":
                self.cases[-1].says = body
            else:
                self.right = body

    def written(self):
        text = f"{self.text}\n"
        for number, case in enumerate(self.cases):
            source = case.source if case.source.endswith("\n") or not case.source else f"{case.source}\\\n"
            text += f"=== {' '.join(['wrong', *case.options])}\n{source}=== says\n{case.says}"
            text += f"=== right\n{self.right}" if number == 0 else ""
        return text.encode("utf-8", "surrogateescape")

    def page(self):
        def block(text):
            return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())
        return (f"# {self.code}\n\n{self.text}\n\nWrong:\n\n{block(self.cases[0].source)}\nidlc says:\n\n"
                f"{block(self.cases[0].says)}\nRight:\n\n{block(self.right)}\n[All codes](../idl-errors.md)\n")


def compile_text(idlc, folder, options, text):
    """idlc's answer to a file of that text; what it says as its user sees it."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(folder / "files", pathlib.Path(name) / "files")
        (pathlib.Path(name) / "example.idl").write_bytes(text.encode("utf-8", "surrogateescape"))
        done = subprocess.run([idlc, *options, "--client", "out.h", "example.idl"], cwd=name, capture_output=True,
                              timeout=60, check=False)
        written = (pathlib.Path(name) / "out.h").exists()
    return done.returncode, done.stderr.decode("utf-8", "surrogateescape"), written


class Codes:
    def __init__(self, idlc, tree, write):
        self.idlc, self.tree, self.write = os.path.abspath(idlc), pathlib.Path(os.path.abspath(tree)), write
        self.folder, self.report = self.tree / "tests/idlc/errors", tap.Report()
        self.entries = [Entry(path) for path in sorted(self.folder.glob("*.txt"))]
        self.by_check = collections.Counter()

    def try_case(self, entry, case):
        """What is wrong with the answer, or None; and the checks that found something."""
        status, says, written = compile_text(self.idlc, self.folder, case.options, case.source)
        if self.write:
            case.says = says
        found = compile_text(self.idlc, self.folder, [*case.options, "--found-by"], case.source)[1]
        checks = {check for code, check in FOUND.findall(found) if check and code == entry.code}
        if status != 1 or written:
            return f"exit status {status}; output written: {written}", checks
        if entry.code not in {code for code, _ in FOUND.findall(says)}:
            return f"no [{entry.code}] in:\n{says}", checks
        return (None if says == case.says else f"wanted:\n{case.says}got:\n{says}"), checks

    def try_all(self):
        cases = [(entry, case) for entry in self.entries for case in entry.cases]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda pair: self.try_case(*pair), cases))
        for number, ((entry, case), (wrong, checks)) in enumerate(zip(cases, results), 1):
            self.by_check.update(checks)
            self.report.add(wrong is None, f"{entry.code}: input {number}", wrong or "", case.source)
        for entry in self.entries:
            status, says, written = compile_text(self.idlc, self.folder, ["--strict"], entry.right)
            self.report.add(status == 0 and not says and written, f"{entry.code}: put right", says)

    def check_counts(self):
        codes = CODE.findall((self.tree / "idlc/diagnostics.h").read_text())
        counts = {entry.code: len(entry.cases) for entry in self.entries}
        few = [f"{code}: {counts.get(code, 0)} in tests/idlc/errors" for code in codes if counts.get(code, 0) < LEAST]
        self.report.add(len(codes) > 20 and not few, f"every code has {LEAST} wrong inputs", *few)
        unknown = sorted(set(counts) - set(codes))
        self.report.add(not unknown, "every code here is one of idlc's", *unknown)
        listed = subprocess.run([self.idlc, "--checks"], capture_output=True, text=True, check=True).stdout
        checks = [line.split(":")[0] for line in listed.splitlines()]
        few = [f"{check}: {self.by_check[check]}" for check in checks
               if self.by_check[check] < LEAST and check not in SILENT]
        self.report.add(len(checks) > 10 and not few, f"every check has {LEAST} wrong inputs", *few)
        self.report.add(sum(counts.values()) >= 150, f"{sum(counts.values())} wrong inputs")

    def check_files(self):
        """Inputs that are no text file, and outputs that cannot be written: always a message, and nothing is left behind."""
        for name, text, wanted in (
                ("huge.idl", "library a;\n" + " " * (17 << 20), "cannot read huge.idl: File too large"),
                ("gone.idl", None, "cannot read gone.idl: No such file or directory"),
                ("files", None, "cannot read files: Is a directory"),
                ("secret.idl", "", "cannot read secret.idl: Permission denied"),
                ("crlf.idl", "\ufefflibrary a;\r\n/* a\r\nb */\r\nconst A: u32 = 1;\r\n", None)):
            wrong = self.try_input(name, text, wanted)
            self.report.add(wrong is None, f"the input {name}: {wanted or 'accepted'}", wrong or "")
        for name, wanted in (("/dev/full", "cannot write /dev/full: No space left on device"),
                             ("none/out.h", "cannot write none/out.h: No such file or directory"),
                             ("files", "cannot write files: Is a directory"),
                             ("out.h", "cannot write out.h: File too large"),
                             ("-", "cannot write standard output: No space left on device")):
            wrong = self.try_output(name, wanted)
            self.report.add(wrong is None, f"the output {name}: {wanted}", wrong or "")

    def try_input(self, name, text, wanted):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            (pathlib.Path(folder) / "files").mkdir()
            if text is not None:
                path.write_text(text, newline="")
            if name == "secret.idl":
                path.chmod(0)
                if os.access(path, os.R_OK):  # root reads what it likes: a file that nobody can read is in /proc
                    path.unlink()
                    path.symlink_to("/proc/self/mem")
                    wanted = "cannot read secret.idl: "
            done = subprocess.run([self.idlc, "--client", "out.h", name], cwd=folder, capture_output=True, text=True,
                                  timeout=60, check=False)
            written = os.path.exists(f"{folder}/out.h")
        good = done.returncode == (1 if wanted else 0) and written == (wanted is None) and (wanted or "") in done.stderr
        return None if good else f"exit status {done.returncode}, output written: {written}\n{done.stderr}"

    def try_output(self, name, wanted):
        """Files may not become larger than 100 bytes, as if the disk were full; what was there before stays."""
        with tempfile.TemporaryDirectory() as folder, open("/dev/full", "wb") as full:
            (pathlib.Path(folder) / "files").mkdir()
            (pathlib.Path(folder) / "out.h").write_text("old")
            done = subprocess.run([self.idlc, "--client", name, self.tree / "tests/idlc/good/scalars.idl"], cwd=folder,
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
                                  restore_signals=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
            left = sorted(os.listdir(folder)), (pathlib.Path(folder) / "out.h").read_text()
        good = done.returncode == 1 and wanted in done.stderr and left == (["files", "out.h"], "old")
        return None if good else f"exit status {done.returncode}, left behind {left}\n{done.stderr}"

    def check_nesting(self):
        """Ten thousand levels of anything are refused in little memory, and not by the end of the stack."""
        count = 10000
        for name, text in (
                ("structs", "struct S0 { x: u8; }\n" + "".join(f"struct S{i} {{ s: S{i - 1}; }}\n"
                                                               for i in range(1, count))),
                ("structs, the outermost first", "".join(f"struct S{i} {{ s: S{i - 1}; }}\n" for i in range(count, 0, -1))
                 + "struct S0 { x: u8; }\n"),
                ("aliases", "".join(f"alias A{i} = A{i - 1};\n" for i in range(count, 0, -1)) + "alias A0 = u8;\n"),
                ("constants", "".join(f"const C{i}: u8 = C{i - 1};\n" for i in range(count, 0, -1))
                 + "const C0: u8 = 1;\n"),
                ("bases", "".join(f"@id({i}) interface I{i}: I{i - 1} {{ }}\n" for i in range(count, 0, -1))
                 + "@id(65535) interface I0 { }\n"),
                ("parentheses", f"const A: u8 = {'(' * count}1{')' * count};\n"),
                ("sums", f"const A: u64 = 0{' + 1' * count};\n"),
                ("signs", f"const A: i64 = {'-' * count}1;\n"),
                ("type arguments", f"@id(1) interface I {{ f @1 (x: {'cap<' * count}I{'>' * count}); }}\n"),
                ("attributes", f"{'@open ' * count} enum E {{ a = 1; }}\n")):
            done = compile_text(self.idlc, self.folder, ["--strict"], f"library a;\n{text}")
            good = done[0] == 1 and FOUND.search(done[1]) and not done[2]
            self.report.add(good, f"{count} nested {name}", f"exit status {done[0]}\n{done[1][:1000]}")

    def check_pages(self):
        pages = {f"docs/idl-errors/{entry.code}.md": entry.page() for entry in self.entries}
        first = {entry.code: re.split(r"[.:;] ", entry.text.replace("\n", " ") + " ")[0] for entry in self.entries}
        rows = "".join(f"| [{code}](idl-errors/{code}.md) | {text} |\n" for code, text in first.items())
        pages["docs/idl-errors.md"] = f"{INDEX_HEAD}| code | |\n|---|---|\n{rows}"
        (self.tree / "docs/idl-errors").mkdir(exist_ok=True)
        for name, text in pages.items():
            path = self.tree / name
            if self.write:
                path.write_text(text)
            self.report.add(path.exists() and path.read_text() == text, f"{name} is as the tests are", "errors.py --write")
        there = {f"docs/idl-errors/{path.name}" for path in (self.tree / "docs/idl-errors").iterdir()}
        self.report.add(there < set(pages), "no page without a code", *sorted(there - set(pages)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("idlc")
    parser.add_argument("tree")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # inputs need not be text
    codes = Codes(arguments.idlc, arguments.tree, arguments.write)
    codes.try_all()
    if arguments.write:
        for entry in codes.entries:
            entry.path.write_bytes(entry.written())
    codes.check_counts()
    codes.check_files()
    codes.check_nesting()
    codes.check_pages()
    return codes.report.finish()


if __name__ == "__main__":
    sys.exit(main())
