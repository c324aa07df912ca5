# SPDX-License-Identifier: BSD-2-Clause
"""Random round trips of an interface, as the frames of docs/stream-encoding.md: requests, and what is to be answered.

All bytes come from tests/idlc/stream_oracle.py, which knows the documented encoding and nothing of the tools.
"""
import struct

import stream_oracle

REQUEST, REPLY, ONEWAY = 0, 1, 2
SECTION = struct.Struct("<40sII")  # vectors.c
FAILURES = 0.2   # of all calls
OWN_ERROR = -15  # ERROR_BUSY of errors.h: what a handler can answer besides what the interface declares


class Maker:
    """Of one file's interfaces. `model` is an idl_model.Model."""

    def __init__(self, model, random):
        self.model, self.random, self.oracle = model, random, stream_oracle.Oracle(model.program, random)

    def encoded(self, parameters, values):
        return b"".join(self.oracle.encode(parameter["type"], value) for parameter, value in zip(parameters, values))

    def room(self, output, value):
        """How much the client takes of a result: at least what it will get; nothing for other types."""
        type_ = output["type"]
        if type_["kind"] not in ("bytes", "string", "sequence"):
            return b""
        most = self.oracle.elements(type_, None)[1] if type_["kind"] == "sequence" else type_["length"]
        length = len(value.encode()) if type_["kind"] == "string" else len(value)
        return struct.pack("<I", self.random.choice((most, most, length, self.random.randint(length, most))))

    def error(self, operation):
        """0, an error that the operation raises, or one of the server's own."""
        raised = operation.get("raises")
        if self.random.random() >= FAILURES:
            return 0
        members = self.model.declarations[raised]["members"] if raised else []
        return self.random.choice([member["value"] for member in members] + [OWN_ERROR])

    def trip(self, operation, sequence):
        """(request, reply); an empty reply where none is sent."""
        label, outputs = operation["label"], self.model.outputs(operation)
        inputs = [self.oracle.value(parameter["type"]) for parameter in self.model.inputs(operation)]
        results = [self.oracle.value(output["type"]) for output in outputs]
        payload = self.encoded(self.model.inputs(operation), inputs) + b"".join(
            self.room(output, value) for output, value in zip(outputs, results))
        kind = REQUEST if operation["kind"] == "call" else ONEWAY
        request = stream_oracle.frame(kind, label >> 16, label & 0xffff, sequence, payload)
        if kind == ONEWAY:
            return request, b""
        error = self.error(operation)
        return request, stream_oracle.frame(REPLY, label >> 16, label & 0xffff, sequence,
                                            b"" if error else self.encoded(outputs, results), error)

    def section(self, interface, operations, values):
        """The bytes for vectors.c: so many values of each operation, in any order; last a call, if there is one:
        its answer shows that what was sent before it came."""
        order = [operation for operation in operations for _ in range(values)]
        self.random.shuffle(order)
        calls = [place for place, operation in enumerate(order) if operation["kind"] == "call"]
        if calls:
            order.append(order.pop(calls[-1]))
        trips = [self.trip(operation, number) for number, operation in enumerate(order, 1)]
        body = b"".join(struct.pack("<II", len(request), len(reply)) + request + reply for request, reply in trips)
        return SECTION.pack(interface["c_name"].encode(), len(trips), len(body)) + body
