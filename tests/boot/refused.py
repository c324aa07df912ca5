#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sets that must not start: bad manifests, bad ELF files, bad archives. refused.py KERNEL ARCHIVE. Prints TAP.

Each case changes one thing in a good archive (examples/hello), boots it, and expects the machine to power off with
status 1 after saying what was wrong and where, before any program of the set has run; or boots the good one with options
that make no sense, which the kernel itself refuses with status 255.
"""
import concurrent.futures
import os
import struct
import sys
import tempfile

from salto import archive, machine, tap

PROGRAM = "hello"
MANIFEST = "set.manifest"
TIMEOUT = 60
# Offsets in ELF-64 files (System V gABI, chapter 4).
ELF_TYPE, ELF_MACHINE, ELF_ENTRY, ELF_HEADERS = 16, 18, 24, 32
HEADER_SIZE = 56
HEADER_TYPE, HEADER_FLAGS, HEADER_OFFSET, HEADER_ADDRESS, HEADER_FILE_SIZE, HEADER_MEMORY_SIZE = 0, 4, 8, 16, 32, 40
PT_LOAD, PT_INTERP, PF_X, PF_W = 1, 3, 1, 2


def patched(data, offset, form, value):
    """`data` with `value` packed at `offset`."""
    packed = struct.pack(form, value)
    return data[:offset] + packed + data[offset + len(packed):]


def header(data, index):
    """Offset of program header `index`."""
    return struct.unpack_from("<Q", data, ELF_HEADERS)[0] + index * HEADER_SIZE


def loads(data):
    """Offsets of the PT_LOAD headers."""
    count = struct.unpack_from("<H", data, 56)[0]
    headers = [header(data, i) for i in range(count)]
    return [at for at in headers if struct.unpack_from("<I", data, at)[0] == PT_LOAD]


def with_flags(data, flag):
    """The executable segment gets another flag."""
    text = next(at for at in loads(data) if struct.unpack_from("<I", data, at + HEADER_FLAGS)[0] & PF_X)
    return patched(data, text + HEADER_FLAGS, "<I", struct.unpack_from("<I", data, text + HEADER_FLAGS)[0] | flag)


ELF_CASES = [
    ("not an ELF file", lambda d: b"#!/bin/sh\n" + d[10:], "the magic number is missing"),
    ("an empty file", lambda d: b"", "too short"),
    ("a file that is cut off", lambda d: d[:5000], "reaches past the end of the file"),
    ("a 32-bit file", lambda d: patched(d, 4, "<B", 1), "not 64-bit"),
    ("a file for another machine", lambda d: patched(d, ELF_MACHINE, "<H", 183), "machine 183 is not x86-64"),
    ("an object file", lambda d: patched(d, ELF_TYPE, "<H", 1), "no executable"),
    ("a dynamic program", lambda d: patched(d, loads(d)[-1] + HEADER_TYPE, "<I", PT_INTERP), "linked dynamically"),
    ("a segment in the kernel", lambda d: patched(d, loads(d)[0] + HEADER_ADDRESS, "<Q", 0xffff800000000000), "outside"),
    ("a segment over the start-up table", lambda d: patched(d, loads(d)[0] + HEADER_ADDRESS, "<Q", 0x7e00001ff000),
     "outside"),
    ("a writable text", lambda d: with_flags(d, PF_W), "both writable and executable"),
    ("a segment over another",
     lambda d: patched(d, loads(d)[1] + HEADER_ADDRESS, "<Q", struct.unpack_from("<Q", d, loads(d)[0] + HEADER_ADDRESS)[0]),
     "shares a page with another"),
    ("a segment of more than there is", lambda d: patched(d, loads(d)[-1] + HEADER_MEMORY_SIZE, "<Q", 1 << 45), "too large"),
    ("an entry point outside", lambda d: patched(d, ELF_ENTRY, "<Q", 0x1000), "the entry point 0x1000 lies in no segment"),
]

MANIFEST_CASES = [
    ("a syntax error", b"program hello { plain; grant console }", [f"{MANIFEST}:1:38: error: expected ';'"]),
    ("two errors", b"# one\nprogram hello { plaim; grant consol; }",
     [f"{MANIFEST}:2:17: error: unknown statement 'plaim'; did you mean 'plain'?", "program hello { plaim;",
      f"{MANIFEST}:2:30: error: unknown object 'consol'; did you mean 'console'?"]),
    ("a missing file", b"program hello { file = \"goodbye\"; grant console; }",
     [f"{MANIFEST}:1:24: error: there is no file 'goodbye' for program 'hello'"]),
    ("no program", b"", [f"{MANIFEST}:1:1: error: the manifest lists no program"]),
    ("binary rubbish", bytes(range(256)), [f"{MANIFEST}:1:1: error: unexpected byte 0x00"]),
]

SET_CASES = [
    ("more memory than there is", b"program hello { plain; grant console; memory = 32G; }",
     ["root: program hello: its quota cannot be had:"]),
    ("a quota that is too small", b"program hello { plain; grant console; memory = 64K; stack = 8K; }",
     ["root: program hello: "]),
    ("more arguments than stack", b"program hello { plain; grant console; stack = 8K; arguments = \"" + b"x" * 5000 +
     b"\"; }", ["root: program hello: its arguments and environment take more than half of its stack"]),
]

# Options of the kernel's command line that it does not understand, and what it says; it powers off itself.
OPTION_CASES = [
    ("fast-path", "fast-path: '' is not on, off, random or random:SEED"),
    ("fast-path=slow", "fast-path: 'slow' is not on, off, random or random:SEED"),
    ("fast-path=random:0", "fast-path: 'random:0' is not on, off"),
    ("fast-path=random:12x", "fast-path: 'random:12x' is not on, off"),
    ("fast-path=off fast-path-checks=gate,", "fast-path-checks: '' begins with none of handle, waiter, gate"),
    ("fast-path=off fast-path-checks=gates", "fast-path-checks: 'gates' begins with none of handle, waiter, gate"),
]
KERNEL_REFUSES = 255


def replaced(members, name, data):
    """The archive's members with other contents for `name`; without it where `data` is None."""
    return [(member, data if member == name else old) for member, old in members if member != name or data is not None]


def cases(members):
    """(name, members of the archive, lines that must be printed) for each case."""
    program = dict(members)[PROGRAM]
    for name, change, reason in ELF_CASES:
        yield name, replaced(members, PROGRAM, change(program)), [f"root: program {PROGRAM}: file {PROGRAM}: ", reason]
    for name, text, lines in MANIFEST_CASES:
        yield f"a manifest with {name}", replaced(members, MANIFEST, text), lines + ["root: the manifest is refused"]
    for name, text, lines in SET_CASES:
        yield name, replaced(members, MANIFEST, text), lines + ["root: the set does not start"]
    yield "no manifest", replaced(members, MANIFEST, None), [f"root: the boot archive has no file '{MANIFEST}'"]
    for name in ("root", "linux"):
        yield f"no {name}", replaced(members, name, None), [name]
        yield f"a damaged {name}", replaced(members, name, dict(members)[name][:3000]), [name]


def run(kernel, case):
    """Boots a case; (its name, what is wrong with the outcome or None)."""
    name, members, lines, options, status = case
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        path = os.path.join(work, "set.cpio")
        archive.write(path, members)
        outcome = machine.run(machine.Options(kernel=kernel, archive=path, command_line=f"debug-exit {options}",
                                              debug_exit=True), TIMEOUT)
    if outcome.timed_out or outcome.status() != status:
        return name, f"status {outcome.status()} instead of {status}\n{outcome.serial[-2000:]}"
    missing = [line for line in lines if line not in outcome.serial]
    if missing:
        return name, f"not printed: {missing[0]}\n{outcome.serial[-2000:]}"
    if "Hello" in outcome.serial:
        return name, f"a program ran\n{outcome.serial[-2000:]}"
    return name, None


def main():
    kernel, source = sys.argv[1:3]
    report = tap.Report()
    members = archive.read(source)
    all_cases = [(*case, "", 1) for case in cases(members)]
    all_cases += [(f"'{text}'", members, [f"salto: boot: {line}"], text, KERNEL_REFUSES) for text, line in OPTION_CASES]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, problem in pool.map(lambda case: run(kernel, case), all_cases):
            report.add(problem is None, f"{name} is refused", problem or "")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
