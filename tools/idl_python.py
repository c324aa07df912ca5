#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes a Python 3 module of an interface file: its types, and a client and a server class of each interface, over the
stream transport (docs/idl-tools.md, docs/stream-encoding.md).

The module imports salto_stream and salto_codecs of this folder, and nothing else but what Python has. What it defines
is named as in the file; names of other libraries begin with the library's, a name that Python has taken has a _ behind
it, and one that begins with a _ has "idl" before it.
"""
import argparse
import builtins
import keyword
import pathlib
import sys

import idl_model

WIDTH = 120
# What a module's names must not hide: builtins, and behind a _ what it imports.
TAKEN = {name for name in dir(builtins) if not name.startswith("_")} | {
    "abc", "codecs", "dataclasses", "enum", "stream", "typing"}
SCALARS = {"bool": "bool", "float": "float", "integer": "int"}


def attribute(name, taken=()):
    """A name that Python has not taken, nor is one of `taken`. Those that begin with a _ are the runtime library's."""
    name = f"idl{name}" if name.startswith("_") else name
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    return name


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def doc_lines(text, indent):
    """A doc comment as lines of a docstring."""
    text = text.replace("\\", "\\\\").replace('"', '\\"') if '"""' in text or text.endswith('"') else text.replace(
        "\\", "\\\\")
    lines = text.split("\n")
    if len(lines) == 1 and len(text) + indent < WIDTH - 6:
        return [f'{" " * indent}"""{text}"""']
    return [f'{" " * indent}{line}'.rstrip() for line in (f'"""{lines[0]}', *lines[1:], '"""')]


class Module:
    """The text of one module, as it grows."""

    def __init__(self, program):
        self.model, self.lines, self.names, self.module_names = idl_model.Model(program), [], {}, set(TAKEN)

    def put(self, *lines):
        self.lines += lines

    def unique(self, name):
        """A name of the module that nothing else has."""
        name = attribute(name, self.module_names)
        self.module_names.add(name)
        return name

    def name_all(self, declarations):
        """Declarations of the file itself first: they get their own names."""
        own = f"{self.model.library}."
        names = [declaration["name"] for declaration in declarations]
        for name in sorted(names, key=lambda name: not name.startswith(own)):
            short = name.removeprefix(own)
            self.names[name] = self.unique(short.replace(".", "_"))

    # ---- Types -------------------------------------------------------------------------------------------------------

    def annotation(self, type_):
        kind = self.model.kind_of(type_)
        if kind in ("array", "sequence"):
            of = type_["of"] if kind == "array" else self.model.element(type_)[0]
            return "bytes" if self.is_byte(of) else f"list[{self.annotation(of)}]"
        if kind == "optional":
            return f"{self.annotation(self.value_of(type_))} | None"
        if kind in idl_model.CROSSING_KINDS:
            return "object"
        if kind in ("bytes", "string"):
            return {"bytes": "bytes", "string": "str"}[kind]
        return SCALARS.get(kind) or self.names[type_["name"]]

    def codec(self, type_):
        kind = self.model.kind_of(type_)
        if kind in ("integer", "float"):
            letter = "F" if kind == "float" else "I" if type_["signed"] else "U"
            return f"_codecs.{letter}{type_['bits']}"
        if kind == "bool":
            return "_codecs.BOOL"
        if kind in ("bytes", "string"):
            return f"_codecs.{kind.title()}({type_['length']})"
        if kind == "array":
            return f"_codecs.Array({self.codec(type_['of'])}, {type_['length']})"
        if kind == "sequence":
            element, count = self.model.element(type_)
            return f"_codecs.Sequence({self.codec(element)}, {count})"
        if kind == "optional":
            return f"_codecs.Optional({self.codec(self.value_of(type_))})"
        return f"_{self.names[type_['name']]}"

    @staticmethod
    def is_byte(type_):
        return type_["kind"] == "integer" and type_["bits"] == 8 and not type_["signed"]

    def value_of(self, type_):
        """What an optional is of."""
        value = self.model.declarations[type_["name"]]["members"][1]["type"]
        if self.model.kind_of(value) == "optional":
            raise idl_model.GeneratorError(f"{type_['name']}: an optional of an optional has no form in Python")
        return value

    def put_doc(self, declaration, indent, otherwise):
        self.put(*doc_lines(declaration.get("doc", otherwise), indent))

    def put_declaration(self, declaration):
        put = {"enum": self.put_enum, "flags": self.put_enum, "struct": self.put_struct, "union": self.put_union,
               "table": self.put_table}.get(declaration["kind"])
        if put:
            self.put("", "")
            put(declaration, self.names[declaration["name"]])

    def put_commented(self, line, member):
        """A line with the first one of the doc comment behind it."""
        doc = member.get("doc", "").split("\n")[0]
        self.put(f"{line}  # {doc}"[:WIDTH] if doc else line)

    def put_members(self, declaration, indent):
        for member in declaration["members"]:
            self.put_commented(f"{' ' * indent}{attribute(member['name'].upper())} = {member['value']}", member)

    def put_enum(self, declaration, name):
        is_enum = declaration["kind"] == "enum"
        self.put(f"class {name}({'_enum.IntEnum' if is_enum else '_enum.IntFlag'}):")
        self.put_doc(declaration, 4, f"{declaration['name']}.")
        self.put_members(declaration, 4)
        integer = f"_codecs.{'I' if declaration['signed'] else 'U'}{declaration['bits']}"
        self.put("", "")
        self.put(f"_{name} = _codecs.Enum({name}, {integer}, {declaration['open']})" if is_enum else
                 f"_{name} = _codecs.Flags({name}, {integer})")

    def put_fields(self, declaration, row):
        for member in self.model.rows(declaration):
            self.put_commented(f"    {attribute(member['name'])}: {self.annotation(member['type'])}{row}", member)

    def put_struct(self, declaration, name):
        self.put("@_dataclasses.dataclass", f"class {name}:")
        self.put_doc(declaration, 4, f"{declaration['name']}.")
        self.put_fields(declaration, "")
        self.put("", "", f"_{name} = _codecs.Struct({name}")
        for member in declaration["members"]:
            self.put_more(f"(\"{attribute(member['name'])}\", {self.codec(member['type'])})")
        self.close()

    def put_table(self, declaration, name):
        self.put("@_dataclasses.dataclass", f"class {name}:")
        self.put_doc(declaration, 4, f"{declaration['name']}: rows that are not there are None.")
        self.put_fields(declaration, " | None = None")
        self.put("", "", f"_{name} = _codecs.Table({name}, {declaration['size']}")
        for member in self.model.rows(declaration):
            self.put_more(f"({member['number']}, \"{attribute(member['name'])}\", {self.codec(member['type'])})")
        self.close()

    def put_union(self, declaration, name):
        """A class with tag and value, and a method a member that makes one."""
        members = self.model.rows(declaration)
        self.put("@_dataclasses.dataclass", f"class {name}:")
        self.put_doc(declaration, 4, f"{declaration['name']}.")
        self.put("", "    class Tag(_enum.IntEnum):", '        """Which of them it is."""')
        self.put(*[f"        {attribute(member['name'].upper())} = {member['number']}" for member in members])
        annotations = dict.fromkeys(self.annotation(member["type"]) for member in members)
        self.put("", "    tag: Tag", f"    value: {' | '.join(annotations)}")
        for member in members:
            method = attribute(member["name"], ("tag", "value", "Tag", "classmethod"))
            self.put("", "    @classmethod",
                     f"    def {method}(cls, value: {self.annotation(member['type'])}) -> {name}:")
            self.put_doc(member, 8, f"The member {member['name']}.")
            self.put(f"        return cls(cls.Tag.{attribute(member['name'].upper())}, value)")
        self.put("", "", f"_{name} = _codecs.Union({name}")
        for member in members:
            self.put_more(f"({name}.Tag.{attribute(member['name'].upper())}, {self.codec(member['type'])})")
        self.close()

    def put_more(self, text, indent=4):
        """One argument more of the call in the last line."""
        if len(self.lines[-1]) + len(text) + 4 > WIDTH:
            self.lines[-1] += ","
            self.put(f"{' ' * indent}{text}")
        else:
            self.lines[-1] += f", {text}"

    def close(self):
        self.lines[-1] += ")"

    def put_errors(self, declaration):
        name = self.names[declaration["name"]]
        self.put("", "", f"class {name}(_stream.DeclaredError):")
        self.put_doc(declaration, 4, f"{declaration['name']}: {name}({name}.Code....)")
        self.put("", "    class Code(_enum.IntEnum):", '        """What it can be."""')
        self.put_members(declaration, 8)
        self.put("", "    TEXTS = {")
        for member in declaration["members"]:
            text = member.get("doc", member["name"]).splitlines()[0]
            self.put(f"        {member['value']}: {text!r},")
        self.put("    }")

    # ---- Interfaces --------------------------------------------------------------------------------------------------

    def put_interface(self, interface):
        own = self.names[interface["name"]]
        for operation in interface["operations"]:
            self.put_result_class(operation, own)
        self.put("", "", f"_{own} = {{")
        for operation in interface["operations"]:
            self.put_operation(operation)
        self.put("}")
        base = self.names[interface["base"]] if interface.get("base") else ""
        inherited = f"*{base}Client._OPERATIONS, " if base else ""
        for kind, otherwise in (("Client", "_stream.Client"), ("Server", "_stream.Server, _abc.ABC")):
            self.put("", "", f"class {own}{kind}({base + kind if base else otherwise}):")
            self.put_doc(interface, 4, f"{interface['name']}.")
            self.put(f"    _OPERATIONS = ({inherited}*_{own}.values(),)")
            for operation in interface["operations"]:
                self.put_client_method(operation, own) if kind == "Client" else self.put_handler(operation)

    def put_result_class(self, operation, own):
        outputs = self.model.outputs(operation)
        if len(outputs) < 2 or self.model.crossing(operation):
            return
        name = self.names[operation["c_name"], "result"] = self.unique(f"{own}{camel(operation['name'])}Result")
        self.put("", "", f"class {name}(_typing.NamedTuple):",
                 f'    """What {own}Client.{operation["name"]}() returns."""')
        self.put(*[f"    {attribute(output['name'])}: {self.annotation(output['type'])}" for output in outputs])

    def put_operation(self, operation):
        """What client and server know of it: an entry of the table."""
        crossing = self.model.crossing(operation)
        self.put(f"    \"{operation['name']}\": _stream.Operation(\"{operation['name']}\"")
        more = [f"\"{attribute(operation['name'])}\"", f"{operation['label']:#010x}"]
        if crossing:
            names = ", ".join(f"\"{parameter['name']}\"" for parameter in self.model.parameters(operation))
            more += [f"crossing={crossing}", f"parameters=[{names}]"]
        else:
            more += self.pairs("inputs", self.model.inputs(operation))
            more += self.pairs("outputs", self.model.outputs(operation))
        more += ["oneway=True"] if operation["kind"] != "call" else []
        more += [f"raises={self.names[operation['raises']]}"] if operation.get("raises") else []
        more += [f"timeout={operation['timeout_ns'] / 1e9}"] if operation.get("timeout_ns") else []
        for text in more:
            self.put_more(text, 8)
        self.lines[-1] += "),"

    def pairs(self, argument, parameters):
        """Names and codecs of the parameters, as pieces of an argument of that name."""
        pieces = [f"(\"{parameter['name']}\", {self.codec(parameter['type'])})" for parameter in parameters]
        if pieces:
            pieces[0] = f"{argument}=[{pieces[0]}"
            pieces[-1] += "]"
        return pieces

    def result_annotation(self, operation):
        outputs = self.model.outputs(operation)
        if len(outputs) > 1:
            return self.names.get((operation["c_name"], "result"), "object")
        return self.annotation(outputs[0]["type"]) if outputs else "None"

    def arguments(self, operation):
        """Names of the inputs, as Python has them, and the list of parameters with their types."""
        names = [attribute(parameter["name"], ("self",)) for parameter in self.model.inputs(operation)]
        typed = [f"{name}: {self.annotation(parameter['type'])}"
                 for name, parameter in zip(names, self.model.inputs(operation))]
        return names, ["self", *typed]

    def limits(self, operation, taken):
        """Keyword arguments that say how much is taken of long results: output's name, argument's, and the most."""
        if self.model.crossing(operation):
            return []
        found = []
        for output in self.model.outputs(operation):
            kind = output["type"]["kind"]
            if kind in ("bytes", "string", "sequence"):
                most = self.model.element(output["type"])[1] if kind == "sequence" else output["type"]["length"]
                found.append((output["name"], attribute(f"{output['name']}_limit", taken), most))
        return found

    def put_head(self, operation, parameters):
        """The first line of a method, broken where it is too long."""
        end = f") -> {self.result_annotation(operation)}:"
        self.put(f"    def {attribute(operation['name'])}({parameters[0]}")
        for parameter in parameters[1:]:
            if len(self.lines[-1]) + len(parameter) + len(end) + 2 > WIDTH:
                self.put_continued(parameter)
            else:
                self.lines[-1] += f", {parameter}"
        self.lines[-1] += end

    def put_continued(self, parameter):
        self.lines[-1] += ","
        self.put(f"{' ' * 12}{parameter}")

    def put_operation_doc(self, operation):
        text = operation.get("doc", f"Operation {operation['number']}.")
        if operation.get("raises"):
            text += f"\n\nRaises {self.names[operation['raises']]}.\n"
        self.put(*doc_lines(text.rstrip("\n"), 8))

    def put_client_method(self, operation, own):
        names, parameters = self.arguments(operation)
        limits = self.limits(operation, names)
        if limits:
            parameters += ["*", *(f"{argument}: int = {most}" for _, argument, most in limits)]
        self.put("")
        self.put_head(operation, parameters)
        self.put_operation_doc(operation)
        room = f", **{{{', '.join(f'{chr(34)}{name}{chr(34)}: {argument}' for name, argument, _ in limits)}}}"
        call = f"self._call(_{own}[\"{operation['name']}\"{']'}"
        call += "".join(f", {name}" for name in names) + (room if limits else "") + ")"
        outputs = self.model.outputs(operation)
        if self.model.crossing(operation) or not outputs:
            self.put(f"        {call}")
        elif len(outputs) == 1:
            self.put(f"        return {call}[0]")
        else:
            self.put(f"        return {self.names[operation['c_name'], 'result']}(*{call})")

    def put_handler(self, operation):
        if self.model.crossing(operation):
            return
        self.put("", "    @_abc.abstractmethod")
        self.put_head(operation, self.arguments(operation)[1])
        self.put_operation_doc(operation)

    # ---- The whole ---------------------------------------------------------------------------------------------------

    def text(self):
        model, file = self.model, self.model.program["files"][0]
        interfaces = model.interfaces()
        operations = [operation for interface in interfaces for operation in interface["operations"]]
        types = [parameter["type"] for operation in operations for parameter in model.parameters(operation)]
        types += [{"kind": declaration["kind"], "name": declaration["name"]} if declaration["kind"] in ("enum", "flags")
                  else {"kind": "struct", "name": declaration["name"]}
                  for declaration in model.own("enum", "flags", "struct", "union", "table")]
        needed = model.needed(types)
        raised = {operation["raises"] for operation in operations if operation.get("raises")}
        errors = [declaration for declaration in model.declarations.values() if declaration["kind"] == "errors"
                  and (declaration["file"] == 0 or declaration["name"] in raised)]
        self.name_all([*model.own("const"), *needed, *errors, *interfaces])
        for interface in interfaces:
            self.module_names |= {f"{self.names[interface['name']]}{kind}" for kind in ("Client", "Server")}
        self.put("# SPDX-License-Identifier: BSD-2-Clause",
                 f"# Made from {pathlib.Path(file['path']).name}: do not edit.")
        self.put_doc(file, 0, f"The library {file['library']}.")
        self.put("from __future__ import annotations", "", "import abc as _abc", "import dataclasses as _dataclasses",
                 "import enum as _enum", "import typing as _typing", "", "import salto_codecs as _codecs",
                 "import salto_stream as _stream", "")
        for const in model.own("const"):
            self.put(f"{self.names[const['name']]} = {const['value']}")
        for declaration in needed:
            self.put_declaration(declaration)
        for declaration in errors:
            self.put_errors(declaration)
        for interface in interfaces:
            self.put_interface(interface)
        return "\n".join(self.lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="the .idl file")
    parser.add_argument("-o", "--output", help="the module; NAME.py here where it is not said; - is standard output")
    parser.add_argument("-I", dest="folders", action="append", default=[], help="where to look for imports")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--idlc", default=str(here.parent / "build/idlc/idlc"), help="the compiler; that of ./build")
    arguments = parser.parse_args()
    try:
        text = Module(idl_model.read_json(arguments.idlc, arguments.input, arguments.folders)).text()
        if arguments.output == "-":
            sys.stdout.write(text)
        else:
            idl_model.write_whole(arguments.output or attribute(pathlib.Path(arguments.input).stem) + ".py", text)
    except idl_model.GeneratorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
