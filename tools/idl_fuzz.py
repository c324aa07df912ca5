#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes programs that attack an interface (docs/idl-tools.md): --target, a libFuzzer target of the host, which gives its
dispatcher whatever messages libFuzzer finds; --client, a program of Salto that sends a server every kind of broken message
of docs/broken-messages.md, and looks at what comes of each.
"""
import argparse
import os
import pathlib
import sys

import idl_model
import idl_stream_c
from idl_model import GeneratorError, write_whole
from idl_stream_types import Types
from salto import broken, broken_table

INDENT = "    "
HERE = pathlib.Path(__file__).resolve().parent
ITEMS = {broken.CAPABILITY: "FUZZ_CAPABILITY", broken.STRING: "FUZZ_STRING", broken.PAGE: "FUZZ_PAGES"}
TARGET = """
static struct idl_answer dispatch(uint64_t tag, const uint64_t words[MESSAGE_REGISTER_WORDS], struct idl_frame *frame)
{
DISPATCH
}

static void open_buffers(void)
{
OPEN
}

static const struct fuzz_target target = {
    requests, sizeof(requests) / sizeof(requests[0]), OURS, open_buffers, dispatch,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_message(&target, data, size);
    return 0;
}
"""
PLAIN = ("""    frame->object = NULL;
    return serve(0, words[0], words[1], tag, words[2], words[3], frame);""", "")
BUFFERED = ("""    frame->object = NULL;
    frame->buffers = &buffers;
    return serve(0, words[0], words[1], tag, words[2], words[3], (struct idl_string_frame *)frame);""",
            "    NAME_open_buffers(&buffers);")


class Checks:
    """C that looks whether a value is one of its type, made of the JSON alone: not of what idlc generates for that."""

    def __init__(self, types):
        self.types, self.model = types, types.model

    def of(self, type_, expression, what, depth=0):
        """Statements; none where every value is good."""
        kind = type_["kind"]
        if kind == "array":
            return self.of_array(type_, expression, what, depth)
        if kind == "bool":
            return [f'fuzz_check(*(const uint8_t *)&{expression} <= 1, "{what}");']
        if kind not in ("enum", "flags", "struct"):
            return []
        declaration = self.model.declarations[type_["name"]]
        if kind == "struct":
            return self.of_struct(declaration, expression, what, depth)
        return self.of_number(declaration, expression, what)

    @staticmethod
    def of_number(declaration, expression, what):
        values = sorted({member["value"] for member in declaration["members"]})
        if declaration["kind"] == "flags":
            return [f'fuzz_check(((uint64_t){expression} & ~UINT64_C({sum(values):#x})) == 0, "{what}");']
        if declaration["open"]:
            return []
        mask = (1 << declaration["bits"]) - 1
        good = " || ".join(f"((uint64_t){expression} & UINT64_C({mask:#x})) == UINT64_C({value & mask:#x})"
                           for value in values)
        return [f'fuzz_check({good}, "{what}");']

    def of_array(self, type_, expression, what, depth):
        base, count = self.types.flat(type_)
        index = f"i{depth}"
        inner = self.of(base, f"((const {self.types.name(base)} *)(const void *)({expression}))[{index}]", what, depth + 1)
        return self.loop(index, count, inner)

    @staticmethod
    def loop(index, count, inner):
        return [f"for (size_t {index} = 0; {index} < {count}; {index}++) {{", *(f"{INDENT}{line}" for line in inner),
                "}"] if inner else []

    def of_struct(self, declaration, expression, what, depth):
        members, kind = declaration["members"], declaration["kind"]
        if kind == "struct":
            return [line for member in members for line in self.of_member(member, expression, what, depth)]
        if kind == "optional":
            return [f'fuzz_check(*(const uint8_t *)&{expression}.present <= 1, "{what}");',
                    *self.guarded(f"{expression}.present", self.of(members[1]["type"], f"{expression}.value", what, depth))]
        if kind == "sequence":
            of, most = self.model.element({"kind": "struct", "name": declaration["name"]})
            index = f"i{depth}"
            inner = self.of(of, f"{expression}.items[{index}]", what, depth + 1)
            return [f'fuzz_check({expression}.count <= {most}, "{what}");',
                    *self.loop(index, f"{expression}.count", inner)]
        if kind == "table":
            return [line for row in self.model.rows(declaration) for line in self.guarded(
                f"{expression}.present >> {row['number'] - 1} & 1", self.of_member(row, expression, what, depth))]
        tags = " || ".join(f"{expression}.tag == {member['number']}" for member in self.model.rows(declaration))
        return [f'fuzz_check({tags}, "{what}");', *(line for member in self.model.rows(declaration) for line in
                self.guarded(f"{expression}.tag == {member['number']}",
                             self.of(member["type"], f"{expression}.as.{member['c_name']}",
                                     f"{what}.{member['name']}", depth)))]

    def of_member(self, member, expression, what, depth):
        return self.of(member["type"], f"{expression}.{member['c_name']}", f"{what}.{member['name']}", depth)

    @staticmethod
    def guarded(condition, inner):
        return [f"if ({condition}) {{", *(f"{INDENT}{line}" for line in inner), "}"] if inner else []


class Handler:
    """A handler that looks at everything that it is given, and answers anything."""

    def __init__(self, types, interface, operation):
        self.stream = idl_stream_c.Operation(types, interface, operation)
        self.types, self.model, self.interface, self.operation = types, types.model, interface, operation
        self.checks = Checks(types)

    def takes(self, parameter):
        """Statements for an input."""
        name, type_ = parameter["c_name"], parameter["type"]
        kind, what = type_["kind"], f"{self.operation['name']}.{parameter['name']}"
        if kind == "string":
            return [f"fuzz_read({name}.text, {name}.size);", f'fuzz_check_text({name}, {type_["length"]}, "{what}");']
        if kind == "bytes":
            return [f'fuzz_check({name}_size <= {type_["length"]}, "{what}");', f"fuzz_read({name}, {name}_size);"]
        if kind == "sequence":
            of, most = self.model.element(type_)
            inner = self.checks.of(of, f"{name}[i0]", what, 1)
            return [f'fuzz_check({name}_count <= {most}, "{what}");',
                    f"fuzz_read({name}, {name}_count * sizeof(*{name}));",
                    *self.checks.loop("i0", f"{name}_count", inner)]
        if kind in ("capability", "pages"):
            good = f"{name}->handle != 0" if kind == "capability" else f"{name}->size >= PAGE_SIZE"
            return [f'fuzz_check({good}, "{what}");']
        if kind == "array":
            base, count = self.types.flat(type_)
            return [f"fuzz_read({name}, {count} * sizeof(*{name}));", *self.checks.of(type_, name, what)]
        if kind == "struct":
            return [f"fuzz_read({name}, sizeof(*{name}));", *self.checks.of(type_, f"(*{name})", what)]
        return [f"fuzz_read(&{name}, sizeof({name}));", *self.checks.of(type_, name, what)]

    def gives(self, parameter):
        """Statements for a result; all that has a form stays clear."""
        name, type_ = parameter["c_name"], parameter["type"]
        if self.stream.is_long(type_):
            element = self.types.name(type_["of"]) if type_["kind"] == "sequence" else "uint8_t"
            return [f"fuzz_answer({name}, sizeof({element}));"]
        if type_["kind"] == "integer":
            return [f"*{name} = ({self.types.name(type_)})fuzz_next();"]
        return [f"(void){name};"]

    def signature(self):
        """As in what says that nothing is forwarded: it has every parameter of every kind."""
        head = self.stream.forward_nothing()[1]
        return head.replace(f"{self.interface['c_name']}_forward_", "check_").replace("static inline", "static")

    def lines(self):
        deferred = self.operation.get("deferred")
        body = ["(void)object, (void)call;", "fuzz_called();"]
        body += [line for parameter in self.stream.inputs for line in self.takes(parameter)]
        body += ["(void)token;"] if deferred else [
            line for parameter in self.stream.outputs for line in self.gives(parameter)]
        if self.stream.is_call:
            body += self.result()
        return ["", self.signature(), "{", *(f"{INDENT}{line}" for line in body), "}"]

    def result(self):
        raised = self.operation.get("raises")
        if not raised:
            return ["return fuzz_result(NULL, 0);"]
        values = [member["c_name"] for member in self.model.declarations[raised]["members"]]
        return [f"static const int errors[] = {{{', '.join(values)}}};", "",
                f"return fuzz_result(errors, {len(values)});"]


class Target:
    """The libFuzzer target of one interface."""

    def __init__(self, model, interfaces, interface, header):
        self.model, self.interface, self.header = model, interface, header
        self.types, self.pool, self.interfaces = Types(model), broken.Pool(), interfaces
        self.operations = model.all_operations(interface)

    def request(self, number, operation):
        """Its arrays, and its row."""
        base = broken.Base(self.interfaces, self.interface, operation, self.pool)
        words = [int.from_bytes(base.data[place:place + 8], "little") for place in range(0, len(base.data), 8)]
        items = [self.item(base.special[broken.ITEM + item]) for item in range(base.items)]
        lines = [f"static const uint64_t words_{number}[] = {{{', '.join(f'UINT64_C({word:#x})' for word in words)}}};"
                 ] if words else []
        lines += [f"static const struct fuzz_item items_{number}[] = {{{', '.join(items)}}};"] if items else []
        count = len(self.model.parameters(operation))
        row = (f'{{"{operation["name"]}", UINT64_C({base.tag():#x}), {len(words)}, {len(items)}, {count}, '
               f"{f'words_{number}' if words else 'NULL'}, {f'items_{number}' if items else 'NULL'}}},")
        return lines, row

    def item(self, cell):
        what, value = cell
        text = self.pool.texts[value] if what == broken.STRING else b""
        rights = value if what == broken.PAGE else 0
        return f"{{{ITEMS[what]}, {rights}, {len(text)}, {broken_table.literal(text)}}}"

    def text(self, handlers):
        """`handlers`: (header, prefix) of the server's own, or None for those that check."""
        made = [self.request(number, operation) for number, operation in enumerate(self.operations)]
        name = self.interface["c_name"]
        lines = ["/* SPDX-License-Identifier: BSD-2-Clause */",
                 f"/* A libFuzzer target of {self.interface['name']}. Made by tools/idl_fuzz.py: do not edit. */",
                 '#include "fuzz.h"', "", f'#include "{self.header}"']
        lines += [f'#include "{handlers[0]}"'] if handlers else [
            line for operation in self.operations for line in Handler(self.types, self.interface, operation).lines()]
        lines += ["", f"{name.upper()}_SERVER(serve, {handlers[1] if handlers else 'check'})", ""]
        lines += [line for arrays, _ in made for line in arrays]
        lines += ["static const struct fuzz_request requests[] = {", *(f"{INDENT}{row}" for _, row in made), "};"]
        lines += [f"static struct {name}_buffers buffers;"] if self.has_buffers() else []
        dispatch, opened = BUFFERED if self.has_buffers() else PLAIN
        return "\n".join(lines) + "\n" + TARGET.replace("DISPATCH", dispatch).replace("OPEN", opened).replace(
            "NAME", name).replace("OURS", "false" if handlers else "true")

    def has_buffers(self):
        """Long bytes and strings are kept in some, of the server's header."""
        return any(message.get("strings") for operation in self.operations
                   for message in (operation["request"], operation.get("reply", {})))


class Client:
    """The hostile client of one interface: tools/fuzz/hostile.c with its messages."""

    def __init__(self, model, idlc, source, folders, interface):
        self.model, self.interface, self.pool = model, interface, broken.Pool()
        kernel = sorted((HERE.parent / "idl/kernel").glob("*.idl"))  # whose objects stand in for others
        self.interfaces = broken.Interfaces(idlc, [*map(str, kernel), source], [*folders, str(HERE.parent / "idl/kernel")])
        self.interfaces.interfaces = list(self.lineage(interface))
        self.pool.add(b"")  # C has no empty arrays

    def lineage(self, interface):
        """Its bases, and itself."""
        if interface.get("base"):
            yield from self.lineage(self.model.declarations[interface["base"]])
        yield interface

    def grant_of(self, number, grant):
        """The name under which the manifest grants what has this interface id."""
        if number in [one["id"] for one in self.interfaces.interfaces]:
            return grant
        named = next(one for one in self.interfaces.declarations.values() if one.get("id") == number)
        return named["name"].removeprefix("kernel.").lower().replace(".", "_")

    def text(self, grant):
        table = broken_table.Table(broken.operations(self.interfaces, self.pool), self.pool.texts)
        types = (HERE / "fuzz/broken_table.h").read_text(encoding="utf-8").replace('#include "broken_counts.h"\n', "")
        grants = [f'"{self.grant_of(number, grant)}",' for number in table.targets]
        made = "\n".join([f"/* Of {self.interface['name']}, by tools/idl_fuzz.py: do not edit. */", *table.counts(),
                          types, *table.rows(),
                          *broken_table.array("static const char *const hostile_grants[BROKEN_TARGETS]", grants)])
        return (HERE / "fuzz/hostile.c").read_text(encoding="utf-8").replace('#include "broken_messages.h"', made)


def chosen(model, name):
    """The interface of that name, or the only one of the file."""
    found = [interface for interface in model.own("interface")
             if not interface["kernel"] and name in (None, interface["name"].split(".")[-1], interface["name"])]
    if len(found) == 1:
        return found[0]
    there = ", ".join(interface["name"] for interface in model.own("interface") if not interface["kernel"])
    raise GeneratorError(f"{'there is no such interface' if name else 'which one? say --interface'}: {there or 'none'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="the .idl file")
    parser.add_argument("--target", metavar="FILE", help="write the libFuzzer target, in C")
    parser.add_argument("--client", metavar="FILE", help="write the hostile client, in C")
    parser.add_argument("--interface", metavar="NAME", help="which one, where the file has several")
    parser.add_argument("--grant", metavar="NAME", help="the hostile client's capability, in the manifest; else the "
                        "interface's name in C")
    parser.add_argument("--header", help="what has the dispatcher; idl/NAME_server.h")
    parser.add_argument("--handlers", nargs=2, metavar=("FILE", "PREFIX"),
                        help="the server's own, in a file that is included, in place of those that only look")
    parser.add_argument("-I", dest="folders", action="append", default=[], help="where to look for imports")
    parser.add_argument("--idlc", default=os.environ.get("IDLC", str(HERE.parent / "build/idlc/idlc")),
                        help="the compiler; that of ./build")
    return parser.parse_args()


def main():
    arguments = parse()
    try:
        model = idl_model.Model(idl_model.read_json(arguments.idlc, arguments.input, arguments.folders))
        interface = chosen(model, arguments.interface)
        if arguments.client:
            client = Client(model, arguments.idlc, arguments.input, arguments.folders, interface)
            write_whole(arguments.client, client.text(arguments.grant or interface["c_name"]))
        if arguments.target:
            interfaces = broken.Interfaces(arguments.idlc, [arguments.input], arguments.folders)
            header = arguments.header or f"idl/{pathlib.Path(arguments.input).stem}_server.h"
            write_whole(arguments.target, Target(model, interfaces, interface, header).text(arguments.handlers))
    except GeneratorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
