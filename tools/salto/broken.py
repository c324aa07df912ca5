# SPDX-License-Identifier: BSD-2-Clause
"""Messages that are broken in every way that an interface allows, made of what `idlc json` says of it, with what must come of
each. docs/broken-messages.md has the kinds; tests/guest/broken_messages sends them.

A Message is the operation's own with valid values (class Base) and one thing changed. Places of its cells are words, and
ITEM + i for items; what a cell holds is a number, or something that only the sender knows (a handle, an address).
"""
import dataclasses
import itertools
import json
import subprocess

KINDS = ("operation-off-by-one", "operation-huge", "length-0", "length-minus-1", "length-over-limit", "length-beyond-sent",
         "capability-missing", "capability-surplus", "capability-wrong", "enum", "tag", "flag", "UTF-8", "truncated",
         "changed-after-sending", "reply-for-call", "client-killed")
(OFF_BY_ONE, HUGE, LENGTH_0, LENGTH_MINUS_1, OVER, LONGER, MISSING, SURPLUS, WRONG, ENUM, TAG, FLAG, TEXT, TRUNCATED,
 CHANGED, REPLY, KILLED) = range(len(KINDS))

# kernel/abi/message.h
REGISTER_WORDS, MAX_WORDS, MAX_ITEMS = 6, 63, 7
NATIVE, PLAIN_REPLY, ALL_PLAIN = 0x80000000, 0x80000007, 6
OPERATION_CALL, OPERATION_REPLY_AND_WAIT, OPERATION_SEND, OPERATION_REPLY = 1, 2, 3, 5
WORDS_BIT_TOO_MUCH = 1 << 6 # a reserved bit of the tag, behind those of the number of words
MINUS_1 = (1 << 64) - 1
ITEM = 64 # the place of item 0
RIGHTS = {"read": 1, "write": 2, "execute": 4, "copy": 8}
ALL_RIGHTS = 15

# What stands in a cell.
(NUMBER,      # as it is
 HANDLE,      # of the sender's capability to an object of the interface with that id, ...
 POWERLESS,   # ... of a copy of it without any right
 CAPABILITY,  # an item: that capability, copied
 POWERLESS_ITEM,
 STRING,      # an item: bytes of the pool
 NOWHERE,     # an item: as many bytes where no memory is
 PAGE,        # an item: a page of the sender's, with these rights
 ) = range(8)

# What must come of a message.
(KERNEL,   # the kernel's error, in place of a tag
 REFUSED,  # the dispatcher's error, which names the parameter
 FAILED,   # any error
 SENT,     # nothing: it is gone, and not answered
 DONE,     # success
 ) = range(5)


class BrokenError(Exception):
    """An interface of which no messages can be made."""


@dataclasses.dataclass
class Outcome:
    what: int
    error: str = "NONE"
    parameter: int = 0


@dataclasses.dataclass
class Message:
    kind: int
    tag: int
    target: tuple # (HANDLE or POWERLESS, interface id), or (NUMBER, handle)
    cells: dict   # place: (what, value)
    outcome: Outcome


@dataclasses.dataclass
class Operation:
    name: str
    target: int # interface id
    messages: list
    kinds: set  # those that come of no message: CHANGED, KILLED


def message_tag(operation, words, items):
    if items == 0 and words <= REGISTER_WORDS and operation == OPERATION_CALL:
        return NATIVE + words
    return NATIVE | operation << 8 | items << 12 | words


class Interfaces:
    """All declarations of some interface files, and the interfaces in the order of the files."""

    def __init__(self, idlc, files, folders):
        self.declarations, self.interfaces = {}, []
        for file in files:
            words = [idlc, "json", *(word for folder in folders for word in ("-I", folder)), file]
            read = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
            for one in read["declarations"]:
                if one["kind"] == "interface" and one["file"] == 0:
                    self.interfaces.append(one)
                self.declarations[one["name"]] = one

    def id_of(self, name):
        return self.declarations[name]["id"]

    def of(self, type_):
        """The declaration of a type that has one."""
        return self.declarations[type_["name"]]

    # ---- Valid values, as bytes ----------------------------------------------------------------------------------------

    def valid(self, type_):
        if type_["kind"] == "enum":
            return self.of(type_)["members"][0]["value"].to_bytes(type_["size"], "little", signed=type_["signed"])
        if type_["kind"] == "array":
            return self.valid(type_["of"]) * type_["length"]
        if type_["kind"] != "struct":
            return bytes(type_["size"])
        return self.valid_struct(self.of(type_))

    def valid_struct(self, declaration):
        members, value = declaration["members"], bytearray(declaration["size"])
        if declaration["kind"] == "union":
            members = members[:1]
            value[0:4] = members[0]["number"].to_bytes(4, "little")
        elif declaration["kind"] == "table":
            value[0:8] = sum(1 << one["number"] - 1 for one in members if not one.get("retired")).to_bytes(8, "little")
        for one in members:
            value[one["offset"]:one["offset"] + one["type"]["size"]] = self.valid(one["type"])
        if declaration["kind"] == "optional":
            value[members[0]["offset"]] = 1
        elif declaration["kind"] == "sequence":
            value[0:4] = (1).to_bytes(4, "little")
        return bytes(value)

    # ---- What makes them invalid: (kind, offset, bytes) ----------------------------------------------------------------

    def broken(self, type_, offset=0):
        if type_["kind"] == "bool":
            yield OVER, offset, b"\x02"
            yield OVER, offset, b"\xff"
        elif type_["kind"] in ("enum", "flags"):
            for kind, value in self.broken_values(type_):
                yield kind, offset, (value % (1 << type_["bits"])).to_bytes(type_["size"], "little")
        elif type_["kind"] == "array":
            for number in sorted({0, type_["length"] - 1}):
                yield from self.broken(type_["of"], offset + number * type_["of"]["size"])
        elif type_["kind"] == "struct":
            yield from self.broken_struct(self.of(type_), offset)

    def broken_struct(self, declaration, offset):
        members = declaration["members"]
        if declaration["kind"] == "union":
            behind = max(one["number"] for one in members) + 1
            for tag in (0, behind, 0xffffffff):
                yield TAG, offset, tag.to_bytes(4, "little")
            members = members[:1]
        elif declaration["kind"] == "optional":
            yield TAG, offset + members[0]["offset"], b"\x02"
            members = members[1:]
        elif declaration["kind"] == "sequence":
            most = members[1]["type"]["length"]
            yield OVER, offset, (most + 1).to_bytes(4, "little")
            yield LENGTH_MINUS_1, offset, b"\xff" * 4
            members = members[1:]
        for one in members:
            found = self.broken(one["type"], offset + one["offset"])
            # Of a sequence only the elements that are there count.
            yield from itertools.islice(found, 2) if declaration["kind"] == "sequence" else found

    def broken_values(self, type_):
        """(kind, value) that an enum or flags do not have, within its bits."""
        declaration = self.of(type_)
        values, width = [one["value"] for one in declaration["members"]], type_["bits"]
        if type_["kind"] == "flags":
            unknown = [1 << bit for bit in range(width) if not 1 << bit & sum(values)]
            return [(FLAG, value) for value in (unknown[:1] + unknown[-1:] if unknown else [])]
        if declaration["open"]:
            return []
        last = (1 << width - type_["signed"]) - 1
        free = next(value for value in range(last + 1) if value not in values)
        return [(ENUM, value) for value in sorted({free, last}) if value not in values]


class Base:
    """An operation's request with valid values."""

    def __init__(self, interfaces, interface, operation, pool):
        self.interfaces, self.interface, self.pool = interfaces, interface, pool
        self.request, self.oneway = operation["request"], operation["kind"] == "oneway"
        self.kernel, self.operation = interface["kernel"], operation
        self.kind = OPERATION_SEND if self.oneway else OPERATION_CALL
        self.words, self.items, self.label = self.request["words"], self.request["items"], operation["label"]
        self.data = bytearray(8 * self.words)
        self.special = {} # cells that are no numbers
        self.parameters = list(enumerate(self.request["parameters"], 1))
        self.results = [(number, one) for number, one in
                        enumerate(operation.get("reply", {"parameters": []})["parameters"], len(self.parameters) + 1)
                        if "capacity_word" in one]
        for _, parameter in self.parameters:
            self.fill(parameter)
        for _, result in self.results:
            self.put(result["capacity_word"], min(16, result["type"]["length"]))

    def put(self, word, value):
        self.data[8 * word:8 * word + 8] = (value & MINUS_1).to_bytes(8, "little")

    def fill(self, parameter):
        type_ = parameter["type"]
        if type_["kind"] == "capability":
            what, place = (CAPABILITY, ITEM + parameter["item"]) if "item" in parameter else (HANDLE, parameter["word"])
            self.special[place] = (what, self.interfaces.id_of(type_["name"]))
        elif type_["kind"] == "pages":
            self.special[ITEM + parameter["item"]] = (PAGE, rights_of(type_))
        elif type_["kind"] in ("string", "bytes", "sequence"):
            self.fill_bytes(parameter, self.some_bytes(type_))
        elif type_["kind"] in ("struct", "array"):
            self.data[8 * parameter["word"]:8 * parameter["word"] + type_["size"]] = self.interfaces.valid(type_)
        elif type_["kind"] == "enum":
            self.put(parameter["word"], self.interfaces.of(type_)["members"][0]["value"])

    def some_bytes(self, type_):
        unit = self.interfaces.valid(type_["of"]) if type_["kind"] == "sequence" else b"x"
        return unit * (min(type_["length"], 24) // len(unit))

    def fill_bytes(self, parameter, value):
        if "item" in parameter:
            self.special[ITEM + parameter["item"]] = (STRING, self.pool.add(value))
        else:
            self.put(parameter["word"], len(value))
            first = 8 * parameter["data_word"]
            self.data[first:first + len(value)] = value

    def cells(self, data=None, special=None):
        data = self.data if data is None else data
        found = {}
        for word in range(len(data) // 8):
            value = int.from_bytes(data[8 * word:8 * word + 8], "little")
            if value:
                found[word] = (NUMBER, value)
        return {**found, **self.special, **(special or {})}

    def with_bytes(self, offset, value):
        data = bytearray(self.data)
        data[offset:offset + len(value)] = value
        return self.cells(data)

    def with_word(self, word, value):
        return self.with_bytes(8 * word, (value & MINUS_1).to_bytes(8, "little"))

    def tag(self, label=None, words=None, items=None, kind=None):
        low = message_tag(self.kind if kind is None else kind, self.words if words is None else words,
                          self.items if items is None else items)
        return (self.label if label is None else label) << 32 | low


def rights_of(type_):
    return sum(RIGHTS[name] for name in type_["rights"])


class Pool:
    """Bytes that string items are sent of, each once."""

    def __init__(self):
        self.texts = []

    def add(self, text):
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


BAD_TEXTS = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x00b", b"ab\xe2\x82")


class Breaker:
    """Every broken message of one operation."""

    def __init__(self, interfaces, interface, operation, pool):
        self.interfaces, self.interface, self.operation = interfaces, interface, operation
        self.base = Base(interfaces, interface, operation, pool)
        self.kernel, self.target = interface["kernel"], (HANDLE, interface["id"])
        self.messages = []

    def add(self, kind, outcome, tag=None, cells=None, target=None):
        self.messages.append(Message(kind, self.base.tag() if tag is None else tag, target or self.target,
                                     self.base.cells() if cells is None else cells, outcome))

    def refusal(self, error, parameter=0):
        """What the dispatcher makes of it."""
        if self.kernel:
            return Outcome(KERNEL, error)
        return Outcome(SENT) if self.base.oneway else Outcome(REFUSED, error, parameter)

    def all(self):
        self.operations()
        self.lengths()
        self.shapes()
        self.targets()
        for number, parameter in self.base.parameters:
            self.parameter(number, parameter)
        for number, result in self.base.results:
            self.capacity(number, result)
        kinds, name = {KILLED}, f"{self.interface['name']}.{self.operation['name']}"
        if not self.kernel and name not in NEVER_SENT:
            self.add(KILLED, Outcome(FAILED))
        if self.may_change():
            kinds.add(CHANGED)
            self.changes()
        return Operation(name, self.interface["id"], self.messages, kinds)

    # ---- The label -----------------------------------------------------------------------------------------------------

    def operations(self):
        base, first, own = self.base, self.interface["id"] << 16, self.operation["number"]
        shapes = {one["number"]: int(one["request"]["tag"], 16) & 0xffffffff for one in self.interface["operations"]}
        last = max(shapes)
        for number in {own - 1, own + 1, min(shapes) - 1, last + 1} - {-1, 0x10000}:
            if shapes.get(number) != base.tag() & 0xffffffff:
                error = "BAD_TAG" if number in shapes else "BAD_OPERATION"
                self.add(OFF_BY_ONE, self.refusal(error), base.tag(first | number))
        for label in (first | 0xffff, 0xffffffff, 0xffff0000 | own):
            self.add(HUGE, self.refusal("BAD_OPERATION"), base.tag(label))

    # ---- The shape -----------------------------------------------------------------------------------------------------

    def lengths(self):
        """The number of words is the length of a message."""
        base = self.base
        if base.words:
            self.add(LENGTH_0, self.refusal("BAD_TAG"), base.tag(words=0))
            self.add(TRUNCATED, self.refusal("BAD_TAG"), base.tag(words=base.words - 1))
        if base.words != MAX_WORDS:
            self.add(LENGTH_MINUS_1, self.refusal("BAD_TAG"), base.tag(words=MAX_WORDS))
            self.add(LONGER, self.refusal("BAD_TAG"), base.tag(words=base.words + 1))
        low = NATIVE | base.kind << 8 | base.items << 12 | base.words | WORDS_BIT_TOO_MUCH
        self.add(OVER, Outcome(KERNEL, "BAD_TAG"), base.label << 32 | low)

    def shapes(self):
        """Items, and the kind of message."""
        base, task = self.base, (CAPABILITY, self.interfaces.id_of("kernel.Task"))
        if base.items:
            self.add(MISSING, self.refusal("BAD_TAG"), base.tag(items=base.items - 1))
        if base.items < MAX_ITEMS:
            self.add(SURPLUS, self.refusal("BAD_TAG"), base.tag(items=base.items + 1),
                     base.cells(special={ITEM + base.items: task}))
            self.add(SURPLUS, self.refusal("BAD_TAG"), base.tag(items=MAX_ITEMS),
                     base.cells(special={ITEM + i: task for i in range(base.items, MAX_ITEMS)}))
        self.add(REPLY, Outcome(KERNEL, "NO_CALLER"), base.tag(kind=OPERATION_REPLY), target=(NUMBER, 0))
        if base.oneway:
            self.add(REPLY, Outcome(REFUSED, "BAD_TAG"), base.tag(kind=OPERATION_CALL))
        elif not self.kernel:
            self.add(REPLY, Outcome(SENT), base.tag(kind=OPERATION_SEND))
        elif self.interface["name"] not in TAKE_SENDS:
            self.add(REPLY, Outcome(KERNEL, "BAD_TAG"), base.tag(kind=OPERATION_SEND))

    def targets(self):
        """The capability that it is sent by."""
        base, names = self.base, self.interfaces
        self.add(MISSING, Outcome(KERNEL, "BAD_HANDLE"), target=(NUMBER, 0))
        self.add(MISSING, Outcome(KERNEL, "BAD_HANDLE"), target=(NUMBER, MINUS_1))
        other = "kernel.Factory" if self.interface["name"] == "kernel.Clock" else "kernel.Clock"
        strange = base.items or base.oneway # what no object of the kernel takes
        self.add(WRONG, Outcome(KERNEL, "BAD_TAG" if strange else "BAD_OPERATION"), target=(HANDLE, names.id_of(other)))
        if not self.kernel or self.operation.get("right"):
            self.add(WRONG, Outcome(KERNEL, "NO_RIGHT"), target=(POWERLESS, self.interface["id"]))

    # ---- Parameters ----------------------------------------------------------------------------------------------------

    def parameter(self, number, parameter):
        kind = parameter["type"]["kind"]
        refusal = self.refusal("BAD_ARGUMENT", number)
        if kind in ("integer", "bool", "enum", "flags"):
            for what, value in self.words(parameter):
                self.add(what, refusal, cells=self.base.with_word(parameter["word"], value))
            self.stated_length(parameter)
        elif kind in ("struct", "array"):
            for what, offset, value in self.interfaces.broken(parameter["type"]):
                self.add(what, refusal, cells=self.base.with_bytes(8 * parameter["word"] + offset, value))
        elif kind == "capability":
            (self.item_capability if "item" in parameter else self.word_capability)(number, parameter)
        elif kind == "pages":
            self.pages(number, parameter)
        elif "item" in parameter:
            self.long_bytes(number, parameter)
        else:
            self.short_bytes(number, parameter)

    def words(self, parameter):
        """(kind, value) that a word of the type cannot have."""
        type_ = parameter["type"]
        kind = {"enum": ENUM, "flags": FLAG}.get(type_["kind"], OVER)
        if kind != OVER:
            yield from self.interfaces.broken_values(type_)
        bits = 1 if type_["kind"] == "bool" else type_["bits"]
        if bits == 64 or kind == ENUM and self.interfaces.of(type_)["open"]:
            return
        valid = int.from_bytes(self.interfaces.valid(type_), "little")
        yield kind, valid | 1 << (31 if type_["kind"] == "integer" and type_["signed"] and bits < 32 else 63)
        if type_["kind"] == "integer" and type_["signed"]:
            yield kind, 1 << bits - 1
            yield kind, -(1 << bits - 1) - 1
        else:
            yield kind, 1 << bits
            yield LENGTH_MINUS_1 if kind == OVER else kind, MINUS_1

    def stated_length(self, parameter):
        """An integer `length` says how much of the array behind it counts."""
        arrays = [one["type"]["length"] for _, one in self.base.parameters if one["type"]["kind"] == "array"]
        if parameter["name"] != "length" or len(arrays) != 1:
            return
        outcome = Outcome(KERNEL, "BAD_ARGUMENT") if self.kernel else Outcome(FAILED)
        for kind, value in ((OVER, arrays[0] + 1), (LENGTH_MINUS_1, 0xffffffff)):
            self.add(kind, outcome, cells=self.base.with_word(parameter["word"], value))

    def word_capability(self, number, parameter):
        type_ = parameter["type"]
        strange = "kernel.Factory" if type_["name"] == "kernel.Clock" else "kernel.Clock"
        for value in (0, 0xfffe, MINUS_1):
            self.add(MISSING, self.refusal("BAD_HANDLE", number), cells=self.base.cells(special={parameter["word"]: (NUMBER, value)}))
        cells = [(WRONG, (HANDLE, self.interfaces.id_of(strange)), "WRONG_TYPE")]
        if type_["rights"]:
            cells.append((WRONG, (POWERLESS, self.interfaces.id_of(type_["name"])), "NO_RIGHT"))
        for kind, cell, error in cells:
            self.add(kind, self.refusal(error, number), cells=self.base.cells(special={parameter["word"]: cell}))

    def item_capability(self, number, parameter):
        type_, place = parameter["type"], ITEM + parameter["item"]
        for value in (0, 0xfffe):
            self.add(MISSING, self.refusal("NO_SLOT", number), cells=self.base.cells(special={place: (NUMBER, value)}))
        powerless = (POWERLESS_ITEM, self.interfaces.id_of(type_["name"])) # which may not be copied
        self.add(WRONG, self.refusal("NO_SLOT", number), cells=self.base.cells(special={place: powerless}))
        if type_["name"] not in UNTYPED and self.interface["name"] not in UNTYPED: # the handler looks, no dispatcher
            clock = (CAPABILITY, self.interfaces.id_of("kernel.Clock"))
            self.add(WRONG, Outcome(FAILED), cells=self.base.cells(special={place: clock}))
        for cell in ((STRING, self.base.pool.add(b"no capability")), (PAGE, 1)):
            self.add(WRONG, Outcome(FAILED), cells=self.base.cells(special={place: cell}))

    def pages(self, number, parameter):
        place, rights = ITEM + parameter["item"], rights_of(parameter["type"])
        task = (CAPABILITY, self.interfaces.id_of("kernel.Task"))
        self.add(WRONG, self.refusal("BAD_ARGUMENT", number), cells=self.base.cells(special={place: task}))
        self.add(MISSING, self.refusal("NO_SLOT", number), cells=self.base.cells(special={place: (NUMBER, 0)}))
        self.add(WRONG, self.refusal("BAD_ARGUMENT", number),
                 cells=self.base.cells(special={place: (PAGE, rights & -rights if rights & rights - 1 else 2)}))
        for size, kind in ((0, LENGTH_0), (63, LENGTH_MINUS_1), (48, OVER)):
            item = 3 << 24 | rights << 16 | size << 32
            self.add(kind, Outcome(FAILED), cells=self.base.cells(special={place: (NUMBER, item)}))

    def short_bytes(self, number, parameter):
        """In words: a length, and the bytes."""
        type_, word = parameter["type"], parameter["word"]
        refusal, most = self.refusal("BAD_ARGUMENT", number), type_["length"]
        for kind, value in ((LENGTH_MINUS_1, MINUS_1), (LENGTH_MINUS_1, 0xffffffff), (OVER, most + 1), (OVER, 1 << 32),
                            (LONGER, 8 * parameter["data_words"] + 8)):
            self.add(kind, refusal, cells=self.base.with_word(word, value))
        self.add(LENGTH_0, Outcome(DONE), cells=self.base.with_word(word, 0))
        for text in BAD_TEXTS if type_["kind"] == "string" else ():
            base = bytearray(self.base.data)
            base[8 * word:8 * word + 8] = len(text).to_bytes(8, "little")
            base[8 * parameter["data_word"]:8 * parameter["data_word"] + len(text)] = text
            self.add(TEXT, refusal, cells=self.base.cells(base))
        if type_["kind"] == "sequence":
            self.elements(number, parameter, 8 * parameter["data_word"])

    def elements(self, number, parameter, first):
        element, refusal = parameter["type"]["of"], self.refusal("BAD_ARGUMENT", number)
        if element["size"] > 1:
            self.add(OVER, refusal, cells=self.base.with_word(parameter["word"], element["size"] + 1))
        for kind, offset, value in self.interfaces.broken(element):
            self.add(kind, refusal, cells=self.base.with_bytes(first + offset, value))

    def long_bytes(self, number, parameter):
        """In a string item."""
        type_, place, pool = parameter["type"], ITEM + parameter["item"], self.base.pool
        refusal, most = self.refusal("BAD_ARGUMENT", number), type_["length"]
        unit = self.interfaces.valid(type_["of"]) if type_["kind"] == "sequence" else b"y"

        def send(kind, outcome, cell):
            self.add(kind, outcome, cells=self.base.cells(special={place: cell}))

        send(LENGTH_0, Outcome(DONE), (STRING, pool.add(b"")))
        send(OVER, Outcome(FAILED), (STRING, pool.add(unit * (most // len(unit) + 1))))
        for kind, length in ((LENGTH_MINUS_1, 0xffffffff), (OVER, most + 1)):
            send(kind, Outcome(FAILED), (NOWHERE, length))
        send(LONGER, Outcome(KERNEL, "BAD_ADDRESS"), (NOWHERE, most))
        send(WRONG, Outcome(FAILED), (CAPABILITY, self.interfaces.id_of("kernel.Task")))
        send(MISSING, self.refusal("NO_SLOT", number), (NUMBER, 0))
        for text in BAD_TEXTS if type_["kind"] == "string" else ():
            send(TEXT, refusal, (STRING, pool.add(text)))
        if type_["kind"] == "sequence":
            if len(unit) > 1:
                send(OVER, refusal, (STRING, pool.add((unit * 2)[:len(unit) + 1])))
            for kind, offset, value in self.interfaces.broken(type_["of"]):
                send(kind, refusal, (STRING, pool.add(unit[:offset] + value + unit[offset + len(value):])))

    def capacity(self, number, result):
        most = result["type"]["length"]
        for kind, value in ((OVER, most + 1), (LENGTH_MINUS_1, MINUS_1), (LENGTH_MINUS_1, 0xffffffff)):
            self.add(kind, self.refusal("BAD_ARGUMENT", number), cells=self.base.with_word(result["capacity_word"], value))

    # ---- Changed after sending -----------------------------------------------------------------------------------------

    def may_change(self):
        """What travels in registers nobody can change."""
        return self.base.words > REGISTER_WORDS or self.base.request["strings"] > 0

    def changes(self):
        """The message as it is, and what it is changed to: all that lies in memory, to bytes of ones."""
        self.add(CHANGED, Outcome(FAILED))
        cells = self.base.cells()
        for word in range(REGISTER_WORDS, self.base.words):
            cells[word] = (NUMBER, MINUS_1)
        for place, (what, value) in list(cells.items()):
            if what == STRING:
                cells[place] = (STRING, self.base.pool.add(b"\xff" * len(self.base.pool.texts[value])))
        self.add(CHANGED, Outcome(FAILED), cells=cells)


UNTYPED = ("kernel.Endpoint", "specimen.Specimen") # whatever is handed over in its place is as good
NEVER_SENT = ("process.Child.start",) # whole: what runs then would run for ever
TAKE_SENDS = ("kernel.Notification", "kernel.Reply") # the two objects of the kernel to which programs send


def operations(interfaces, pool):
    return [Breaker(interfaces, interface, operation, pool).all() for interface in interfaces.interfaces
            for operation in interface["operations"]]
