# SPDX-License-Identifier: BSD-2-Clause
"""The stream encoding a second time, written from docs/stream-encoding.md and not from tools/: what values of a type
are, how they are encoded, and what encodes none. For tests.

A value is what Python has for it: integers (enums and flags too), floats, bools, bytes, text; a list for arrays,
sequences and structs (their fields in order); None or a list of one for optionals; (number, value) for unions; {number:
value} for tables. Bytes where the elements are u8.
"""
import binascii
import math
import struct

WRONG_TEXTS = b"\xc0\x80", b"\xed\xa0\x80", b"a\0b", b"\xf4\x90\x80\x80", b"\xe2\x82"
WORST_FLOATS = (0.0, -0.0, 1.5, -2.0 ** -149, math.inf, -math.inf, 2.0 ** 127)


def frame(kind, interface, operation, sequence, payload=b"", status=0, parameter=0, **changed):
    """The bytes of a frame; `changed` are fields that are not as they should be."""
    fields = {"mark": b"\x53\x9c", "version": 1, "kind": kind, "length": len(payload), "reserved": 0, **changed}
    head = (fields["mark"] + bytes([fields["version"], fields["kind"]]) + struct.pack("<I", fields["length"]) +
            struct.pack("<HH", interface, operation) + struct.pack("<Ii", sequence, status) +
            struct.pack("<HH", parameter, fields["reserved"]))
    return head + payload + struct.pack("<I", changed.get("checksum", binascii.crc32(head + payload)))


class Cursor:
    """Takes bytes from the front."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        assert count <= len(self.data), "too few bytes"
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def integer(self, count, signed=False):
        return int.from_bytes(self.take(count), "little", signed=signed)


class Oracle:
    """Of the declarations in what `idlc json` printed."""

    def __init__(self, program, random):
        self.known, self.random = {entry["name"]: entry for entry in program["declarations"]}, random

    def shape(self, type_):
        """Kind, and the declaration if it has one that matters."""
        declaration = self.known.get(type_.get("name"))
        has_kind = type_["kind"] in ("struct", "enum", "flags")
        return (declaration["kind"], declaration) if has_kind else (type_["kind"], None)

    @staticmethod
    def is_byte(type_):
        return type_["kind"] == "integer" and type_["bits"] == 8 and not type_["signed"]

    def elements(self, type_, declaration):
        """Element type and most elements of a sequence."""
        if declaration:
            items = declaration["members"][1]["type"]
            return items["of"], items["length"]
        return type_["of"], type_["length"] // type_["of"]["size"]

    # ---- Values ------------------------------------------------------------------------------------------------------

    def integer(self, bits, signed):
        least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return self.random.choice((least, most, 0, 1, self.random.randint(least, most)))

    def real(self, bits):
        value = self.random.choice((*WORST_FLOATS, self.random.gauss(0, 1e6)))
        return struct.unpack("<f", struct.pack("<f", value))[0] if bits == 32 else value

    def text(self, most):
        """Of at most so many bytes."""
        text = ""
        while self.random.random() < 0.9:
            more = text + self.random.choice("aZ 7é€\U0001f600\x01\ud7ff\uffff")
            if len(more.encode()) > most:
                break
            text = more
        return text

    def several(self, type_, count):
        if self.is_byte(type_):
            return self.random.randbytes(count)
        return [self.value(type_) for _ in range(count)]

    def value(self, type_):
        """A random one."""
        kind, declaration = self.shape(type_)
        if kind in ("integer", "enum", "flags"):
            return self.number(type_, kind, declaration)
        if kind == "string":
            return self.text(type_["length"])
        if kind == "bytes":
            return self.random.randbytes(self.count(type_["length"]))
        if kind == "array":
            return self.several(type_["of"], type_["length"])
        if kind == "sequence":
            element, most = self.elements(type_, declaration)
            return self.several(element, self.count(most))
        if kind in ("bool", "float"):
            return self.random.random() < 0.5 if kind == "bool" else self.real(type_["bits"])
        return self.composed(kind, declaration["members"])

    def count(self, most):
        return self.random.choice((0, most, self.random.randint(0, most)))

    def number(self, type_, kind, declaration):
        if kind == "integer" or declaration.get("open") and self.random.random() < 0.3:
            return self.integer(type_["bits"], type_["signed"])
        values = [member["value"] for member in declaration["members"]]
        return self.random.choice(values) if kind == "enum" else sum(
            value for value in set(values) if self.random.random() < 0.5)

    def composed(self, kind, members):
        if kind == "struct":
            return [self.value(member["type"]) for member in members]
        if kind == "optional":
            return [self.value(members[1]["type"])] if self.random.random() < 0.7 else None
        if kind == "union":
            member = self.random.choice(members)
            return member["number"], self.value(member["type"])
        return {member["number"]: self.value(member["type"]) for member in members
                if not member.get("retired") and self.random.random() < 0.6}

    # ---- Encoding ----------------------------------------------------------------------------------------------------

    def encode(self, type_, value):
        kind, declaration = self.shape(type_)
        if kind in ("integer", "enum", "flags"):
            return value.to_bytes(type_["bits"] // 8, "little", signed=type_["signed"])
        if kind in ("bool", "float"):
            return bytes([value]) if kind == "bool" else struct.pack("<f" if type_["bits"] == 32 else "<d", value)
        if kind in ("bytes", "string"):
            encoded = value.encode() if kind == "string" else value
            return struct.pack("<I", len(encoded)) + encoded
        if kind == "array":
            return self.encode_several(type_["of"], value)
        if kind == "sequence":
            return struct.pack("<I", len(value)) + self.encode_several(self.elements(type_, declaration)[0], value)
        return self.encode_composed(kind, declaration["members"], value)

    def encode_several(self, type_, values):
        return values if isinstance(values, bytes) else b"".join(self.encode(type_, value) for value in values)

    def encode_composed(self, kind, members, value):
        if kind == "struct":
            return b"".join(self.encode(member["type"], field) for member, field in zip(members, value))
        if kind == "optional":
            return b"\0" if value is None else b"\1" + self.encode(members[1]["type"], value[0])
        types = {member["number"]: member["type"] for member in members}
        if kind == "union":
            return struct.pack("<I", value[0]) + self.encode(types[value[0]], value[1])
        rows = {number: self.encode(types[number], row) for number, row in sorted(value.items())}
        present = sum(1 << number - 1 for number in rows)
        return struct.pack("<Q", present) + b"".join(struct.pack("<I", len(row)) + row for row in rows.values())

    # ---- Decoding ----------------------------------------------------------------------------------------------------

    def decode(self, type_, cursor):
        kind, declaration = self.shape(type_)
        if kind in ("integer", "enum", "flags"):
            return cursor.integer(type_["bits"] // 8, type_["signed"])
        if kind in ("bool", "float"):
            return cursor.integer(1) == 1 if kind == "bool" else struct.unpack(
                "<f" if type_["bits"] == 32 else "<d", cursor.take(type_["bits"] // 8))[0]
        if kind in ("bytes", "string"):
            encoded = cursor.take(cursor.integer(4))
            return encoded.decode() if kind == "string" else encoded
        if kind == "array":
            return self.decode_several(type_["of"], type_["length"], cursor)
        if kind == "sequence":
            return self.decode_several(self.elements(type_, declaration)[0], cursor.integer(4), cursor)
        return self.decode_composed(kind, declaration["members"], cursor)

    def decode_several(self, type_, count, cursor):
        return cursor.take(count) if self.is_byte(type_) else [self.decode(type_, cursor) for _ in range(count)]

    def decode_composed(self, kind, members, cursor):
        if kind == "struct":
            return [self.decode(member["type"], cursor) for member in members]
        if kind == "optional":
            return [self.decode(members[1]["type"], cursor)] if cursor.integer(1) else None
        types = {member["number"]: member["type"] for member in members}
        if kind == "union":
            number = cursor.integer(4)
            return number, self.decode(types[number], cursor)
        present, rows = cursor.integer(8), {}
        for number in range(1, 65):
            if present >> number - 1 & 1:
                row = Cursor(cursor.take(cursor.integer(4)))
                rows[number] = self.decode(types[number], row)
                assert not row.data, "bytes are left behind a row"
        return rows

    # ---- What encodes nothing ----------------------------------------------------------------------------------------

    def broken(self, type_):
        """Encodings that the type does not have, with their names."""
        kind, declaration = self.shape(type_)
        if kind == "bool":
            yield "bool 2", b"\2"
        if kind == "enum" and not declaration["open"]:
            values = {member["value"] for member in declaration["members"]}
            wrong = next(value for value in range(100) if value not in values)
            yield f"enum {wrong}", wrong.to_bytes(type_["bits"] // 8, "little")
        if kind == "flags":
            mask = sum({member["value"] for member in declaration["members"]})
            if mask != (1 << type_["bits"]) - 1:
                yield "unknown flags", ((1 << type_["bits"]) - 1).to_bytes(type_["bits"] // 8, "little")
        if kind in ("bytes", "string", "sequence"):
            yield from self.broken_length(kind, type_, declaration)
        if kind == "array":
            yield from self.broken_elements(type_["of"], type_["length"])
        if declaration and kind in ("struct", "optional", "union", "table"):
            yield from self.broken_composed(kind, declaration)

    def broken_length(self, kind, type_, declaration):
        most = self.elements(type_, declaration)[1] if kind == "sequence" else type_["length"]
        size = 1
        if kind == "sequence":
            element = self.elements(type_, declaration)[0]
            size = len(self.encode(element, self.value(element)))
            yield from ((name, struct.pack("<I", 1) + wrong) for name, wrong in self.broken(element))
        yield "one over the limit", struct.pack("<I", most + 1) + bytes((most + 1) * size)
        yield "length -1", b"\xff\xff\xff\xff"
        for text in WRONG_TEXTS if kind == "string" else ():
            if len(text) <= most:
                yield f"text {text.hex()}", struct.pack("<I", len(text)) + text

    def broken_elements(self, type_, count):
        """The last one of them is wrong."""
        before = b"".join(self.encode(type_, self.value(type_)) for _ in range(count - 1))
        yield from ((name, before + wrong) for name, wrong in self.broken(type_))

    def broken_composed(self, kind, declaration):
        members = declaration["members"]
        if kind == "optional":
            yield "present 2", b"\2" + self.encode(members[1]["type"], self.value(members[1]["type"]))
            yield from ((name, b"\1" + wrong) for name, wrong in self.broken(members[1]["type"]))
            return
        if kind == "union":
            yield "tag 0", bytes(4 + max(member["type"]["size"] for member in members))
            yield "tag -1", b"\xff" * 4 + bytes(64)
        if kind == "table":
            yield "a row of -1", struct.pack("<QI", 1 << 63, 0xffffffff)
        for member in members:
            if kind == "struct":
                others = [self.encode(other["type"], self.value(other["type"])) for other in members]
                place = members.index(member)
                wrongs = ((name, b"".join(others[:place]) + wrong + b"".join(others[place + 1:]))
                          for name, wrong in self.broken(member["type"]))
            elif kind == "union":
                wrongs = ((name, struct.pack("<I", member["number"]) + wrong)
                          for name, wrong in self.broken(member["type"]))
            else:
                wrongs = self.broken_row(member)
            yield from ((f"{member['name']}: {name}", wrong) for name, wrong in wrongs)

    def broken_row(self, member):
        if member.get("retired"):
            return
        present = struct.pack("<Q", 1 << member["number"] - 1)
        right = self.encode(member["type"], self.value(member["type"]))
        yield "a byte more", present + struct.pack("<I", len(right) + 1) + right + b"\0"
        yield "a byte less", present + struct.pack("<I", len(right) - 1) + right[:-1]
        for name, wrong in self.broken(member["type"]):
            yield name, present + struct.pack("<I", len(wrong)) + wrong
