#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a newcomer is told about mistakes in a first server: mistakes_test.py TREE. Prints TAP.

Each case changes one thing in the set of docs/first-server.md, gives the folder to ./run, and expects status 1, what is
said about it, and that nothing looks like a failure of the tools themselves.
"""
import os
import re
import subprocess
import sys
import tempfile

from first_server_test import PAGE, blocks

TIMEOUT = 240
# What is done, the file, a pattern in it and what replaces its first match (None: the file is deleted), what is said.
CASES = [
    ("a semicolon is missing in the interface", "counter.idl", "raises Error;", "raises Error",
     r"counter\.idl:13:3: error: expected ';'"),
    ("a type is misspelt", "counter.idl", "u32", "u33", r"counter\.idl:12:19: error: .*did you mean 'u32'\?"),
    ("the interface has no number", "counter.idl", r"@id\(0x0201\) ", "", r"interface 'Counter' has no @id"),
    ("two operations have one number", "counter.idl", "read @2", "read @1",
     r"operation 'read' has the number of 'add'"),
    ("a handler is missing", "server.c", "int handle_read", "int hand_read",
     r"server\.c:\d+:\d+: error: .*handle_read"),
    ("a header does not exist", "client.c", "idl/counter\\.h", "idl/countr.h",
     r"client\.c:\d+:\d+: .*idl/countr\.h: No such"),
    ("an answer is not looked at", "client.c", r"int error = (counter_read.*;)", r"int error = 0; \1",
     r"client\.c:\d+:\d+: error: ignoring return value of .counter_read"),
    ("a server is misspelt", "set.manifest", r"server\.counter", "servr.counter",
     r"set\.manifest:5:21: error: unknown program 'servr'; did you mean 'server'\?"),
    ("a program has no source", "set.manifest", "program client", "program clint",
     r"program file 'clint' has no source: neither clint\.c nor"),
    ("no manifest", "set.manifest", None, None, "no set.manifest there, so this is not a server set"),
    ("a capability is not granted", "set.manifest", r"grant counter.*;", "",
     r"this program was not granted 'counter': see its set\.manifest\nclient: exited with status 1\n"),
    ("a right is not granted", "set.manifest", "rights write badge", "rights copy badge",
     "counter: the capability lacks the right that the operation needs"),
    ("a program without a console fails", "server.c", r'require\("counter', 'require("countr',
     r"server: exited with status 1 \(it was granted no console to say why\)"),
    ("the client crashes", "client.c", r"(uint64_t total = 0,)",
     r"*(volatile int *)(counter.handle * 8UL) = 1;\n    \1", r"client: page fault \(write\) at 0x[0-9a-f]+ in main\+"),
]


def change(folder, name, pattern, replacement):
    path = os.path.join(folder, name)
    if pattern is None:
        os.remove(path)
        return True
    with open(path, encoding="utf-8") as file:
        text, count = re.subn(pattern, replacement, file.read(), count=1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return count == 1


def said(tree, files, case):
    """What ./run prints about the case, and its status; None where the page has nothing to change."""
    _, name, pattern, replacement, _ = case
    with tempfile.TemporaryDirectory(prefix="salto-") as folder:
        for file_name, contents in files.items():
            with open(os.path.join(folder, file_name), "w", encoding="utf-8") as file:
                file.write(contents)
        if not change(folder, name, pattern, replacement):
            return f"{PAGE} has no '{pattern}' in {name}", None
        done = subprocess.run([os.path.join(tree, "run"), folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False)
        return done.stdout, done.returncode


def main():
    tree = sys.argv[1]
    with open(os.path.join(tree, PAGE), encoding="utf-8") as page:
        files, _ = blocks(page.read())
    print(f"1..{len(CASES)}")
    failed = 0
    for number, case in enumerate(CASES, 1):
        printed, status = said(tree, files, case)
        good = status == 1 and re.search(case[4], printed) is not None and "Traceback" not in printed
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {case[0]}")
        if not good:
            print("\n".join(f"# {line}" for line in [f"status {status}", *printed.splitlines()]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
