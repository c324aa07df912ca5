# SPDX-License-Identifier: BSD-2-Clause
"""Builds a server set: a folder with `set.manifest`, `*.idl` and sources becomes one boot archive.

Every `*.idl` of the folder gives `idl/NAME.h` and `idl/NAME_server.h`. Every program that the manifest names and whose
sources lie in the folder (`NAME.c`, `NAME.S`, or `NAME/*.c` and `NAME/*.S`) is built: a `salto` program against lib and
musl at an address of its own, a `plain` one (kind linux) by a musl compilation with nothing of ours. `NAME.options`, if
it is there, holds more options of the compiler for program NAME; the word `static-pie` makes a plain program a
static-pie. `NAME.sources` names more sources of program NAME, or all of them, relative to the folder; `NAME.libraries`
static libraries that it links, by their paths. A program without sources in the folder is built from servers/NAME, if
that is there. A program that the manifest links into another (`over local`) is compiled as any other is; then the
objects of each of the two become one, of which nothing is seen from outside but its main(), and these are linked into
one image, with a main() of the build's own (docs/transports.md). A script `generate.py` in the folder makes more
headers: it is given the folder for them, idlc, and the folders of interface files, and can list there what it has read,
in `generate.d`. The archive holds root, the Linux-call handler, the manifest and the programs, in that order.
"""
import concurrent.futures
import dataclasses
import glob
import json
import os
import re
import subprocess

from salto import archive
from salto.toolchain import SALTO_FLAGS, Toolchain

MANIFEST = "set.manifest"
# Non-PIE programs must lie in the low 2 GiB. Below the first stays room for root and for plain programs (0x400000).
FIRST_TEXT_ADDRESS = 0x10000000
TEXT_STRIDE = 0x1000000
LAST_TEXT_ADDRESS = 0x7f000000


class SetError(Exception):
    """A set that cannot be built; the text says what is wrong and where."""


@dataclasses.dataclass
class Member:
    """A program that is linked into the image of another."""
    name: str
    file: str
    image: str  # file of that other
    number: int
    stack: int
    arguments: list

    def declarations(self):
        """C: what its objects call in place of lib's functions, and how it is started."""
        words = ", ".join(text_literal(word) for word in [self.name.encode(), *self.arguments])
        return (f"int salto_main_{self.number}(int count, char **arguments, char **environment);\n"
                f"uint32_t salto_grant_{self.number}(const char *name);\n"
                f"uint32_t salto_require_{self.number}(const char *name);\n"
                f"uint32_t salto_grant_{self.number}(const char *name)\n"
                f"{{\n    return salto_grant_of({self.number}, name);\n}}\n"
                f"uint32_t salto_require_{self.number}(const char *name)\n"
                f"{{\n    return salto_require_of({self.number}, name);\n}}\n"
                f"static char *arguments_{self.number}[] = {{{words}, NULL}};\n")

    def row(self):
        return f"    {{salto_main_{self.number}, arguments_{self.number}, {self.number}, {self.stack}}},\n"


def text_literal(text):
    """A C string of these bytes."""
    return '"' + "".join(f"\\{byte:03o}" for byte in text) + '"'


IMAGE_SOURCE = """/* Starts the programs of one image. */
#include <salto/local.h>
#include <salto/startup.h>
int salto_main_0(int count, char **arguments, char **environment);
{declarations}static const struct salto_member members[] = {{
{rows}}};
int main(int count, char **arguments, char **environment)
{{
    for (unsigned i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        salto_member_start(&members[i]);
    return salto_main_0(count, arguments, environment);
}}
"""


class Set:
    """One build of the set in `folder`, with intermediate files in `work` and the tools that `config` names."""

    def __init__(self, folder, work, config):
        self.folder = os.path.abspath(folder)
        self.work = os.path.abspath(work)
        self.config = config
        self.tools = Toolchain(config["compiler"], config["kind"])
        self.dependencies = {os.path.join(self.folder, MANIFEST), self.folder}
        self.members = []

    def build(self, output):
        """Builds everything and writes the archive."""
        if not os.path.isfile(os.path.join(self.folder, MANIFEST)):
            raise SetError(f"{self.folder}: no {MANIFEST} there, so this is not a server set")
        os.makedirs(os.path.join(self.work, "include", "idl"), exist_ok=True)
        programs = self.programs()
        self.generate_stubs()
        self.generate_headers()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            images = list(pool.map(self.program, range(len(programs)), programs))
        self.write_archive(output, programs, images)

    def programs(self):
        """(file, kind) of each program file that the manifest names, each once, in its order."""
        manifest = os.path.join(self.folder, MANIFEST)
        lines = self.run([self.config["manifest_check"], manifest]).splitlines()
        found = {}
        for line in lines:
            words = line.split()
            if len(words) == 6 and words[0] == "program":
                found.setdefault(words[3], words[5])
            elif words[0] == "member":
                self.members.append(Member(words[1], words[3], words[5], int(words[7]), int(words[9]), []))
            elif words[0] == "argument":
                self.members[-1].arguments.append(bytes.fromhex("".join(words[2:])))
        if not found:
            raise SetError(f"{manifest}: names no program")
        return list(found.items())

    def generate_stubs(self):
        """Runs idlc on every interface file of the folder."""
        for source in sorted(glob.glob(os.path.join(glob.escape(self.folder), "*.idl"))):
            name = os.path.splitext(os.path.basename(source))[0]
            base = os.path.join(self.work, "include", "idl", name)
            depfile = f"{base}.d"
            includes = [word for folder in self.config["idl"] for word in ("-I", folder)]
            self.run([self.config["idlc"], "--client", f"{base}.h", "--server", f"{base}_server.h",
                      "--depfile", depfile, "-I", self.folder, *includes, source])
            self.dependencies.add(source)
            self.read_depfile(depfile)

    def generate_headers(self):
        """Runs the folder's own generator, if it has one."""
        script = os.path.join(self.folder, "generate.py")
        if os.path.isfile(script):
            self.dependencies.add(script)
            output = os.path.join(self.work, "include")
            self.run(["/usr/bin/python3", "-B", script, output, self.config["idlc"], *self.config["idl"]])
            depfile = os.path.join(output, "generate.d")
            if os.path.isfile(depfile):
                self.read_depfile(depfile)

    def program(self, number, program):
        """Builds one program; answers the path of its image."""
        file, kind = program
        sources = self.sources(file)
        image = os.path.join(self.work, f"{file}.elf")
        if kind == "linux":
            self.plain_program(sources, image, self.options(file))
        else:
            self.salto_program(file, FIRST_TEXT_ADDRESS + number * TEXT_STRIDE, sources, image)
        return image

    def options(self, file):
        """The words of NAME.options."""
        return self.words(f"{file}.options")

    def words(self, name):
        """The words of a file that need not be there."""
        path = os.path.join(self.folder, name)
        if not os.path.isfile(path):
            return []
        self.dependencies.add(path)
        with open(path, encoding="utf-8") as text:
            return text.read().split()

    def sources(self, file):
        base = os.path.join(self.folder, file)
        single = [path for path in (f"{base}.c", f"{base}.S") if os.path.isfile(path)]
        shared = [os.path.normpath(os.path.join(self.folder, name)) for name in self.words(f"{file}.sources")]
        several = self.sources_in(base)
        if not single and not several and not shared:
            base = os.path.join(self.config["servers"], file)
            several = self.sources_in(base) if file != "root" else []
        if not single and not several and not shared:
            raise SetError(f"{self.folder}/{MANIFEST}: program file '{file}' has no source: "
                           f"neither {file}.c nor {file}.S nor a folder {file}/ with sources is there")
        if os.path.isdir(base):
            self.dependencies.add(base)
        return sorted(single + several + shared)

    def sources_in(self, folder):
        return [path for pattern in ("*.c", "*.S") for path in glob.glob(os.path.join(glob.escape(folder), pattern))]

    def plain_program(self, sources, image, options):
        if len(sources) != 1:
            raise SetError(f"{self.folder}: the plain program '{os.path.basename(image)[:-4]}' must be one source file")
        self.dependencies.update(sources)
        if "static-pie" in options:
            rest = [word for word in options if word != "static-pie"]
            self.run(self.tools.plain_static_pie(sources[0], image, rest))
        else:
            self.run(self.tools.plain(sources[0], image, options))

    def salto_program(self, file, address, sources, image):
        if address > LAST_TEXT_ADDRESS:
            raise SetError(f"{self.folder}/{MANIFEST}: too many programs for an address of its own each")
        options, libraries = self.options(file), self.words(f"{file}.libraries")
        objects = self.objects(file, sources, options)
        members = sorted((member for member in self.members if member.image == file), key=lambda member: member.number)
        if members:
            objects = [self.combined(file, 0, objects), self.image_start(file, members)]
            for member in members:
                own = self.objects(member.file, self.sources(member.file), self.options(member.file))
                objects.append(self.combined(member.file, member.number, own))
                libraries += self.words(f"{member.file}.libraries")
        self.dependencies.update(libraries)
        self.run([*self.config["compiler"], *self.tools.link_head(), f"-Wl,-Ttext-segment={address:#x}",
                  *options, *objects, *libraries, self.config["library"], *self.tools.link_tail(), "-o", image])

    def objects(self, file, sources, options):
        """Compiles the sources of a program: the same objects, whatever it is linked into."""
        return [self.compiled(source, os.path.relpath(source, self.folder).replace(os.sep, "__"), file, options)
                for source in sources]

    def compiled(self, source, stem, file, options):
        target, depfile = os.path.join(self.work, f"{stem}.o"), os.path.join(self.work, f"{stem}.d")
        self.run([*self.config["compiler"], *self.tools.compile_flags(), *SALTO_FLAGS, *self.tools.warnings(),
                  *self.includes(file), *options, "-MD", "-MF", depfile, "-c", source, "-o", target])
        self.read_depfile(depfile)
        return target

    def combined(self, file, number, objects):
        """One object of a program's, which shows others nothing but its main(), called salto_main_NUMBER; what it is
        granted is looked up among its own."""
        whole, hidden = (os.path.join(self.work, f"{file}.{number}.{kind}.o") for kind in ("whole", "member"))
        names = {"main": f"salto_main_{number}"}
        if number:
            names.update({name: f"{name}_{number}" for name in ("salto_grant", "salto_require")})
        self.run(["ld", "-r", "-o", whole, *objects])
        self.run(["objcopy", *(f"--redefine-sym={old}={new}" for old, new in names.items()),
                  f"--keep-global-symbol=salto_main_{number}", whole, hidden])
        return hidden

    def image_start(self, file, members):
        source = os.path.join(self.work, f"{file}.image.c")
        with open(source, "w", encoding="utf-8") as text:
            text.write(IMAGE_SOURCE.format(declarations="".join(member.declarations() for member in members),
                                           rows="".join(member.row() for member in members)))
        return self.compiled(source, f"{file}.image", file, [])

    def includes(self, file):
        own = [os.path.join(self.work, "include"), self.folder, os.path.join(self.folder, file),
               os.path.join(self.config["servers"], file), self.config["parsers"]]
        return [f"-I{folder}" for folder in own + self.config["include"]]

    def write_archive(self, output, programs, images):
        """The archive gets programs without debugging information; the symbol table stays, for messages."""
        members = [("root", self.stripped(self.config["root"])), ("linux", self.stripped(self.config["linux"]))]
        with open(os.path.join(self.folder, MANIFEST), "rb") as manifest:
            members.append((MANIFEST, manifest.read()))
        members += [(file, self.stripped(image)) for (file, _), image in zip(programs, images)]
        archive.write(output, members)
        symbols = [{"name": "root", "path": self.config["root"]}, {"name": "linux", "path": self.config["linux"]}]
        symbols += [{"name": file, "path": image, "plain": kind == "linux", "pie": "static-pie" in self.options(file)}
                    for (file, kind), image in zip(programs, images)]
        with open(os.path.join(self.work, "programs.json"), "w", encoding="utf-8") as file:
            json.dump(symbols, file, indent=1)

    def stripped(self, image):
        small = os.path.join(self.work, f"{os.path.basename(image)}.stripped")
        self.run(["objcopy", "--strip-debug", image, small])
        with open(small, "rb") as file:
            return file.read()

    def run(self, command):
        """Runs a tool; a failure is a SetError with the tool's own message."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise SetError(f"cannot run {command[0]}: {error.strerror}") from error
        if done.returncode != 0:
            raise SetError((done.stderr or done.stdout).strip() or f"{command[0]} failed with {done.returncode}")
        return done.stdout

    def read_depfile(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("\\\n", " ")
        for line in text.splitlines():
            _, _, prerequisites = line.partition(": ")
            for name in re.split(r"(?<!\\)\s+", prerequisites.strip()):
                if name:
                    self.dependencies.add(os.path.abspath(name.replace("\\ ", " ")))

    def write_depfile(self, path, output):
        # Files below `work` are made by this build itself; ninja must not wait for them.
        names = sorted(name for name in self.dependencies if not name.startswith(self.work + os.sep))
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{output}: " + " \\\n ".join(name.replace(" ", "\\ ") for name in names) + "\n")


def load_config(build):
    """What meson wrote about the tools of the build folder `build`."""
    with open(os.path.join(build, "sets.json"), encoding="utf-8") as file:
        return json.load(file)
