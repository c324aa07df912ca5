#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests idlc with good and bad inputs: run.py IDLC TREE. Prints TAP, one result a check.

good/*.idl and the kernel's own files compile; the generated headers compile with gcc and clang without a warning, for
programs and for the kernel; the formatter is idempotent and changes nothing that matters. bad/*.idl are refused with
exactly the diagnostics of the .expected file beside them. The command line answers wrong use.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"]
PROGRAM_VARIANTS = (["-O0"], ["-O2", "-Wconversion"], ["-O2", "-fPIC"], ["-O2", "-mgeneral-regs-only"])
CXX_FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
KERNEL_FLAGS = ["-ffreestanding", "-fno-stack-protector", "-fno-pic", "-mcmodel=kernel", "-mno-red-zone",
                "-mgeneral-regs-only", "-O2"]


class Tests:
    """Results of checks; each check is a name and a function that returns None or what is wrong."""

    def __init__(self):
        self.checks = []

    def add(self, name, function, *arguments):
        self.checks.append((name, function, arguments))

    def run(self):
        print(f"1..{len(self.checks)}")
        failed = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            futures = [pool.submit(function, *arguments) for _, function, arguments in self.checks]
            for number, (future, (name, _, _)) in enumerate(zip(futures, self.checks), 1):
                wrong = future.result()
                failed += wrong is not None
                print(f"{'not ok' if wrong is not None else 'ok'} {number} - {name}")
                for line in (wrong or "").splitlines()[:40]:
                    print(f"# {line}")
        return 1 if failed or not self.checks else 0


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False,
                          **options)


def say(done):
    return None if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}{done.stderr}"


class Compiler:
    """Where idlc, the tree and the outputs are."""

    def __init__(self, idlc, tree, work):
        self.idlc, self.tree, self.work = idlc, pathlib.Path(tree), pathlib.Path(work)
        (self.work / "idl").mkdir()

    def generate(self, source):
        out = self.work / "idl" / source.stem
        return run([self.idlc, "--client", f"{out}.h", "--server", f"{out}_server.h", "--kernel", f"{out}_kernel.h",
                    "--depfile", f"{out}.d", source])

    def program_text(self, stem):
        """A program with client stubs and an instance of each server, the handlers only declared."""
        header = (self.work / "idl" / f"{stem}_server.h").read_text()
        interfaces = {}
        for macro in re.findall(r"#define \w+_SERVER\(NAME, HANDLERS\) \\\n(.*?)\n\n", header, re.DOTALL):
            name = re.search(r"struct (\w+)_ops NAME##_ops", macro)[1]
            interfaces[name] = re.findall(r"\.(\w+) = HANDLERS##_(\w+),", macro)
        lines = [f'#include "idl/{stem}.h"', f'#include "idl/{stem}_server.h"']
        for name, handlers in interfaces.items():
            lines += [f"extern __typeof__(*((struct {name}_ops *)0)->{member}) {name}_on_{operation};"
                      for member, operation in handlers]
            lines += [f"{name.upper()}_SERVER(serve_{name}, {name}_on)", f"__typeof__(serve_{name}) *use_{name}(void);",
                      f"__typeof__(serve_{name}) *use_{name}(void)", "{", f"    return serve_{name};", "}"]
        return "\n".join(lines) + "\nint main(void)\n{\n    return 0;\n}\n"

    def kernel_text(self, stem):
        header = (self.work / "idl" / f"{stem}_kernel.h").read_text()
        lines = [f'#include "idl/{stem}_kernel.h"']
        for name, own in re.findall(r"static inline void (\w+)_dispatch\(struct kernel_call \*call, struct (\w+) ", header):
            lines += [f"void use_{name}(struct kernel_call *call, struct {own} *self, uint32_t rights);",
                      f"void use_{name}(struct kernel_call *call, struct {own} *self, uint32_t rights)", "{",
                      f"    {name}_dispatch(call, self, rights);", "}"]
        return "\n".join(lines) + "\n"

    def build(self, compiler, text, flags, language="c"):
        flags = [*(CXX_FLAGS if language == "c++" else WARNINGS), *flags]
        includes = [f"-I{self.work}", f"-I{self.tree}/lib/include", f"-I{self.tree}/tests/host/idlc_stubs/kernel",
                    f"-I{self.tree}/kernel"]
        # A file of its own: as root a compiler that fails may delete what it writes to, /dev/null included.
        with tempfile.TemporaryDirectory() as folder:
            return run([compiler, *flags, *includes, f"-x{language}", "-c", "-o", f"{folder}/stubs.o", "-"], input=text)


def check_accepted(compiler, source):
    done = compiler.generate(source)
    return say(done) if done.returncode else done.stderr or None


def check_program(compiler, command, stem):
    for flags in PROGRAM_VARIANTS:
        text = compiler.program_text(stem)
        if "-mgeneral-regs-only" in flags and "__SSE2__" in (compiler.work / "idl" / f"{stem}_server.h").read_text():
            text = "".join(line + "\n" for line in text.splitlines() if line.startswith("#include"))
        wrong = say(compiler.build(command, text, flags))
        if wrong:
            return f"{' '.join(flags)}: {wrong}"
    return None


def check_cxx(compiler, command, stem):
    """Clients may be written in C++."""
    text = f'#include "idl/{stem}.h"\nint main()\n{{\n    return 0;\n}}\n'
    return say(compiler.build(command, text, [], "c++"))


def check_kernel(compiler, command, stem):
    return say(compiler.build(command, compiler.kernel_text(stem), KERNEL_FLAGS))


def check_missing_handler(compiler, command):
    text = compiler.program_text("scalars").replace(
        "extern __typeof__(*((struct scalars_ops *)0)->echo) scalars_on_echo;", "")
    done = compiler.build(command, text, ["-O0"])
    if done.returncode == 0 or "scalars_on_echo" not in done.stderr:
        return f"a server without a handler compiled, or for another reason not\n{done.stderr}"
    return None


def check_wrong_handle(compiler, command):
    text = compiler.program_text("capabilities") + "int f(kernel_task_t t);\nint f(kernel_task_t t)\n{\n" \
        "    uint32_t key = 1;\n    return capabilities_store_drop(t, (capabilities_thing_t){key});\n}\n"
    done = compiler.build(command, '#include "idl/task.h"\n' + text, ["-O0"])
    if done.returncode == 0 or "incompatible type" not in done.stderr:
        return f"a handle of another interface was accepted\n{done.stderr}"
    return None


def check_without_buffers(compiler, command):
    text = compiler.program_text("blobs") + "int f(void);\nint f(void)\n{\n    return salto_serve(1, serve_blobs, 0);\n}\n"
    done = compiler.build(command, text, ["-O0"])
    if done.returncode == 0 or "incompatible" not in done.stderr:
        return f"an interface with strings can be served without buffers\n{done.stderr}"
    return None


def check_ignored_result(compiler, command):
    text = compiler.program_text("scalars") + "void f(void);\nvoid f(void)\n{\n    scalars_nothing((scalars_t){1});\n}\n"
    done = compiler.build(command, text, ["-O0"])
    if done.returncode == 0 or "unused" not in done.stderr:
        return f"a stub's result can be ignored\n{done.stderr}"
    return None


def check_format(compiler, source):
    folder = pathlib.Path(tempfile.mkdtemp(dir=compiler.work)) / "copy"
    shutil.copytree(source.parent, folder)
    once, twice = folder / source.name, folder / "twice.txt"
    for done in (run([compiler.idlc, "--format", once, source]),
                 run([compiler.idlc, "--format", twice, once]),
                 run([compiler.idlc, "--client", folder / "a.h", source]),
                 run([compiler.idlc, "--client", folder / "b.h", once])):
        if done.returncode:
            return say(done)
    if once.read_text() != twice.read_text():
        return "formatting twice changes the text:\n" + once.read_text() + "----\n" + twice.read_text()
    if (folder / "a.h").read_text() != (folder / "b.h").read_text():
        return "the formatted source means something else"
    return None


def check_formatted_as_is(compiler, source):
    done = run([compiler.idlc, "--format", "-", source])
    return None if done.stdout == source.read_text() else f"is not in its one form, which is:\n{done.stdout}"


def check_depfile(compiler):
    text = (compiler.work / "idl" / "cycle.d").read_text()
    good = compiler.tree / "tests/idlc/good"
    wanted = f"{compiler.work}/idl/cycle.h: {good}/cycle.idl {good}/capabilities.idl {good}/scalars.idl\n"
    return None if text == wanted else f"wanted {wanted}got    {text}"


def check_refused(compiler, source):
    folder = pathlib.Path(tempfile.mkdtemp(dir=compiler.work))
    done = run([compiler.idlc, "--client", folder / "out.h", "--json", folder / "out.json", source.name],
               cwd=source.parent)
    if done.returncode != 1 or done.stdout:
        return f"exit status {done.returncode}\n{done.stdout}"
    if list(folder.iterdir()):
        return "an output was written in spite of errors"
    expected = source.with_suffix(".expected")
    wanted = expected.read_text() if expected.exists() else "(no .expected file)\n"
    return None if done.stderr == wanted else f"wanted:\n{wanted}got:\n{done.stderr}"


def check_usage(compiler, arguments, status, text):
    done = run([compiler.idlc, *arguments], cwd=compiler.tree / "tests/idlc/good")
    output = done.stdout + done.stderr
    return None if done.returncode == status and text in output else f"exit status {done.returncode}\n{output}"


def check_cost(compiler, expected):
    done = run([compiler.idlc, "cost", expected.with_suffix(".idl")])
    return None if done.stdout == expected.read_text() else f"wanted:\n{expected.read_text()}got:\n{done.stdout}"


def check_fmt(compiler):
    """The command writes to its input, but not where that is wrong."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=compiler.work))
    source, wrong = folder / "blobs.idl", folder / "syntax.idl"
    formatted = (compiler.tree / "tests/idlc/good/blobs.idl").read_text()
    source.write_text(formatted.replace(";\n", " ;\n\n").replace("  ", "\t"))
    wrong.write_text("library a; struct A { a u32; }")
    done = run([compiler.idlc, "fmt", source])
    if done.returncode or source.read_text() != formatted:
        return f"{say(done)}\n{source.read_text()}"
    done = run([compiler.idlc, "fmt", wrong])
    return None if done.returncode == 1 and wrong.read_text().startswith("library a; struct") else "changed it"


def check_fmt_long(compiler):
    """What is longer than a line stands in one of its own, however long it is."""
    source = pathlib.Path(tempfile.mkdtemp(dir=compiler.work)) / "long.idl"
    head, name = "library long;\n\n@id(0x7001) interface I {\n  /// Long.\n  f @1 (", 30 * "long"
    source.write_text(f"{head}a: u8, {name}: u32, b: u8);\n}}\n")
    done = run([compiler.idlc, "fmt", source])
    wanted = f"{head}a: u8,\n      {name}: u32,\n      b: u8);\n}}\n"
    return None if done.returncode == 0 and source.read_text() == wanted else f"{say(done)}\n{source.read_text()}"


def check_fuzz(compiler):
    """The command is a tool beside the compiler, which it runs."""
    source, made = compiler.tree / "tests/idlc/good/blobs.idl", compiler.work / "fuzz_blobs.c"
    done = run([compiler.idlc, "fuzz", "--target", made, source])
    return None if done.returncode == 0 and "LLVMFuzzerTestOneInput" in made.read_text() else say(done)


def check_manual(compiler):
    """The manual page has every option and command of --help, and no other."""
    page = (compiler.tree / "idlc/idlc.1").read_text().replace("\\-", "-")
    usage = run([compiler.idlc, "--help"]).stdout
    missing = [name for name in re.findall(r"^  (\S+) ", usage, re.MULTILINE)
               if not re.search(rf"^\.BI? {name}\b", page, re.MULTILINE)]
    described = re.findall(r"^\.BI? (\S+)", page[page.index(".SH COMMANDS"):page.index(".SH EXIT STATUS")], re.MULTILINE)
    gone = [name for name in described if not re.search(rf"^  {name}\b", usage, re.MULTILINE)]
    shown = set(re.search(r"idlc (\S+\|\S+) ", usage)[1].split("|")) | {"compat", "trace"}
    commands = set(re.findall(r"^  ([a-z]+) ", usage, re.MULTILINE))
    if missing or len(commands) < 8 or shown != commands:
        return f"not in idlc.1: {missing}; commands of the first lines {shown}, and {commands}"
    return f"in idlc.1, but not in --help: {gone}" if gone or len(described) < 20 else None


def check_special_output(compiler):
    """What is no regular file is written through: a rename would put a file in the place of /dev/stdout."""
    pipe = pathlib.Path(tempfile.mkdtemp(dir=compiler.work)) / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = run([compiler.idlc, "--json", pipe, compiler.tree / "tests/idlc/good/empty.idl"])
        if done.returncode != 0 or not pipe.is_fifo():
            return f"the pipe was replaced, or: {say(done)}"
        return None if os.read(reader, 1) == b"{" else "nothing came through the pipe"
    finally:
        os.close(reader)


USAGE = (
    (["--help"], 0, "usage: idlc"),
    (["--checks"], 0, "layout: needs constants, types, struct_cycles"),
    ([], 2, "no input file"),
    (["--clinet", "x", "empty.idl"], 2, "unknown option --clinet"),
    (["empty.idl", "--client"], 2, "missing behind --client"),
    (["--json", "a", "--json", "b", "empty.idl"], 2, "given twice: --json"),
    (["empty.idl", "words.idl"], 2, "more than one input file: words.idl"),
    (["none.idl"], 1, "cannot read none.idl: No such file"),
    (["."], 1, "cannot read .: Is a directory"),
    (["--client", "/no/such/folder/x.h", "empty.idl"], 1, "cannot write /no/such/folder/x.h: No such file"),
    (["-I", "."], 2, "no input file"),
    (["lint", "../bad/operations.idl"], 1, "error: operation 'undocumented' has no doc comment"),
    (["lint", "scalars.idl"], 0, ""),
    (["json", "empty.idl"], 0, "{"),
    (["cost"], 2, "no input file"),
    (["cost", "--cost", "-", "empty.idl"], 2, "given twice: --cost"),
    (["compat", "empty.idl"], 2, "compat needs two files"),
    (["compat", "empty.idl", "empty.idl", "words.idl"], 2, "more than one input file: words.idl"),
    (["compat", "empty.idl", "none.idl"], 1, "cannot read none.idl: No such file"),
    (["compat", "none.idl", "empty.idl"], 1, "cannot read none.idl: No such file"),
    (["compat", "empty.idl", "../bad/syntax.idl"], 1, "[syntax]"),
    (["cots", "empty.idl"], 2, "more than one input file: empty.idl"),
    (["--strict", "../bad/operations.idl"], 1, "error: operation 'undocumented' has no doc comment"),
)


def add_checks(tests, compiler):
    good = sorted((compiler.tree / "tests/idlc/good").glob("*.idl"))
    kernel = sorted((compiler.tree / "idl/kernel").glob("*.idl"))
    for source in good + kernel:
        # Headers must be there before anything is compiled: this runs now, the rest later.
        wrong = check_accepted(compiler, source)
        tests.add(f"{source.stem}: accepted without a word", lambda wrong=wrong: wrong)
        if wrong:
            continue
        tests.add(f"{source.stem}: formatting", check_format, compiler, source)
        for command in ("gcc", "clang"):
            tests.add(f"{source.stem}: programs, {command}", check_program, compiler, command, source.stem)
            tests.add(f"{source.stem}: clients in C++, {command}", check_cxx, compiler, command, source.stem)
            tests.add(f"{source.stem}: kernel, {command}", check_kernel, compiler, command, source.stem)
    for command in ("gcc", "clang"):
        tests.add(f"a missing handler does not compile, {command}", check_missing_handler, compiler, command)
        tests.add(f"handles have types, {command}", check_wrong_handle, compiler, command)
        tests.add(f"strings need buffers, {command}", check_without_buffers, compiler, command)
        tests.add(f"results must be used, {command}", check_ignored_result, compiler, command)
    tests.add("comments.idl is in its one form", check_formatted_as_is, compiler,
              compiler.tree / "tests/idlc/good/comments.idl")
    tests.add("depfile names all that was read", check_depfile, compiler)
    for expected in sorted((compiler.tree / "tests/idlc/good").glob("*.cost")):
        tests.add(f"{expected.stem}: the cost of its operations", check_cost, compiler, expected)
    tests.add("fmt formats the file itself", check_fmt, compiler)
    tests.add("fuzz makes a target", check_fuzz, compiler)
    tests.add("fmt breaks lines where names are longer than a line", check_fmt_long, compiler)
    tests.add("the manual page is complete", check_manual, compiler)
    tests.add("a pipe is written through", check_special_output, compiler)
    for source in sorted((compiler.tree / "tests/idlc/bad").glob("*.idl")):
        tests.add(f"{source.stem}: refused as expected", check_refused, compiler, source)
    for arguments, status, text in USAGE:
        tests.add(f"idlc {' '.join(arguments)}: '{text}'", check_usage, compiler, arguments, status, text)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as work:
        tests = Tests()
        add_checks(tests, Compiler(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), work))
        return tests.run()


if __name__ == "__main__":
    sys.exit(main())
