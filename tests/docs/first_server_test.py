#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/first-server.md does what it says: first_server_test.py TREE. Prints TAP.

Writes the page's code blocks with a title to files of that name in an empty folder outside the tree, gives the folder to
./run, and looks for the lines of the page's output block, in their order.
"""
import os
import re
import subprocess
import sys
import tempfile

PAGE = "docs/first-server.md"
BLOCK = re.compile(r"^```(\w+) (?:title=(\S+)|(output))\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 240


def blocks(text):
    """The page's files as {name: contents}, and the lines of its output."""
    files, output = {}, []
    for _, name, is_output, contents in BLOCK.findall(text):
        if is_output:
            output += contents.splitlines()
        else:
            files[name] = contents
    return files, output


def missing_line(printed, expected):
    """The first expected line that does not follow the one before it; None if all are there."""
    lines = iter(line.strip() for line in printed.splitlines())
    return next((line for line in expected if line not in lines), None)


def run(tree, files):
    """Builds and boots the files as a set; the finished process."""
    with tempfile.TemporaryDirectory(prefix="salto-") as outside:
        folder = os.path.join(outside, "first-server")
        os.mkdir(folder)
        for name, contents in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(contents)
        return subprocess.run([os.path.join(tree, "run"), folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False)


def main():
    tree = sys.argv[1]
    with open(os.path.join(tree, PAGE), encoding="utf-8") as page:
        files, expected = blocks(page.read())
    print("1..3")
    complete = {"counter.idl", "server.c", "client.c", "set.manifest"} <= set(files) and bool(expected)
    print(f"{'ok' if complete else 'not ok'} 1 - the page has interface, server, client, manifest and output")
    done = run(tree, files)
    print(f"{'ok' if done.returncode == 0 else 'not ok'} 2 - its set builds, boots and ends well")
    missing = missing_line(done.stdout, expected)
    print(f"{'not ok' if missing else 'ok'} 3 - it prints what the page shows")
    if missing or done.returncode:
        print(f"# status {done.returncode}; missing: {missing}")
        print("\n".join(f"# {line}" for line in done.stdout.splitlines()[-40:]))
    return 0 if complete and done.returncode == 0 and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
