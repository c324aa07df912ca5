#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""idlc under libFuzzer: fuzz.py FUZZER TREE --inputs N. Prints TAP, and how many inputs were tried.

First the inputs of tests/idlc/corpus.zip and of the folders good, bad and errors are tried; then N more that libFuzzer makes
of them, with the seed SALTO_SEED. Its dictionary is made of the tokens in lexer.l and of the names that the checks know.
An input that fails is printed. --grow FOLDER keeps in FOLDER what reaches new code, and begins with what is there; --pack
FOLDER makes corpus.zip of the fewest inputs that reach as much as FOLDER and the archive, beyond what the other inputs do.

Short inputs are tried several times as fast, and what a long one reaches a short one mostly does too: every LONG-th seed
makes them as long as inputs of the tree can be.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

from salto import tap

MAX_LENGTH, SHORT_LENGTH, LONG = 3000, 1000, 4
# What one input frees stays poisoned while it is looked at; more would be fetched from memory again and again.
SANITIZERS = "malloc_context_size=2:quarantine_size_mb=4:thread_local_quarantine_size_kb=64:max_malloc_fill_size=64"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the archive is the same whenever it is packed


def dictionary(tree):
    """Every token, and the names that mean something without being one."""
    lexer, types, attributes = ((tree / "idlc" / name).read_text()
                                for name in ("lexer.l", "check_types.c", "check_interfaces.c"))
    words = set(re.findall(r'^"([^"]+)"\s+\{', lexer, re.MULTILINE)) | set("-{}()<>[],;:=@.+*/%&|^")
    words |= set(re.findall(r'"([a-z][a-z0-9]*)"', types + attributes))
    words |= {"5s", "0x1f", "library a;", "bytes<9>", "string<300>", "cap<I, rw>", "pages<rw>", "u8[4]", "@id(1)",
              "import \\\"other.idl\\\";", "other.Thing", "\\xef\\xbb\\xbf", "/*", "///", "//"}
    return "".join(f'"{word}"\n' for word in sorted(words))


def write_archive(tree, folder):
    folder.mkdir()
    with zipfile.ZipFile(tree / "tests/idlc/corpus.zip") as archive:
        archive.extractall(folder)


def write_inputs(tree, folder):
    """The inputs of other tests, each as a file."""
    folder.mkdir()
    for source in [*tree.glob("tests/idlc/good/*.idl"), *tree.glob("tests/idlc/bad/*.idl"),
                   *tree.glob("tests/idlc/tools/*.idl"), *tree.glob("tests/idlc/errors/*.txt")]:
        parts = re.split(rb"^=== (?:wrong|right).*\n", source.read_bytes(), flags=re.MULTILINE)
        for number, part in enumerate(parts[1:] or parts):
            (folder / f"{source.stem}-{number}").write_bytes(re.split(rb"^=== says\n", part, flags=re.MULTILINE)[0])


class Fuzzer:
    def __init__(self, program, tree, work):
        self.program, self.tree, self.work = os.path.abspath(program), tree, work
        (work / "dictionary").write_text(dictionary(tree))
        write_inputs(tree, work / "inputs")
        write_archive(tree, work / "archive")
        self.seeds = sum(len(list((work / name).iterdir())) for name in ("inputs", "archive"))

    def run(self, *words):
        """Its output; failing inputs land in `work`."""
        done = subprocess.run([self.program, f"-dict={self.work}/dictionary", f"-artifact_prefix={self.work}/failed-",
                               "-timeout=300", "-rss_limit_mb=2048", "-entropic=0", *map(str, words)], cwd=self.work,
                              env=dict(os.environ, ASAN_OPTIONS=SANITIZERS), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", check=False)
        return done.returncode, done.stderr

    def failures(self):
        for path in sorted(self.work.glob("failed-*")):
            yield f"{path.name}:\n{path.read_bytes().decode('utf-8', 'backslashreplace')}"


def count(output):
    """The inputs that were made: all that were tried, without those that were there."""
    all_tried, read = (re.search(line, output, re.MULTILINE) for line in (r"^Done (\d+) runs", r"^#(\d+)\s+INITED"))
    return int(all_tried[1]) - int(read[1]) if all_tried and read else 0


def fuzz(fuzzer, inputs, seed, grow):
    report = tap.Report()
    corpus = fuzzer.work / "corpus"
    for folder in (corpus, grow) if grow else (corpus,):
        folder.mkdir(exist_ok=True)
    status, output = fuzzer.run("-runs=0", fuzzer.work / "inputs", fuzzer.work / "archive")
    report.add(status == 0 and fuzzer.seeds > 100, f"{fuzzer.seeds} inputs from the tree", output[-3000:],
               *fuzzer.failures())
    longest = SHORT_LENGTH if seed % LONG else MAX_LENGTH
    there = fuzzer.seeds + len(list((grow or corpus).iterdir())) + 1  # and the empty one
    status, output = fuzzer.run(f"-runs={inputs + there}", f"-seed={seed}", f"-max_len={longest}", "-len_control=20",
                                grow or corpus, fuzzer.work / "inputs", fuzzer.work / "archive")
    report.add(status == 0 and count(output) >= inputs, f"{inputs} inputs made of them, seed {seed}", output[-5000:],
               *fuzzer.failures())
    report.comment(f"inputs {count(output)}")
    return report.finish()


def pack(fuzzer, folder):
    """Writes corpus.zip: what reaches more than the inputs of other tests."""
    least = fuzzer.work / "inputs"
    for path in least.iterdir():
        path.rename(least / f"input-{path.name}")
    status, output = fuzzer.run("-merge=1", f"-max_len={MAX_LENGTH}", least, fuzzer.work / "archive", folder)
    with zipfile.ZipFile(fuzzer.tree / "tests/idlc/corpus.zip", "w", zipfile.ZIP_LZMA) as archive:
        kept = sorted(path for path in least.iterdir() if not path.name.startswith("input-"))
        for path in kept:
            archive.writestr(zipfile.ZipInfo(path.name, EPOCH), path.read_bytes(), zipfile.ZIP_LZMA)
    print(f"{len(kept)} inputs", output[-500:] if status else "")
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fuzzer")
    parser.add_argument("tree")
    parser.add_argument("--inputs", type=int, default=20000)
    parser.add_argument("--grow", type=pathlib.Path)
    parser.add_argument("--pack", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="idlc-fuzz-") as work:
        fuzzer = Fuzzer(arguments.fuzzer, pathlib.Path(os.path.abspath(arguments.tree)), pathlib.Path(work))
        if arguments.pack:
            return pack(fuzzer, arguments.pack.absolute())
        return fuzz(fuzzer, arguments.inputs, int(os.environ.get("SALTO_SEED", "1")),
                    arguments.grow and arguments.grow.absolute())


if __name__ == "__main__":
    sys.exit(main())
