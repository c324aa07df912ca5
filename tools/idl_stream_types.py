# SPDX-License-Identifier: BSD-2-Clause
"""How values of the interface language's types get into a stream's payload and out of it, in C (tools/idl_stream_c.py).

Each struct, union, table, optional and sequence has two functions, stream_put_NAME and stream_get_NAME. What is read is
checked as it is read, and what of it C does not use is clear.
"""
INDENT = "    "


class Types:
    """Of a model."""

    def __init__(self, model):
        self.model = model

    def name(self, type_):
        """Of a type that is no array."""
        if type_["kind"] == "integer":
            return f"{'' if type_['signed'] else 'u'}int{type_['bits']}_t"
        if type_["kind"] in ("float", "bool"):
            return "bool" if type_["kind"] == "bool" else "float" if type_["bits"] == 32 else "double"
        name = self.model.declarations[type_["name"]]["c_name"]
        return f"struct {name}" if type_["kind"] == "struct" else f"{name}_t"

    def handle(self, type_):
        """Of a capability."""
        return f"{self.model.declarations[type_['name']]['c_name']}_t"

    def owner(self, operation):
        """The interface in which the operation is declared."""
        return next(declaration["c_name"] for declaration in self.model.declarations.values()
                    if operation in declaration.get("operations", ()))

    @staticmethod
    def flat(type_):
        """What an array is of in the end, and how many in all; 1 of anything else."""
        count = 1
        while type_["kind"] == "array":
            type_, count = type_["of"], count * type_["length"]
        return type_, count

    def dimension(self, type_):
        return f"[{self.flat(type_)[1]}]" if type_["kind"] == "array" else ""

    def put(self, type_, expression, writer):
        """One statement that puts what stands at `expression`."""
        if type_["kind"] == "struct":
            name = self.model.declarations[type_["name"]]["c_name"]
            return [f"stream_put_{name}({writer}, &{expression});"]
        if type_["kind"] != "array":
            return [f"stream_put({writer}, &{expression}, sizeof({expression}));"]
        base, count = self.flat(type_)
        if base["kind"] != "struct":
            return [f"stream_put({writer}, {expression}, {count * base['size']});"]
        element = f"((const {self.name(base)} *)(const void *){expression})[idl_i]"
        return [f"for (size_t idl_i = 0; idl_i < {count}; idl_i++)",
                *(f"{INDENT}{line}" for line in self.put(base, element, writer))]

    def get(self, type_, expression, reader):
        """Statements that read what stands at `expression`."""
        kind = type_["kind"]
        if kind == "array":
            return self.get_array(type_, expression, reader)
        declaration = self.model.declarations.get(type_.get("name"))
        if kind == "struct":
            return [f"stream_get_{declaration['c_name']}({reader}, &{expression});"]
        if kind == "bool":
            return [f"stream_get_bool({reader}, &{expression});"]
        lines = [f"stream_get({reader}, &{expression}, sizeof({expression}));"]
        if kind == "flags" or (kind == "enum" and not declaration["open"]):
            lines += [f"if (!{declaration['c_name']}_is_valid((uint64_t){expression}))",
                      f"{INDENT}{reader}->failed = true;"]
        return lines

    def get_array(self, type_, expression, reader):
        base, count = self.flat(type_)
        if base["kind"] in ("integer", "float"):
            return [f"stream_get({reader}, {expression}, {count * base['size']});"]
        element = f"(({self.name(base)} *)(void *){expression})[idl_i]"
        return [f"for (size_t idl_i = 0; idl_i < {count}; idl_i++) {{",
                *(f"{INDENT}{line}" for line in self.get(base, element, reader)), "}"]

    def functions(self, declaration):
        """The two of a declaration; nothing for enums."""
        kind, name = declaration["kind"], declaration["c_name"]
        bodies = {"struct": self.of_struct, "union": self.of_union, "table": self.of_table,
                  "optional": self.of_optional, "sequence": self.of_sequence}.get(kind)
        if not bodies:
            return []
        put, get = bodies(declaration)
        guard = f"STREAM_TYPE_{name.upper()}"
        clear = ["__builtin_memset(value, 0, sizeof(*value));"]
        return ["", f"#ifndef {guard}", f"#define {guard}",
                f"static inline void stream_put_{name}(struct stream_writer *writer, const struct {name} *value)", "{",
                *(f"{INDENT}{line}" for line in put), "}", "",
                f"static inline void stream_get_{name}(struct stream_reader *reader, struct {name} *value)", "{",
                *(f"{INDENT}{line}" for line in clear + get), "}", "#endif"]

    def of_struct(self, declaration):
        put, get = [], []
        for member in declaration["members"]:
            put += self.put(member["type"], f"value->{member['c_name']}", "writer")
            get += self.get(member["type"], f"value->{member['c_name']}", "reader")
        return put, get

    def of_optional(self, declaration):
        inner = declaration["members"][1]["type"]
        get = self.get(inner, "value->value", "reader")
        return (["stream_put(writer, &value->present, 1);", "if (value->present)",
                 *(f"{INDENT}{line}" for line in self.put(inner, "value->value", "writer"))],
                ["stream_get_bool(reader, &value->present);", "if (value->present) {",
                 *(f"{INDENT}{line}" for line in get), "}"])

    def of_union(self, declaration):
        put = ["stream_put_u32(writer, value->tag);", "switch (value->tag) {"]
        get = ["stream_get(reader, &value->tag, sizeof(value->tag));", "switch (value->tag) {"]
        for member in self.model.rows(declaration):
            for lines, way, stream in ((put, self.put, "writer"), (get, self.get, "reader")):
                lines += [f"case {member['number']}:",
                          *(f"{INDENT}{line}" for line in way(member["type"], f"value->as.{member['c_name']}", stream)),
                          f"{INDENT}break;"]
        put += ["default:", f"{INDENT}writer->failed = true;", "}"]
        get += ["default:", f"{INDENT}reader->failed = true;", "}"]
        return put, get

    def of_table(self, declaration):
        rows = self.model.rows(declaration)
        known = sum(1 << row["number"] - 1 for row in rows)
        put = [f"uint64_t present = value->present & UINT64_C({known:#x});", "uint8_t *row;", "",
               "stream_put(writer, &present, sizeof(present));"]
        get = ["const uint8_t *begin = reader->at;", "uint64_t present;", "",
               "stream_get(reader, &present, sizeof(present));", f"value->present = present & UINT64_C({known:#x});",
               "for (unsigned number = 1; number <= 64; number++) {",
               f"{INDENT}struct stream_reader row;", "", f"{INDENT}if (!(present >> (number - 1) & 1))",
               f"{INDENT * 2}continue;", f"{INDENT}row = stream_get_row(reader);", f"{INDENT}switch (number) {{"]
        for row in rows:
            field, number = f"value->{row['c_name']}", row["number"]
            put += [f"if (present >> {number - 1} & 1) {{", f"{INDENT}row = stream_begin_row(writer);",
                    *(f"{INDENT}{line}" for line in self.put(row["type"], field, "writer")),
                    f"{INDENT}stream_end_row(writer, row);", "}"]
            get += [f"{INDENT}case {number}:",
                    *(f"{INDENT * 2}{line}" for line in self.get(row["type"], field, "(&row)")),
                    f"{INDENT * 2}stream_end_get_row(reader, &row);", f"{INDENT * 2}break;"]
        get += [f"{INDENT}default:", f"{INDENT * 2}break;", f"{INDENT}}}", "}",
                f"if (reader->at - begin > {8 * declaration['size']})", f"{INDENT}reader->failed = true;"]
        return put, get

    def of_sequence(self, declaration):
        items = declaration["members"][1]["type"]
        element, most = items["of"], items["length"]
        return ([f"if (value->count > {most}) {{", f"{INDENT}writer->failed = true;", f"{INDENT}return;", "}",
                 "stream_put_u32(writer, value->count);", "for (size_t idl_i = 0; idl_i < value->count; idl_i++)",
                 *(f"{INDENT}{line}" for line in self.put(element, "value->items[idl_i]", "writer"))],
                [f"value->count = stream_get_length(reader, {most});",
                 "for (size_t idl_i = 0; idl_i < value->count; idl_i++) {",
                 *(f"{INDENT}{line}" for line in self.get(element, "value->items[idl_i]", "reader")), "}"])
