#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Test of tools/idl_language_server.py: language_server.py IDLC TREE [--write]. Prints TAP.

Plays the editor's part of tests/idlc/tools/language.dialogue, the lines that begin with >, and compares what the server says
with the lines that begin with <. FOLDER stands for the folder of tests/idlc/tools, TEXT(old|new) for shop.idl with one text
in place of another. --write writes what the server says: read the difference.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

from salto import tap

TEXT = re.compile(r'"TEXT\((.*?)\|(.*?)\)"')
NAME = "language.dialogue"


def framed(body):
    data = body.encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


def bodies(stream):
    """The bodies of what the server wrote; everything else is an error."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        length = int(re.fullmatch(rb"Content-Length: (\d+)", head)[1])
        yield rest[:length].decode()
        stream = rest[length:]


def with_texts(line, folder):
    source = (folder / "shop.idl").read_text()

    def changed(match):
        old, new = (json.loads(f'"{part}"') for part in match.groups())
        assert not old or source.count(old) == 1, old
        return json.dumps(source.replace(old, new) if old else source)
    return TEXT.sub(changed, line.replace("FOLDER", folder.as_uri()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("idlc")
    parser.add_argument("tree")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    tree, report = pathlib.Path(os.path.abspath(arguments.tree)), tap.Report()
    folder = tree / "tests/idlc/tools"
    lines = (folder / NAME).read_text().splitlines()
    sent = [line[2:] for line in lines if line.startswith("> ")]
    done = subprocess.run([sys.executable, tree / "tools/idl_language_server.py", "--idlc", os.path.abspath(arguments.idlc)],
                          input=b"".join(framed(with_texts(line, folder)) for line in sent), capture_output=True,
                          timeout=100, check=False)
    report.add(done.returncode == 0 and not done.stderr, "the server ends as it was asked to", done.stderr.decode())
    said = [body.replace(folder.as_uri(), "FOLDER") for body in bodies(done.stdout)]
    if arguments.write:
        kept = [line for line in lines if not line.startswith("< ")]
        (folder / NAME).write_text("\n".join([*kept, *(f"< {line}" for line in said)]) + "\n")
        return 0
    wanted = [line[2:] for line in lines if line.startswith("< ")]
    report.add(len(said) == len(wanted) > 10, f"{len(wanted)} messages come", f"{len(said)} came")
    for number, (got, want) in enumerate(zip(said, wanted), 1):
        report.add(got == want, f"message {number}", f"got    {got}", f"wanted {want}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
