#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the stream transport in C: stream_c.py IDLC TREE BUILD. Prints TAP.

For each file of tests/idlc/good a program is built, with ASan and UBSan, that takes requests with the generated
dispatcher and passes them on with the generated stubs, to a server in Python: the same tests as in stream.py then go
through C and back.
"""
import logging
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import stream

SOURCES = ("stream.c", "stream_client.c", "stream_server.c", "stream_files.c", "text.c", "host/utcb.c")
FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O0", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all"]
PROGRAM = """
static struct salto_stream server_NAME, client_NAME;
static struct NAME_stream_memory server_memory_NAME, client_memory_NAME;
UPPER_SERVER(serve_NAME, NAME_forward)

/* Until either stream ends. Standard input is where requests come from, standard output where they go. */
static int pass_on_NAME(void)
{
    static struct stream_files from = {0, 0}, to = {1, 1};
    NAME_t self = {NAME_stream_client(&client_NAME, &client_memory_NAME, &stream_of_files, &to)};

    return salto_serve(NAME_stream_server(&server_NAME, &server_memory_NAME, &stream_of_files, &from), serve_NAME,
                       &self);
}
"""
CASE = """    if (strcmp(words[1], "NAME") == 0)
        return pass_on_NAME() == -ERROR_DEAD ? 0 : 1;
"""
MAIN = """
int main(int count, char **words)
{
    if (count != 2)
        return 2;
CASES    return 2;
}
"""


class Programs:
    """What was built: files' programs, by stem."""

    def __init__(self, tests, build):
        self.tests, self.work = tests, tests.work / "c"
        self.includes = [self.work / "stream", self.work / "ipc", tests.tree / "lib/host", tests.tree / "lib/include",
                         tests.tree / "kernel", pathlib.Path(build)]
        for folder in self.includes[:2]:
            (folder / "idl").mkdir(parents=True)
        # Without optimization, which would leave out what is not reached: all that programs refer to must be there.
        self.objects = [self.compile(tests.tree / "lib" / name, "-O0") for name in SOURCES]

    def run(self, *command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode or done.stderr:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")

    def compile(self, source, *flags):
        target = self.work / f"{source.stem}.o"
        self.run("gcc", *FLAGS, *flags, *(f"-I{folder}" for folder in self.includes), "-c", "-o", target, source)
        return target

    def headers(self, source):
        """Types by idlc, all else by the generator."""
        ipc, streams = (folder / "idl" / source.stem for folder in self.includes[:2][::-1])
        self.run(self.tests.idlc, "--client", f"{ipc}.h", "--server", f"{ipc}_server.h", source)
        self.run(sys.executable, "-B", self.tests.tree / "tools/idl_stream_c.py", "--idlc", self.tests.idlc, "--client",
                 f"{streams}.h", "--server", f"{streams}_server.h", "--forward", f"{streams}_forward.h", source)
        stubs = pathlib.Path(f"{streams}.h")  # without @timeout, which would make this depend on the host's speed
        stubs.write_text(re.sub(r"(stream_exchange\(.*), UINT64_C\(\d+\)\)", r"\1, 0)", stubs.read_text()))

    def build(self, source, interfaces, imported):
        """The program for a file's interfaces."""
        names = [interface["c_name"] for interface in interfaces]
        text = "".join(f'#include "idl/{stem}.h"\n' for stem in imported)
        text += "".join(f'#include "idl/{source.stem}{kind}.h"\n' for kind in ("", "_server", "_forward"))
        text += "#include <string.h>\n"
        text += "".join(PROGRAM.replace("NAME", name).replace("UPPER", name.upper()) for name in names)
        cases = "".join(CASE.replace("NAME", name) for name in names)
        path = self.work / f"pass_{source.stem}.c"
        path.write_text(text + MAIN.replace("CASES", cases))
        self.run("gcc", "-fsanitize=address,undefined", "-o", path.with_suffix(""), self.compile(path), *self.objects)
        return path.with_suffix("")


class PassedOn(stream.Pair):
    """Client and server in Python, and a program in C between them."""
    program = None

    def connect(self, tests, interface):
        client, requests = socket.socketpair()
        calls, server = socket.socketpair()
        self.process = subprocess.Popen([self.program, interface["c_name"]], stdin=requests, stdout=calls,
                                        stderr=subprocess.PIPE, text=True)
        for end in (requests, calls):
            end.close()
        return client, server

    def close(self):
        """It ends with its client, and found nothing wrong with itself."""
        super().close()
        try:
            _, said = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return False
        if self.process.returncode or said:
            print(f"# {self.process.returncode}: {said}")
        return self.process.returncode == 0 and not said


def check(tests, programs, source):
    model = tests.model.Model(tests.model.read_json(tests.idlc, source))
    own = [interface for interface in model.interfaces() if interface["file"] == 0 and model.all_operations(interface)]
    programs.headers(source)
    if not own:
        return
    bases = {model.declarations[interface["base"]]["file"] for interface in own if interface.get("base")} - {0}
    imported = [pathlib.Path(model.program["files"][file]["path"]).stem for file in bases]
    made = type("Made", (PassedOn,), {"program": programs.build(source, own, imported)})
    stream.check_file(tests, source, made)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    logging.getLogger("salto_stream").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as work:
        tests = stream.Tests(*sys.argv[1:3], work)
        programs = Programs(tests, os.path.abspath(sys.argv[3]))
        for source in sorted((tests.tree / "tests/idlc/good").glob("*.idl")):
            check(tests, programs, source)
    return tests.report.finish()


if __name__ == "__main__":
    sys.exit(main())
