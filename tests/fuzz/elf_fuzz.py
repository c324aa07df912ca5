#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The ELF loader under libFuzzer: elf_fuzz.py TREE [--runs RUNS]. Prints TAP.

Builds elf_fuzz.c and lib/elf_*.c with clang and its sanitizers, replays the corpus tests/fuzz/elf, and goes on from there
with RUNS random files. SALTO_SEED in the environment is the seed (else 1). A file that fails is printed in base64.
"""
import argparse
import base64
import glob
import os
import re
import subprocess
import tempfile

from salto import tap

SOURCES = ["tests/fuzz/elf_fuzz.c", "lib/elf_file.c", "lib/elf_symbols.c"]
FLAGS = ["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]
LONGEST = 4096 # bytes of a file


def output_of(command, folder):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout.decode(errors="replace")


def build(tree, folder):
    program = os.path.join(folder, "elf_fuzz")
    includes = [f"-I{os.path.join(tree, part)}" for part in ("kernel", "lib")]
    good, output = output_of(["clang", *FLAGS, *includes, *[os.path.join(tree, name) for name in SOURCES], "-o", program],
                             folder)
    return program, good, output


def explain(output, folder):
    """What libFuzzer said, and the file that it left."""
    lines = [output[-4000:]]
    for path in glob.glob(os.path.join(folder, "crash-*")):
        with open(path, "rb") as file:
            lines.append("the file, in base64: " + base64.b64encode(file.read()).decode())
    return "\n".join(lines)


def fuzz(report, program, corpus, runs, folder):
    seeds = sorted(glob.glob(os.path.join(corpus, "*")))
    good, output = output_of([program, *seeds], folder)
    report.add(good and len(seeds) > 0, f"{len(seeds)} files of the corpus are planned or refused as they must be",
               explain(output, folder))
    found = os.path.join(folder, "found")
    os.mkdir(found)
    seed = os.environ.get("SALTO_SEED", "1")
    good, output = output_of([program, f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", "-timeout=20", found,
                              corpus], folder)
    done = re.search(r"Done (\d+) runs", output)
    report.add(good and done is not None, f"so are {runs} that are made of them (seed {seed})", explain(output, folder))
    if done:
        report.comment(f"files {done.group(1)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree")
    parser.add_argument("--runs", type=int, default=100000)
    options = parser.parse_args()
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as folder:
        program, good, output = build(os.path.abspath(options.tree), folder)
        report.add(good, "clang builds the fuzzer", output)
        if good:
            fuzz(report, program, os.path.join(os.path.abspath(options.tree), "tests/fuzz/elf"), options.runs, folder)
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
