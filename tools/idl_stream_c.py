#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes C headers of an interface file that put it over the stream transport (docs/idl-tools.md,
docs/stream-encoding.md).

The client's stubs have the names and signatures of those over IPC, and the server's dispatcher takes the same handlers:
sources include headers of the same names, and the search path says which transport it is. Types come from the server's
header that idlc makes, which is the next of its name in the search path, or what --types says.
"""
import argparse
import pathlib
import sys

import idl_model
from idl_model import GeneratorError, write_whole
from idl_stream_types import Types

INDENT = "    "


def each_of(name, lines):
    """C that does `lines` with each element of the sequence `name`, whose number is idl_i."""
    return [f"for (uint32_t idl_i = 0; idl_i < idl_count_{name}; idl_i++) {{", *(f"{INDENT}{line}" for line in lines), "}"]


def padded(size):
    """What stream_scratch() takes."""
    return (size + 15) // 16 * 16


class Operation:
    """One operation in C: how its parameters are declared, sent and taken."""

    def __init__(self, types, interface, operation):
        self.types, self.model, self.interface, self.operation = types, types.model, interface, operation
        self.inputs, self.outputs = self.model.inputs(operation), self.model.outputs(operation)
        self.crossing = self.model.crossing(operation)
        self.is_call = operation["kind"] == "call"
        self.is_served, self.deferred = not self.crossing, operation.get("deferred")

    def suffix(self):
        """What the name of a handler ends in: that of the operation, even where it is a word of C."""
        return self.operation["c_name"].removeprefix(f"{self.types.owner(self.operation)}_")

    # ---- Signatures --------------------------------------------------------------------------------------------------

    def input(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        kind = self.model.kind_of(type_)
        if type_["kind"] == "sequence":
            return [f"const {self.types.name(type_['of'])} *{name}", f"size_t {name}_count"]
        if kind in ("bytes", "string"):
            return [f"const void *{name}", f"size_t {name}_size"] if kind == "bytes" else [f"idl_string {name}"]
        if kind in ("capability", "pages"):
            return [f"struct idl_pages {name}" if kind == "pages" else f"{self.types.handle(type_)} {name}"]
        if kind == "array":
            base, count = self.types.flat(type_)
            return [f"const {self.types.name(base)} {name}[{count}]"]
        return [f"const {self.types.name(type_)} *{name}" if type_["kind"] == "struct" else
                f"{self.types.name(type_)} {name}"]

    def output(self, parameter, handler):
        """Of a stub; of a handler too where it is the same."""
        name, type_ = parameter["c_name"], parameter["type"]
        kind = self.model.kind_of(type_)
        if self.is_long(type_) and handler:
            return [f"struct idl_outbuf *{name}"]
        if type_["kind"] == "sequence":
            return [f"{self.types.name(type_['of'])} *{name}", f"size_t {name}_capacity", f"size_t *{name}_count"]
        if kind in ("bytes", "string"):
            return [f"{'void' if kind == 'bytes' else 'char'} *{name}", f"size_t {name}_capacity",
                    f"size_t *{name}_length"]
        if kind == "pages":
            return [f"struct idl_pages {name}_window", f"struct idl_pages *{name}"]
        if kind == "array":
            base, count = self.types.flat(type_)
            return [f"{self.types.name(base)} {name}[{count}]"]
        return [f"{self.types.handle(type_) if kind == 'capability' else self.types.name(type_)} *{name}"]

    def given(self, handler=False):
        """The inputs that are no results at once, which what is answered later does not have in the handler."""
        deferred = handler and self.operation.get("deferred")
        return [parameter for parameter in self.inputs if deferred or not parameter.get("inout")]

    def parameters(self, handler=False):
        return [text for parameter in self.given(handler) for text in self.input(parameter)] + \
            [text for parameter in self.outputs for text in self.output(parameter, handler)]

    @staticmethod
    def is_long(type_):
        return type_["kind"] in ("bytes", "string", "sequence")

    def most(self, type_):
        """Bytes or elements."""
        return self.model.element(type_)[1] if type_["kind"] == "sequence" else type_["length"]

    def scratch(self):
        """Bytes that a dispatcher needs at most."""
        sequences = [parameter["type"] for parameter in self.inputs if parameter["type"]["kind"] == "sequence"]
        long = [parameter["type"] for parameter in self.outputs if self.is_long(parameter["type"])]
        return sum(padded(type_["length"]) for type_ in sequences + long)

    def raised(self):
        """C for: is this positive result an error that the operation raises?"""
        raises = self.operation.get("raises")
        return f"{self.model.declarations[raises]['c_name']}_is_valid(idl_result)" if raises else "false"

    # ---- Client ------------------------------------------------------------------------------------------------------

    def put_input(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] == "sequence":
            return [f"if ({name}_count > {self.most(type_)})", f"{INDENT}return -ERROR_BAD_ARGUMENT;",
                    f"stream_put_u32(idl_writer, {name}_count);",
                    f"for (size_t idl_i = 0; idl_i < {name}_count; idl_i++)",
                    *(f"{INDENT}{line}" for line in self.types.put(type_["of"], f"{name}[idl_i]", "idl_writer"))]
        if type_["kind"] == "bytes":
            return [f"if ({name}_size > {type_['length']})", f"{INDENT}return -ERROR_BAD_ARGUMENT;",
                    f"stream_put_u32(idl_writer, {name}_size);", f"stream_put(idl_writer, {name}, {name}_size);"]
        if type_["kind"] == "string":
            return [f"if ({name}.size > {type_['length']})", f"{INDENT}return -ERROR_BAD_ARGUMENT;",
                    f"stream_put_u32(idl_writer, {name}.size);", f"stream_put(idl_writer, {name}.text, {name}.size);"]
        pointed = type_["kind"] == "struct" or (parameter.get("inout") and type_["kind"] != "array")
        return self.types.put(type_, f"(*{name})" if pointed else name, "idl_writer")

    def put_room(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] != "string":
            return [f"stream_put_u32(idl_writer, idl_room({name}_capacity, {self.most(type_)}));"]
        return [f"if ({name}_capacity == 0)", f"{INDENT}return -ERROR_NO_BUFFER;",
                f"stream_put_u32(idl_writer, idl_room({name}_capacity - 1, {type_['length']}));"]

    def room(self, parameter):
        """C for: how much the caller has room for, and will take."""
        name, type_ = parameter["c_name"], parameter["type"]
        less = " - 1" if type_["kind"] == "string" else ""
        return f"(uint32_t)idl_room({name}_capacity{less}, {self.most(type_)})"

    def declare_output(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] == "sequence":
            return [f"{self.types.name(type_['of'])} idl_element_{name};", f"struct stream_reader idl_again_{name};",
                    f"uint32_t idl_count_{name};"]
        if type_["kind"] == "bytes":
            return [f"uint32_t idl_size_{name};", f"const uint8_t *idl_data_{name};"]
        return [f"idl_string idl_out_{name};"] if type_["kind"] == "string" else [
            f"{self.types.name(self.types.flat(type_)[0])} idl_out_{name}{self.types.dimension(type_)};"]

    def get_output(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] == "sequence":
            inner = self.types.get(type_["of"], f"idl_element_{name}", "idl_reader")
            return [f"idl_count_{name} = stream_get_length(idl_reader, {self.room(parameter)});",
                    f"idl_again_{name} = *idl_reader;", *each_of(name, inner), f"(void)idl_element_{name};"]
        if type_["kind"] == "bytes":
            return [f"idl_size_{name} = stream_get_length(idl_reader, {self.room(parameter)});",
                    f"idl_data_{name} = stream_take(idl_reader, idl_size_{name});"]
        if type_["kind"] == "string":
            return [f"idl_out_{name} = stream_get_text(idl_reader, {self.room(parameter)});"]
        return self.types.get(type_, f"idl_out_{name}", "idl_reader")

    def give_output(self, parameter):
        """The caller's variables are written when all was right."""
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] == "sequence":
            inner = self.types.get(type_["of"], f"{name}[idl_i]", f"(&idl_again_{name})")
            return [*each_of(name, inner), f"*{name}_count = idl_count_{name};"]
        if type_["kind"] == "bytes":
            return [f"idl_copy({name}, idl_data_{name}, idl_size_{name});", f"*{name}_length = idl_size_{name};"]
        if type_["kind"] == "string":
            return [f"idl_copy({name}, idl_out_{name}.text, idl_out_{name}.size + 1);",
                    f"*{name}_length = idl_out_{name}.size;"]
        if type_["kind"] == "array":
            return [f"idl_copy({name}, idl_out_{name}, sizeof(idl_out_{name}));"]
        return [f"*{name} = idl_out_{name};"]

    def client(self):
        """The stub's definition, as lines."""
        head = f"IDL_MUST_USE static inline int {self.operation['c_name']}(" + ", ".join(
            [f"{self.interface['c_name']}_t self", *self.parameters()]) + ")"
        if self.crossing:
            names = ["self"] + [text.split("[")[0].split("*")[-1].split(" ")[-1] for text in self.parameters()]
            body = [*(f"(void){name};" for name in names), f"return stream_cannot_cross({self.crossing});"]
        else:
            body = self.client_body()
        return ["", *comment(self.operation), head, "{", *(f"{INDENT}{line}".rstrip() for line in body), "}"]

    def client_body(self):
        long = [output for output in self.outputs if self.is_long(output["type"])]
        kind = "STREAM_REQUEST" if self.is_call else "STREAM_ONEWAY"
        label, timeout = f"{self.operation['label']:#010x}", self.operation.get("timeout_ns", 0)
        lines = ["struct stream_call idl_call;", "struct stream_writer *const idl_writer = &idl_call.request;"]
        lines += ["struct stream_reader *const idl_reader = &idl_call.reply;"] if self.outputs else []
        lines += [line for output in self.outputs for line in self.declare_output(output)]
        lines += ["int idl_result = stream_begin(&idl_call, self.handle);", "", "(void)idl_writer;",
                  "if (idl_result != 0)", f"{INDENT}return idl_result;"]
        lines += [line for parameter in self.inputs for line in self.put_input(parameter)]
        lines += [line for output in long for line in self.put_room(output)]
        lines += [f"idl_result = stream_exchange(&idl_call, UINT32_C({label}), {kind}, UINT64_C({timeout}));"]
        if not self.is_call:
            return [*lines, "return idl_result;"]
        lines += ["if (idl_result != 0)",
                  f"{INDENT}return idl_result < 0 || {self.raised()} ? idl_result : -ERROR_BAD_TAG;"]
        lines += [line for output in self.outputs for line in self.get_output(output)]
        lines += ["idl_result = stream_finish(&idl_call);", "if (idl_result != 0)", f"{INDENT}return idl_result;"]
        return lines + [line for output in self.outputs for line in self.give_output(output)] + ["return 0;"]

    # ---- Server ------------------------------------------------------------------------------------------------------

    def declare(self, parameter, is_output):
        name, type_ = parameter["c_name"], parameter["type"]
        if is_output and self.is_long(type_):
            return [f"struct idl_outbuf {name};", f"uint32_t idl_room_{name};"]
        if type_["kind"] == "sequence":
            return [f"{self.types.name(type_['of'])} *{name};", f"uint32_t idl_count_{name};"]
        if type_["kind"] == "bytes":
            return [f"const uint8_t *{name};", f"uint32_t idl_size_{name};"]
        if type_["kind"] == "string":
            return [f"idl_string {name};"]
        base = self.types.flat(type_)[0]
        return [f"{self.types.name(base)} {name}{self.types.dimension(type_)};"]

    def take_input(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if type_["kind"] == "sequence":
            of = self.types.name(type_["of"])
            return [f"idl_count_{name} = stream_get_length(idl_inputs, {self.most(type_)});",
                    f"{name} = ({of} *)stream_scratch(idl_request, idl_count_{name} * sizeof({of}));",
                    *each_of(name, self.types.get(type_["of"], f"{name}[idl_i]", "idl_inputs"))]
        if type_["kind"] == "bytes":
            return [f"idl_size_{name} = stream_get_length(idl_inputs, {type_['length']});",
                    f"{name} = stream_take(idl_inputs, idl_size_{name});"]
        if type_["kind"] == "string":
            return [f"{name} = stream_get_text(idl_inputs, {type_['length']});"]
        return self.types.get(type_, name, "idl_inputs")

    def take_room(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        size = f" * sizeof({self.types.name(type_['of'])})" if type_["kind"] == "sequence" else ""
        room = f"idl_room_{name}"
        return [f"{room} = stream_get_length(idl_inputs, {self.most(type_)});",
                f"{name} = (struct idl_outbuf){{stream_scratch(idl_request, {room}{size}), {room}{size}, 0}};"]

    def argument(self, parameter, is_output):
        name, type_ = parameter["c_name"], parameter["type"]
        if is_output:
            return [name if type_["kind"] == "array" else f"&{name}"]
        if type_["kind"] in ("sequence", "bytes"):
            return [name, f"idl_{'count' if type_['kind'] == 'sequence' else 'size'}_{name}"]
        return [f"&{name}" if type_["kind"] == "struct" else name]

    def clear_output(self, parameter):
        name = parameter["c_name"]
        return [] if self.is_long(parameter["type"]) or parameter.get("inout") else [f"__builtin_memset(&{name}, 0, sizeof({name}));"]

    def put_output(self, parameter):
        name, type_ = parameter["c_name"], parameter["type"]
        if not self.is_long(type_):
            return self.types.put(type_, name, "idl_results")
        wrong = {"string": f" || !idl_is_text((const char *){name}.data, {name}.length)", "bytes": ""}
        size = f"sizeof({self.types.name(type_['of'])})" if type_["kind"] == "sequence" else "1"
        lines = [f"if ({name}.length > {name}.capacity{wrong.get(type_['kind'], f' || {name}.length % {size}')}) {{",
                 f"{INDENT}stream_fail(idl_request, -ERROR_ABANDONED);", f"{INDENT}return;", "}",
                 f"stream_put_u32(idl_results, {name}.length / {size});"]
        if type_["kind"] != "sequence":
            return lines + [f"stream_put(idl_results, {name}.data, {name}.length);"]
        element = f"((const {self.types.name(type_['of'])} *){name}.data)[idl_i]"
        return lines + [f"for (size_t idl_i = 0; idl_i < {name}.length / {size}; idl_i++)",
                        *(f"{INDENT}{line}" for line in self.types.put(type_["of"], element, "idl_results"))]

    @staticmethod
    def refuse(number):
        return ["if (idl_inputs->failed) {", f"{INDENT}stream_refuse(idl_request, ERROR_BAD_ARGUMENT, {number});",
                f"{INDENT}return;", "}"]

    def server_name(self):
        return f"stream_serve_{self.interface['c_name']}_{self.operation['c_handler']}"

    def token(self):
        return f"struct {self.interface['c_name']}_{self.suffix()}_token"

    def reply_name(self):
        return f"{self.interface['c_name']}_{self.suffix()}_reply"

    def bytes_of(self, type_):
        """C for: how many bytes one of a long result's elements has in memory."""
        return f"sizeof({self.types.name(type_['of'])})" if type_["kind"] == "sequence" else "1"

    def deferred_server(self):
        """The function that serves it, and what answers it later."""
        body = ["struct stream_reader *const idl_inputs = &idl_request->inputs;",
                "const struct idl_call idl_call = {0};", f"{self.token()} idl_token = {{0}};"]
        body += [line for parameter in self.inputs for line in self.declare(parameter, False)] + [""]
        for number, parameter in enumerate(self.inputs, 1):
            body += self.take_input(parameter) + self.refuse(number)
        for place, parameter in enumerate(self.outputs):
            type_ = parameter["type"]
            if self.is_long(type_):
                body += [f"idl_token.rooms[{place}] = stream_get_length(idl_inputs, {self.most(type_)}) * "
                         f"{self.bytes_of(type_)};"] + self.refuse(len(self.inputs) + 1 + place)
        raises = self.operation.get("raises")
        raised = f"{self.model.declarations[raises]['c_name']}_is_valid" if raises else "NULL"
        arguments = [text for parameter in self.inputs for text in self.argument(parameter, False)]
        body += ["if (idl_inputs->at != idl_inputs->end) {", f"{INDENT}stream_refuse(idl_request, ERROR_BAD_TAG, 0);",
                 f"{INDENT}return;", "}", f"if (stream_keep(idl_request, &idl_token.kept, {raised}) != 0)",
                 f"{INDENT}return;", f"stream_deferred(&idl_token.kept, idl_ops->{self.operation['c_handler']}("
                 f"{', '.join(['idl_request->object', '&idl_call', *arguments, '&idl_token'])}));"]
        return [*self.later(), "",
                f"static inline void {self.server_name()}(const struct {self.interface['c_name']}_ops *idl_ops, "
                "struct stream_request *idl_request)", "{", *(f"{INDENT}{line}".rstrip() for line in body), "}"]

    def later(self):
        """What takes the place of idlc's NAME_reply()."""
        results = [{key: value for key, value in parameter.items() if key != "inout"} for parameter in self.outputs]
        given = [text for parameter in results for text in self.input(parameter)]
        body = ["struct stream_writer idl_results, *const idl_writer = &idl_results;",
                "int idl_result = stream_token_begin(&idl_token->kept, &idl_results);", "", "(void)idl_writer;",
                "if (idl_result != 0)", f"{INDENT}return idl_result;"]
        for place, parameter in enumerate(results):
            name, type_ = parameter["c_name"], parameter["type"]
            if self.is_long(type_):
                length = {"sequence": f"{name}_count", "bytes": f"{name}_size", "string": f"{name}.size"}[type_["kind"]]
                body += [f"if ({length} * {self.bytes_of(type_)} > idl_token->rooms[{place}])",
                         f"{INDENT}return -ERROR_BAD_ARGUMENT;"]
            body += self.put_input(parameter)
        body += ["return stream_token_answer(&idl_token->kept, &idl_results);"]
        name = self.reply_name()
        return ["", f"/* As {name}() over IPC. */", f"IDL_MUST_USE static inline int stream_{name}("
                f"{', '.join([f'{self.token()} *idl_token', *given])})", "{",
                *(f"{INDENT}{line}".rstrip() for line in body), "}", f"#define {name} stream_{name}"]

    def server(self):
        """The function that serves it, as lines."""
        if self.deferred:
            return self.deferred_server()
        body = ["struct stream_reader *const idl_inputs = &idl_request->inputs;",
                "const struct idl_call idl_call = {0};"]
        body += ["struct stream_writer *const idl_results = &idl_request->results;"] if self.outputs else []
        for parameters, is_output in ((self.given(), False), (self.outputs, True)):
            body += [line for parameter in parameters for line in self.declare(parameter, is_output)]
        body += ["int idl_result;"] if self.is_call else []
        body += [""]
        for number, parameter in enumerate(self.inputs, 1):
            body += self.take_input(parameter) + self.refuse(number)
        for number, parameter in enumerate(self.outputs, len(self.inputs) + 1):
            if self.is_long(parameter["type"]):
                body += self.take_room(parameter) + self.refuse(number)
        body += ["if (idl_inputs->at != idl_inputs->end) {", f"{INDENT}stream_refuse(idl_request, ERROR_BAD_TAG, 0);",
                 f"{INDENT}return;", "}", *self.call_handler()]
        body += [line for parameter in self.outputs for line in self.put_output(parameter)]
        return ["", f"static inline void {self.server_name()}(const struct {self.interface['c_name']}_ops *idl_ops, "
                    "struct stream_request *idl_request)", "{", *(f"{INDENT}{line}".rstrip() for line in body), "}"]

    def call_handler(self):
        arguments = [text for parameters, is_output in ((self.given(), False), (self.outputs, True))
                     for parameter in parameters for text in self.argument(parameter, is_output)]
        call = f"idl_ops->{self.operation['c_handler']}({', '.join(['idl_request->object', '&idl_call', *arguments])});"
        if not self.is_call:
            return [call]
        return [*(line for parameter in self.outputs for line in self.clear_output(parameter)), f"idl_result = {call}",
                "if (idl_result != 0) {",
                f"{INDENT}stream_fail(idl_request, idl_result < 0 || {self.raised()} ? idl_result : -ERROR_ABANDONED);",
                f"{INDENT}return;", "}"]

    def case(self):
        """Its case in the dispatcher."""
        lines = [f"case UINT32_C({self.operation['label']:#010x}):"]
        kind = "STREAM_REQUEST" if self.is_call else "STREAM_ONEWAY"
        if self.crossing:
            return lines + [f"{INDENT}stream_refuse(idl_request, ERROR_BAD_OPERATION, idl_request->kind == {kind} ? "
                            f"{self.crossing} : 0);", f"{INDENT}return;"]
        if not self.is_served:
            return lines + [f"{INDENT}break;"]
        return lines + [f"{INDENT}if (idl_request->kind != {kind})", f"{INDENT * 2}break;",
                        f"{INDENT}{self.server_name()}(idl_ops, idl_request);", f"{INDENT}return;"]

    # ---- Forwarding --------------------------------------------------------------------------------------------------

    def forward(self):
        """A handler that calls the stub of the same operation; of one that is not served a handler that says so."""
        if not self.is_served:
            return self.forward_nothing()
        if self.deferred:
            return self.forward_deferred()
        interface = self.interface["c_name"]
        body, arguments = [], [f"*(const {self.types.owner(self.operation)}_t *)object"]
        for parameter in self.given():
            arguments += [text.split("[")[0].split("*")[-1].split(" ")[-1] for text in self.input(parameter)]
        after = []
        for parameter in self.outputs:
            name, type_ = parameter["c_name"], parameter["type"]
            if not self.is_long(type_):
                arguments.append(name)
            elif type_["kind"] == "bytes":
                arguments += [f"{name}->data", f"{name}->capacity", f"&{name}->length"]
            elif type_["kind"] == "string":
                body.append(f"static char idl_text_{name}[{type_['length'] + 1}];")
                arguments += [f"idl_text_{name}", f"{name}->capacity + 1", f"&{name}->length"]
                after.append(f"{name}->data = idl_text_{name};")
            else:
                of = self.types.name(type_["of"])
                arguments += [f"({of} *){name}->data", f"{name}->capacity / sizeof({of})", f"&{name}->length"]
                after.append(f"{name}->length *= sizeof({of});")
        call = f"{self.operation['c_name']}({', '.join(arguments)});"
        head = ", ".join(["void *object", "const struct idl_call *call", *self.parameters(handler=True)])
        body += ["(void)call;", f"(void)!{call}"] if not self.is_call else [
            f"int idl_result = {call}", "", "(void)call;", *after, "return idl_result;"]
        name = f"{interface}_forward_{self.suffix()}"
        return ["", f"static inline {'int' if self.is_call else 'void'} {name}({head})",
                "{", *(f"{INDENT}{line}".rstrip() for line in body), "}"]

    def forward_deferred(self):
        """It is answered as soon as the stub returns."""
        body, given, answers = [], [f"*(const {self.types.owner(self.operation)}_t *)object"], ["token"]
        for parameter in self.given():
            given += [text.split("[")[0].split("*")[-1].split(" ")[-1] for text in self.input(parameter)]
        before = []
        for place, parameter in enumerate(self.outputs):
            name, type_, room = f"result_{parameter['c_name']}", parameter["type"], f"token->rooms[{place}]"
            if self.is_long(type_):
                of = {"bytes": "uint8_t", "string": "char"}.get(type_["kind"]) or self.types.name(type_["of"])
                more = " + 1" if type_["kind"] == "string" else ""
                body += [f"static {of} {name}[{self.most(type_)}{more}];", f"size_t length_{name};"]
                given += [name, f"{room} / {self.bytes_of(type_)}{more}", f"&length_{name}"]
                answers += [f"(idl_string){{{name}, length_{name}}}"] if more else [name, f"length_{name}"]
            else:
                base, _ = self.types.flat(type_)
                body.append(f"{self.types.name(base)} {name}{self.types.dimension(type_)};")
                if parameter.get("inout"):
                    pointed = "" if type_["kind"] in ("struct", "array") else "&"
                    before.append(f"__builtin_memcpy(&{name}, {pointed}{parameter['c_name']}, sizeof({name}));")
                given.append(name if type_["kind"] == "array" else f"&{name}")
                answers.append(f"&{name}" if type_["kind"] == "struct" else name)
        body += ["int idl_result;", "", "(void)call;", *before,
                 f"idl_result = {self.operation['c_name']}({', '.join(given)});",
                 f"return idl_result != 0 ? idl_result : {self.reply_name()}({', '.join(answers)});"]
        return self.forward_nothing()[:2] + ["{", *(f"{INDENT}{line}".rstrip() for line in body), "}"]

    def forward_nothing(self):
        name = self.interface["c_name"]
        outputs = [] if self.operation.get("deferred") else self.outputs
        texts = ["void *object", "const struct idl_call *call"]
        for parameters, is_output in ((self.given(handler=True), False), (outputs, True)):
            for parameter in parameters:
                texts += self.handled(parameter, is_output)
        if self.operation.get("deferred"):
            texts.append(f"struct {name}_{self.operation['name']}_token *token")
        names = [text.split("[")[0].split("*")[-1].split(" ")[-1] for text in texts]
        body = [f"(void){name};" for name in names] + (["return -ERROR_BAD_OPERATION;"] if self.is_call else [])
        return ["", f"static inline {'int' if self.is_call else 'void'} {name}_forward_{self.suffix()}({', '.join(texts)})",
                "{", *(f"{INDENT}{line}" for line in body), "}"]

    def handled(self, parameter, is_output):
        """A parameter of a handler, capabilities and pages too."""
        name, kind = parameter["c_name"], parameter["type"]["kind"]
        if kind == "pages" or (kind == "capability" and not is_output):
            lent = "const " if parameter["type"].get("lent") else ""
            return [f"{lent}struct idl_{'pages' if kind == 'pages' else 'cap'} *{name}"]
        return self.output(parameter, handler=True) if is_output else self.input(parameter)


def comment(declaration):
    doc = declaration.get("doc", "").replace("*/", "* /").replace("/*", "/ *").rstrip("\\ ").split("\n")
    return [f"/* {doc[0]}", *(f" * {line}".rstrip() for line in doc[1:-1]), f" * {doc[-1]} */"] if len(doc) > 1 else (
        [f"/* {doc[0]} */"] if doc[0] else [])


class Header:
    """One of the headers that are made of a file."""

    def __init__(self, model, stem):
        self.model, self.types, self.stem = model, Types(model), stem
        self.operations = {interface["name"]: [Operation(self.types, interface, operation)
                                               for operation in model.all_operations(interface)]
                           for interface in self.interfaces()}

    def interfaces(self):
        """Those of the file itself, since their bases have headers of their own, that have any operation."""
        return [interface for interface in self.model.interfaces()
                if interface["file"] == 0 and self.model.all_operations(interface)]

    def text(self, kind, what, types_header, lines):
        guard = f"STREAM_{self.model.library}_{self.stem}_{kind}".upper().replace("-", "_")
        include = f'#include "{types_header}"' if types_header else f'#include_next "idl/{self.stem}_server.h"'
        return "\n".join(["/* SPDX-License-Identifier: BSD-2-Clause */",
                          f"/* {what} of {self.stem}.idl over streams. Made by tools/idl_stream_c.py: do not edit. */",
                          f"#ifndef {guard}", f"#define {guard}", "", include, '#include "salto/stream.h"', *lines, "",
                          f"#endif /* {guard} */", ""])

    def codecs(self):
        served = [operation for operations in self.operations.values() for operation in operations
                  if not operation.crossing]
        needed = self.model.needed([parameter["type"] for operation in served
                                    for parameter in (*operation.inputs, *operation.outputs)])
        return [line for declaration in needed for line in self.types.functions(declaration)]

    def memory(self, interface):
        """What a stream of the interface needs, and how one is opened."""
        name, operations = interface["c_name"], [o for o in self.operations[interface["name"]] if not o.crossing]
        request = max((sum(self.model.most_bytes(p["type"]) for p in o.inputs) +
                       4 * sum(o.is_long(p["type"]) for p in o.outputs) for o in operations), default=0)
        reply = max((sum(self.model.most_bytes(p["type"]) for p in o.outputs) for o in operations), default=0)
        scratch, frame = max((o.scratch() for o in operations), default=0), f"STREAM_FRAME_SIZE({max(request, reply)})"
        lines = ["", f"#ifndef STREAM_MEMORY_{name.upper()}", f"#define STREAM_MEMORY_{name.upper()}",
                 f"/* The memory of one stream of {interface['name']}. */", f"struct {name}_stream_memory {{",
                 f"    uint8_t scratch[{max(scratch, 16)}] __attribute__((aligned(16)));",
                 f"    uint8_t received[{frame}], sent[{frame}];",
                 "};"]
        for role, limit in (("client", reply), ("server", request)):
            lines += ["", f"/* Opens `stream` for a {role} of {interface['name']}: its handle; 0: too many are open. */",
                      f"static inline uint32_t {name}_stream_{role}(struct salto_stream *stream, "
                      f"struct {name}_stream_memory *memory, const struct stream_ways *ways, void *where)", "{",
                      "    __builtin_memset(stream, 0, sizeof(*stream));", "    stream->ways = ways;",
                      "    stream->where = where;", "    stream->received = memory->received;",
                      "    stream->sent = memory->sent;", "    stream->received_capacity = sizeof(memory->received);",
                      "    stream->scratch = memory->scratch;", "    stream->scratch_size = sizeof(memory->scratch);",
                      f"    stream->limit = {limit};", "    return stream_register(stream);", "}"]
        return [*lines, "#endif"]

    def client(self):
        lines = self.codecs()
        for interface in self.interfaces():
            lines += self.memory(interface)
            lines += [line for operation in interface["operations"]
                      for line in Operation(self.types, interface, operation).client()]
        return lines

    def server(self):
        lines = self.codecs()
        for interface in self.interfaces():
            lines += self.memory(interface)
            lines += [line for operation in self.operations[interface["name"]] if operation.is_served
                      for line in operation.server()]
            lines += self.dispatcher(interface)
        return lines + ["", "#undef salto_serve", "#define salto_serve stream_serve_registered", "#undef idl_fail",
                        "#define idl_fail stream_token_fail", "#undef idl_drop", "#define idl_drop stream_token_drop"]

    def dispatcher(self, interface):
        name = interface["c_name"]
        lines = ["", f"static inline void {name}_stream_dispatch(const struct {name}_ops *idl_ops, "
                     "struct stream_request *idl_request)", "{", "    (void)idl_ops;",
                 "    switch (idl_request->label) {"]
        for operation in self.operations[interface["name"]]:
            lines += [f"{INDENT}{line}" for line in operation.case()]
        lines += ["    default:", "        break;", "    }", "    stream_refuse(idl_request, ERROR_BAD_OPERATION, 0);",
                  "}"]
        handlers = [f"        .{operation.operation['c_handler']} = HANDLERS##_{operation.suffix()}, \\"
                    for operation in self.operations[interface["name"]]]
        return lines + ["", f"#undef {name.upper()}_SERVER", f"#define {name.upper()}_SERVER(NAME, HANDLERS) \\",
                        f"    static const struct {name}_ops NAME##_ops = {{ \\", *handlers, "    }; \\",
                        "    static void NAME(struct stream_request *idl_request) \\", "    { \\",
                        f"        {name}_stream_dispatch(&NAME##_ops, idl_request); \\", "    }",
                        f"#define {name}_serve(endpoint, dispatcher, object, buffers) \\",
                        "    ((void)(buffers), stream_serve_registered(endpoint, dispatcher, object))"]

    def forward(self):
        return [line for interface in self.interfaces() for operation in self.operations[interface["name"]]
                for line in operation.forward()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="the .idl file")
    parser.add_argument("--client", metavar="FILE", help="the header with the stubs: in the place of idl/NAME.h")
    parser.add_argument("--server", metavar="FILE",
                        help="the header with the dispatcher: in the place of idl/NAME_server.h")
    parser.add_argument("--forward", metavar="FILE",
                        help="handlers that call the stubs, for programs between two transports")
    parser.add_argument("--types", metavar="HEADER", help="what to include for types")
    parser.add_argument("-I", dest="folders", action="append", default=[], help="where to look for imports")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--idlc", default=str(here.parent / "build/idlc/idlc"), help="the compiler; that of ./build")
    arguments = parser.parse_args()
    try:
        model = idl_model.Model(idl_model.read_json(arguments.idlc, arguments.input, arguments.folders))
        stem = pathlib.Path(arguments.input).stem
        for path, kind, what in ((arguments.client, "client", "Stubs"), (arguments.server, "server", "The dispatcher"),
                                 (arguments.forward, "forward", "Handlers that call the stubs")):
            if path:
                header = Header(model, stem)
                write_whole(path, header.text(kind, what, arguments.types, getattr(header, kind)()))
    except GeneratorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
