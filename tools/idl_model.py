# SPDX-License-Identifier: BSD-2-Clause
"""What generators need to know of an interface file: `idlc json` of it, with names resolved (docs/idl-tools.md).

Reading this needs no parser of the language; whatever idlc refuses is refused with its words.
"""
import json
import os
import subprocess

CROSSING_KINDS = ("capability", "pages")


class GeneratorError(Exception):
    """Nothing can be generated, for this reason."""


def read_json(idlc, source, folders=()):
    """What idlc says about the file."""
    command = [idlc, "json", *(word for folder in folders for word in ("-I", folder)), source]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise GeneratorError(f"cannot run {idlc}: {error.strerror}") from None
    if done.returncode:
        raise GeneratorError(done.stderr.rstrip() or f"idlc failed with status {done.returncode}")
    program = json.loads(done.stdout)
    if program.get("format") != 1:
        raise GeneratorError(f"format {program.get('format')} of idlc's JSON is not known here")
    return program


def write_whole(path, text):
    """Nothing half-written is left behind."""
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        if os.path.exists(beside):
            os.unlink(beside)
        raise GeneratorError(f"cannot write {path}: {error.strerror}") from None


class Model:
    """A program: its declarations by name, and what the operations of the file itself need."""

    def __init__(self, program):
        self.program = program
        self.declarations = {declaration["name"]: declaration for declaration in program["declarations"]}
        self.library = program["files"][0]["library"]

    def own(self, *kinds):
        """The declarations of the file itself."""
        return [declaration for declaration in self.program["declarations"]
                if declaration["file"] == 0 and declaration["kind"] in kinds]

    def interfaces(self):
        """The file's interfaces that programs serve, bases before what is based on them, even those of other files."""
        found = []

        def add(interface):
            if interface.get("base"):
                add(self.declarations[interface["base"]])
            if interface not in found:
                found.append(interface)

        for interface in self.own("interface"):
            if not interface["kernel"]:
                add(interface)
        return found

    def all_operations(self, interface):
        """Those of its bases too, theirs first."""
        base = interface.get("base")
        return (self.all_operations(self.declarations[base]) if base else []) + interface["operations"]

    def kind_of(self, type_):
        """The kind of a type, where JSON says struct for all that are structs in C."""
        return self.declarations[type_["name"]]["kind"] if type_["kind"] == "struct" else type_["kind"]

    def inner(self, type_):
        """The types of which values of this one are made."""
        if "of" in type_:
            return [type_["of"]]
        if self.kind_of(type_) in ("struct", "union", "table", "optional", "sequence") and "name" in type_:
            return [member["type"] for member in self.declarations[type_["name"]]["members"]]
        return []

    def needed(self, types):
        """The declarations of all named types in there, each behind those that it is made of."""
        found = {}

        def add(type_):
            if type_["kind"] in CROSSING_KINDS:
                return
            for inner in self.inner(type_):
                add(inner)
            if "name" in type_:
                found.setdefault(type_["name"], self.declarations[type_["name"]])

        for type_ in types:
            add(type_)
        return list(found.values())

    @staticmethod
    def inputs(operation):
        return operation["request"]["parameters"]

    @staticmethod
    def outputs(operation):
        return operation.get("reply", {}).get("parameters", [])

    def parameters(self, operation):
        return [*self.inputs(operation), *self.outputs(operation)]

    def crossing(self, operation):
        """The number of the first parameter that cannot cross a stream, from 1 on; 0 if there is none."""
        for number, parameter in enumerate(self.parameters(operation), 1):
            if parameter["type"]["kind"] in CROSSING_KINDS:
                return number
        return 0

    def element(self, type_):
        """Type and most elements of a sequence, as a parameter or inside of another type."""
        if "of" in type_:
            return type_["of"], type_["length"] // self.size(type_["of"])
        items = self.declarations[type_["name"]]["members"][1]["type"]
        return items["of"], items["length"]

    def rows(self, declaration):
        """Members that are looked at."""
        return [member for member in declaration["members"] if not member.get("retired")]

    @staticmethod
    def size(type_):
        """How many bytes a value takes in C."""
        return type_["size"]

    def most_bytes(self, type_):
        """The longest encoding of a value, as docs/stream-encoding.md has it."""
        kind = self.kind_of(type_)
        if kind in ("bytes", "string"):
            return 4 + type_["length"]
        if kind == "sequence":
            element, count = self.element(type_)
            return 4 + count * self.most_bytes(element)
        if kind == "array":
            return type_["length"] * self.most_bytes(type_["of"])
        if kind in ("struct", "union", "table", "optional"):
            return self._most_of_members(kind, self.declarations[type_["name"]])
        return type_["size"]

    def _most_of_members(self, kind, declaration):
        if kind == "table":
            return 8 * declaration["size"]
        sizes = [self.most_bytes(member["type"]) for member in declaration["members"]]
        return 4 + max(sizes) if kind == "union" else sum(sizes)
