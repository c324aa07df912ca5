# SPDX-License-Identifier: BSD-2-Clause
"""How values of the interface language's types are encoded for streams: docs/stream-encoding.md.

A codec has encode(out, value), which appends to a bytearray, and decode(reader), both of which raise EncodingError for
what the type does not have; `size`, the most bytes that it takes; and `limit`, of those whose length varies: the most
elements. decode() believes nothing that it reads.
"""
import struct

ERROR_BAD_TAG, ERROR_BAD_OPERATION, ERROR_DEAD, ERROR_TIMEOUT = 3, 5, 6, 9
ERROR_BAD_ARGUMENT, ERROR_ABANDONED, ERROR_NO_BUFFER = 13, 18, 19


class EncodingError(ValueError):
    """A value that its type does not have, or bytes that encode none."""


class Reader:
    """Bytes that are taken from the front."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def left(self):
        return len(self.data) - self.position

    def take(self, count):
        if count > self.left():
            raise EncodingError(f"{count} bytes are wanted, and {self.left()} left")
        self.position += count
        return self.data[self.position - count:self.position]


class Integer:
    """Of `bits` bits."""
    limit = None

    def __init__(self, bits, signed):
        self.size, self.signed = bits // 8, signed
        self.least = -(1 << bits - 1) if signed else 0
        self.most = (1 << bits - signed) - 1

    def encode(self, out, value):
        if not isinstance(value, int) or not self.least <= value <= self.most:
            raise EncodingError(f"{value!r} is no integer from {self.least} to {self.most}")
        out += int(value).to_bytes(self.size, "little", signed=self.signed)

    def decode(self, reader):
        return int.from_bytes(reader.take(self.size), "little", signed=self.signed)


class Bool:
    """True or False."""
    size, limit = 1, None

    def encode(self, out, value):
        if not isinstance(value, (bool, int)) or value not in (0, 1):
            raise EncodingError(f"{value!r} is no bool")
        out.append(int(value))

    def decode(self, reader):
        value = reader.take(1)[0]
        if value > 1:
            raise EncodingError(f"{value} is no bool")
        return value == 1


class Float:
    """IEEE 754; numbers that a f32 does not have exactly are rounded."""
    limit = None

    def __init__(self, bits):
        self.size, self.format = bits // 8, "<f" if bits == 32 else "<d"

    def encode(self, out, value):
        if not isinstance(value, (float, int)):
            raise EncodingError(f"{value!r} is no number")
        try:
            out += struct.pack(self.format, value)
        except (OverflowError, struct.error):
            raise EncodingError(f"{value!r} is beyond a float of {self.size * 8} bits") from None

    def decode(self, reader):
        return struct.unpack(self.format, reader.take(self.size))[0]


class Enum:
    """Members of an IntEnum; with `is_open` other integers too, which stay integers."""
    limit = None

    def __init__(self, members, integer, is_open):
        self.members, self.integer, self.is_open, self.size = members, integer, is_open, integer.size
        self.known = {int(member): member for member in members}

    def encode(self, out, value):
        if value not in self.known and not self.is_open:
            raise EncodingError(f"{value!r} is no {self.members.__name__}")
        self.integer.encode(out, value)

    def decode(self, reader):
        value = self.integer.decode(reader)
        if value not in self.known and not self.is_open:
            raise EncodingError(f"{value} is no {self.members.__name__}")
        return self.known.get(value, value)


class Flags:
    """Members of an IntFlag."""
    limit = None

    def __init__(self, members, integer):
        self.members, self.integer, self.size, self.mask = members, integer, integer.size, 0
        for member in members:
            self.mask |= int(member)

    def encode(self, out, value):
        if not isinstance(value, int) or value < 0 or value & ~self.mask:
            raise EncodingError(f"{value!r} has bits that {self.members.__name__} does not have")
        self.integer.encode(out, value)

    def decode(self, reader):
        value = self.integer.decode(reader)
        if value & ~self.mask:
            raise EncodingError(f"{value:#x} has bits that {self.members.__name__} does not have")
        return self.members(value)


class Struct:
    """Objects of a class with these attributes: `fields` are pairs of name and codec."""
    limit = None

    def __init__(self, made, *fields):
        self.made, self.fields, self.size = made, fields, sum(codec.size for _, codec in fields)

    def encode(self, out, value):
        for name, codec in self.fields:
            try:
                codec.encode(out, getattr(value, name))
            except (AttributeError, EncodingError) as error:
                raise EncodingError(f"{name}: {error}") from None

    def decode(self, reader):
        return self.made(*[codec.decode(reader) for _, codec in self.fields])


class Optional:
    """A value, or None."""
    limit = None

    def __init__(self, codec):
        self.codec, self.size = codec, 1 + codec.size

    def encode(self, out, value):
        out.append(value is not None)
        if value is not None:
            self.codec.encode(out, value)

    def decode(self, reader):
        return self.codec.decode(reader) if BOOL.decode(reader) else None


class Union:
    """Objects of a class with `tag` and `value`: `members` are pairs of tag and codec."""
    limit = None

    def __init__(self, made, *members):
        self.made, self.members = made, {int(tag): (tag, codec) for tag, codec in members}
        self.size = 4 + max(codec.size for _, codec in members)

    def encode(self, out, value):
        tag = getattr(value, "tag", None)
        if tag not in self.members:
            raise EncodingError(f"{value!r} is no {self.made.__name__}")
        U32.encode(out, tag)
        self.members[tag][1].encode(out, value.value)

    def decode(self, reader):
        number = U32.decode(reader)
        if number not in self.members:
            raise EncodingError(f"{number} is no tag of {self.made.__name__}")
        tag, codec = self.members[number]
        return self.made(tag, codec.decode(reader))


class Table:
    """Objects of a class with an attribute for each row, None where it is not there: `rows` are triples of number, name
    and codec."""
    limit = None

    def __init__(self, made, room, *rows):
        self.made, self.rows, self.size = made, {number: row for number, *row in rows}, 8 * room

    def encode(self, out, value):
        there = {number: (codec, getattr(value, name)) for number, (name, codec) in self.rows.items()
                 if getattr(value, name) is not None}
        U64.encode(out, sum(1 << number - 1 for number in there))
        for _, (codec, row) in sorted(there.items()):
            encoded = bytearray()
            codec.encode(encoded, row)
            U32.encode(out, len(encoded))
            out += encoded

    def decode(self, reader):
        present, begin, found = U64.decode(reader), reader.position - 8, {}
        for number in range(1, 65):
            if present >> number - 1 & 1:
                row = Reader(reader.take(U32.decode(reader)))
                if number in self.rows:
                    name, codec = self.rows[number]
                    found[name] = codec.decode(row)
                    if row.left():
                        raise EncodingError(f"{row.left()} bytes are left behind {name}")
        if reader.position - begin > self.size:
            raise EncodingError(f"{self.made.__name__} takes at most {self.size} bytes")
        return self.made(**found)


class Array:
    """A list of exactly `length`; bytes where the elements are u8."""
    limit = None

    def __init__(self, codec, length):
        self.codec, self.length, self.size = codec, length, length * codec.size

    def encode(self, out, value):
        if len(value) != self.length:
            raise EncodingError(f"{len(value)} elements, and {self.length} are wanted")
        _encode_elements(self.codec, out, value)

    def decode(self, reader):
        return _decode_elements(self.codec, self.length, reader)


class Sequence:
    """A list of at most `limit`; bytes where the elements are u8."""

    def __init__(self, codec, limit):
        self.codec, self.limit, self.size = codec, limit, 4 + limit * codec.size

    count = staticmethod(len)

    def encode(self, out, value):
        if len(value) > self.limit:
            raise EncodingError(f"{len(value)} elements, and at most {self.limit} are taken")
        U32.encode(out, len(value))
        _encode_elements(self.codec, out, value)

    def decode(self, reader):
        return _decode_elements(self.codec, _decode_length(reader, self.limit), reader)


class Bytes:
    """At most `limit` of them."""

    def __init__(self, limit):
        self.limit, self.size = limit, 4 + limit

    count = staticmethod(len)

    def encode(self, out, value):
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise EncodingError(f"{value!r} is no bytes")
        if len(value) > self.limit:
            raise EncodingError(f"{len(value)} bytes, and at most {self.limit} are taken")
        U32.encode(out, len(value))
        out += value

    def decode(self, reader):
        return bytes(reader.take(_decode_length(reader, self.limit)))


class String:
    """Text of at most `limit` bytes in UTF-8, without U+0000."""

    def __init__(self, limit):
        self.limit, self.size, self.bytes = limit, 4 + limit, Bytes(limit)

    @staticmethod
    def count(value):
        return len(value.encode(errors="surrogatepass"))

    def encode(self, out, value):
        if not isinstance(value, str) or "\0" in value:
            raise EncodingError(f"{value!r} is no text without U+0000")
        try:
            self.bytes.encode(out, value.encode())
        except UnicodeEncodeError as error:
            raise EncodingError(str(error)) from None

    def decode(self, reader):
        encoded = self.bytes.decode(reader)
        try:
            text = encoded.decode()
        except UnicodeDecodeError as error:
            raise EncodingError(str(error)) from None
        if "\0" in text:
            raise EncodingError("text with U+0000")
        return text


def _decode_length(reader, limit):
    length = U32.decode(reader)
    if length > limit:
        raise EncodingError(f"{length} elements, and at most {limit} are taken")
    return length


def _encode_elements(codec, out, values):
    if codec is U8 and isinstance(values, (bytes, bytearray)):
        out += values
        return
    for number, value in enumerate(values):
        try:
            codec.encode(out, value)
        except EncodingError as error:
            raise EncodingError(f"[{number}]: {error}") from None


def _decode_elements(codec, count, reader):
    if codec is U8:
        return bytes(reader.take(count))
    return [codec.decode(reader) for _ in range(count)]


U8, U16, U32, U64 = (Integer(bits, False) for bits in (8, 16, 32, 64))
I8, I16, I32, I64 = (Integer(bits, True) for bits in (8, 16, 32, 64))
F32, F64, BOOL = Float(32), Float(64), Bool()
