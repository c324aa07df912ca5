#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the stream transport in Python: stream.py IDLC TREE. Prints TAP.

For every interface of tests/idlc/good and of idl/: random values go from a generated client to a generated server and
back, and the bytes on the way are exactly those of stream_oracle.py, which knows the documented encoding and not the
tools. Each type gets encodings that it does not have: the server names the parameter, its handler never runs, and it
answers the next request. Broken frames of all kinds are answered as documented.
"""
import importlib
import logging
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from salto import tap

ROUNDS = 20
SEED = 20260
REQUEST, REPLY, ONEWAY = 0, 1, 2
BAD_TAG, BAD_OPERATION, BAD_ARGUMENT, ABANDONED, NO_BUFFER = 3, 5, 13, 18, 19


class Values:
    """Values of the oracle as those of a generated module, and back."""

    def __init__(self, oracle, module, library):
        self.oracle, self.module, self.library = oracle, module, library

    def attribute(self, thing, name):
        """What is called so in the file."""
        return next(getattr(thing, candidate) for candidate in (name, f"{name}_") if hasattr(thing, candidate))

    def named(self, name):
        """The class of a declaration, or what is called so."""
        return self.attribute(self.module, name.removeprefix(f"{self.library}.").replace(".", "_"))

    def given(self, type_, value):
        """As a program has it."""
        kind, declaration = self.oracle.shape(type_)
        if kind in ("enum", "flags"):
            known = kind == "flags" or value in {member["value"] for member in declaration["members"]}
            return self.named(declaration["name"])(value) if known else value
        if kind in ("array", "sequence") and not isinstance(value, bytes):
            element = type_["of"] if kind == "array" else self.oracle.elements(type_, declaration)[0]
            return [self.given(element, inner) for inner in value]
        if declaration is None or isinstance(value, bytes):
            return value
        members = declaration["members"]
        if kind == "optional":
            return None if value is None else self.given(members[1]["type"], value[0])
        return self.composed(kind, declaration, value)

    def composed(self, kind, declaration, value):
        members, made = declaration["members"], self.named(declaration["name"])
        if kind == "struct":
            return made(*[self.given(member["type"], field) for member, field in zip(members, value)])
        numbered = {member["number"]: member for member in members}
        if kind == "union":
            member = numbered[value[0]]
            return self.attribute(made, member["name"])(self.given(member["type"], value[1]))
        rows = made()
        for number, row in value.items():
            name = numbered[number]["name"]
            setattr(rows, name if hasattr(rows, name) else f"{name}_", self.given(numbered[number]["type"], row))
        return rows


class Recorded:
    """A stream that keeps what was written and read."""

    def __init__(self, stream):
        self.stream, self.written, self.was_read = stream, b"", b""

    def write(self, data, deadline=None):
        self.written += data
        self.stream.write(data, deadline)

    def read(self, deadline=None):
        data = self.stream.read(deadline)
        self.was_read += data
        return data

    def taken(self):
        """Both, since the last time."""
        taken, self.written, self.was_read = (self.written, self.was_read), b"", b""
        return taken


class Pair:
    """A generated client and a server of an interface, with a stream between them. The server does what `answer` says,
    a function of operation and inputs."""

    def __init__(self, tests, values, interface):
        name = values.named(f"{interface['name']}Client").__name__.removesuffix("Client")
        self.runtime, self.handled, self.answer, self.seen = tests.runtime, [], None, threading.Semaphore(0)
        ends = self.connect(tests, interface)
        self.client_end, self.server_end = (Recorded(tests.runtime.Stream.of_socket(end)) for end in ends)
        self.client = getattr(values.module, f"{name}Client")(self.client_end, timeout=20)
        for operation in self.client._OPERATIONS:  # pylint: disable=protected-access
            operation.timeout = None  # what takes 20 ms at most would depend on the host's speed
        base = getattr(values.module, f"{name}Server")
        methods = {method: self.handler(method) for method in base.__abstractmethods__}
        self.server = type("Served", (base,), methods)()
        self.thread = threading.Thread(target=tests.runtime.serve, args=(self.server, self.server_end), daemon=True)
        self.thread.start()
        self.socket = ends[0]

    @staticmethod
    def serves(_operation):
        """Does what is tested serve operations of this kind?"""
        return True

    def connect(self, _tests, _interface):
        """Client's and server's socket."""
        return socket.socketpair()

    def handler(self, method):
        def handle(_server, *inputs):
            self.handled.append((method, inputs))
            self.seen.release()
            return self.answer(method, inputs)
        return handle

    def raw(self, data):
        """Sends bytes, and returns the one frame that comes back: status and parameter, sequence."""
        self.socket.sendall(data)
        return self.received()

    def received(self):
        self.socket.settimeout(20)
        head = b""
        while len(head) < 28 or len(head) < 28 + struct.unpack_from("<I", head, 4)[0]:
            wanted = 28 + struct.unpack_from("<I", head, 4)[0] if len(head) >= 8 else 28
            more = self.socket.recv(wanted - len(head))
            if not more:
                raise ConnectionError("the server ended the stream")
            head += more
        self.socket.setblocking(True)
        sequence, status, parameter = struct.unpack_from("<IiH", head, 12)
        return -status, parameter, sequence

    def close(self):
        self.socket.close()
        self.thread.join(20)
        return not self.thread.is_alive()


class Tests:
    """idlc, the tree, modules and the report."""

    def __init__(self, idlc, tree, work):
        self.idlc, self.tree, self.work = os.path.abspath(idlc), pathlib.Path(os.path.abspath(tree)), pathlib.Path(work)
        sys.path[:0] = [str(self.tree / "tools"), work]
        self.model, self.runtime = importlib.import_module("idl_model"), importlib.import_module("salto_stream")
        self.report, self.random = tap.Report(), random.Random(SEED)
        self.oracle_of = importlib.import_module("stream_oracle")

    def sources(self):
        return [*sorted((self.tree / "tests/idlc/good").glob("*.idl")), self.tree / "tests/idlc/tools/shop.idl",
                *sorted((self.tree / "idl").glob("*.idl"))]

    def module(self, source):
        """The generated module of a file: what the command line makes of it."""
        name = f"made_{source.stem}"
        done = subprocess.run([sys.executable, "-B", self.tree / "tools/idl_python.py", "--idlc", self.idlc, "-o",
                               self.work / f"{name}.py", source],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode or done.stderr:
            raise AssertionError(done.stderr)
        sys.modules.pop(name, None)  # each has operations of its own
        return importlib.import_module(name)


# ---- Round trips -----------------------------------------------------------------------------------------------------

def capacities(operation, oracle):
    """What a client takes of each long result, as it is sent."""
    taken = b""
    for output in operation.get("reply", {}).get("parameters", ()):
        kind = output["type"]["kind"]
        if kind in ("bytes", "string", "sequence"):
            most = oracle.elements(output["type"], None)[1] if kind == "sequence" else output["type"]["length"]
            taken += struct.pack("<I", most)
    return taken


def encode_all(oracle, parameters, values):
    return b"".join(oracle.encode(parameter["type"], value) for parameter, value in zip(parameters, values))


class RoundTrip:
    """An operation, called once: what is wrong, or None."""

    def __init__(self, pair, values, operation, sequence):
        self.pair, self.values, self.operation, self.sequence = pair, values, operation, sequence
        self.oracle, self.outputs = values.oracle, operation.get("reply", {}).get("parameters", [])
        self.inputs = operation["request"]["parameters"]

    def frame(self, kind, payload, status=0):
        label = self.operation["label"]
        return sys.modules["stream_oracle"].frame(kind, label >> 16, label & 0xffff, self.sequence, payload, status)

    def run(self):
        sent, answer = ([self.oracle.value(parameter["type"]) for parameter in parameters]
                        for parameters in (self.inputs, self.outputs))
        error = self.some_error()
        wanted = [self.values.given(output["type"], value) for output, value in zip(self.outputs, answer)]
        self.pair.answer = lambda *_: self.give(wanted, error)
        given = [self.values.given(parameter["type"], value) for parameter, value in zip(self.inputs, sent)]
        got = self.call(given)
        if not self.pair.seen.acquire(timeout=20):
            return f"no handler ran: {got}"
        return (self.wrong_result(got, wanted, error) or self.wrong_bytes(sent, answer, error)
                or self.wrong_inputs(given))

    def some_error(self):
        raised = self.operation.get("raises")
        if not raised or self.oracle.random.random() < 0.7:
            return None
        return self.oracle.random.choice(self.oracle.known[raised]["members"])["value"]

    def give(self, wanted, error):
        if error is not None:
            raise self.values.named(self.operation["raises"])(error)
        return None if not wanted else wanted[0] if len(wanted) == 1 else tuple(wanted)

    def call(self, given):
        """The results as a list, or the error."""
        try:
            got = self.values.attribute(self.pair.client, self.operation["name"])(*given)
        except self.pair.runtime.DeclaredError as error:
            return error
        return [] if got is None and not self.outputs else [got] if len(self.outputs) == 1 else list(got)

    def wrong_result(self, got, wanted, error):
        if error is not None:
            return None if getattr(got, "error", None) == error else f"{error} was raised, and came as {got!r}"
        same = repr(got) == repr(wanted) and got == wanted or repr(wanted).count("nan") and repr(got) == repr(wanted)
        return None if same else f"{wanted} became {got}"

    def wrong_bytes(self, sent, answer, error):
        payload = encode_all(self.oracle, self.inputs, sent) + capacities(self.operation, self.oracle)
        oneway = self.operation["kind"] != "call"
        request = self.frame(ONEWAY if oneway else REQUEST, payload)
        results = b"" if error is not None else encode_all(self.oracle, self.outputs, answer)
        reply = b"" if oneway else self.frame(REPLY, results, error or 0)
        seen = self.pair.client_end.taken(), self.pair.server_end.taken()
        if seen != ((request, reply), (reply, request)):
            return f"{sent} and {answer} are {request.hex(' ')} and {reply.hex(' ')}, and were {seen}"
        cursor = sys.modules["stream_oracle"].Cursor(results)
        back = [self.oracle.decode(output["type"], cursor) for output in self.outputs] if error is None else answer
        return None if repr(back) == repr(answer) else f"the oracle does not understand itself: {answer}"

    def wrong_inputs(self, given):
        handled = self.pair.handled.pop()
        return None if repr(handled[1]) == repr(tuple(given)) else f"{given} came as {handled[1]}"


def check_round_trips(tests, values, pair, operations):
    wrong, sequence = [], 0
    for operation in operations:
        for _ in range(ROUNDS):
            sequence += 1
            fault = RoundTrip(pair, values, operation, sequence).run()
            wrong += [f"{operation['name']}: {fault}"] if fault else []
    return wrong[:3]


# ---- What is wrong ---------------------------------------------------------------------------------------------------

class Hostile:
    """Requests to a pair that it must refuse."""

    def __init__(self, tests, values, pair, operations):
        self.tests, self.values, self.pair, self.operations = tests, values, pair, operations
        self.oracle, self.frame, self.wrong = values.oracle, sys.modules["stream_oracle"].frame, []
        pair.answer = lambda *_: (_ for _ in ()).throw(AssertionError("a handler ran"))

    def expect(self, text, data, *wanted):
        """The bytes are answered with this error, parameter and sequence, and no handler runs."""
        try:
            got = self.pair.raw(data)
        except OSError as error:
            got = str(error)
        if got != wanted or self.pair.handled:
            self.wrong.append(f"{text}: wanted {wanted}, got {got}, handled {self.pair.handled[:1]}")
            self.pair.handled.clear()

    def payloads(self, operation):
        """Parameter's number (0: none), what is wrong, and a payload with this fault."""
        inputs = operation["request"]["parameters"]
        pieces = [self.oracle.encode(parameter["type"], self.oracle.value(parameter["type"])) for parameter in inputs]
        rooms = capacities(operation, self.oracle)
        for number, parameter in enumerate(inputs):
            for name, broken in self.oracle.broken(parameter["type"]):
                yield number + 1, f"{parameter['name']}: {name}", b"".join(
                    (*pieces[:number], broken, *pieces[number + 1:], rooms))
        right = b"".join(pieces) + rooms
        yield 0, "a byte more", right + b"\0"
        for length in sorted({len(right) - 1, len(right) // 2, 0} - {-1, len(right)}):
            yield None, f"{length} of {len(right)} bytes", right[:length]
        outputs = operation.get("reply", {}).get("parameters", [])
        long = [number for number, output in enumerate(outputs, 1)
                if output["type"]["kind"] in ("bytes", "string", "sequence")]
        for place, number in enumerate(long):
            yield len(inputs) + number, "room beyond the limit", b"".join(pieces) + rooms[:place * 4] + b"\xff" * 4 + \
                rooms[place * 4 + 4:]

    def check_types(self):
        for operation in self.operations:
            if operation["kind"] != "call":
                continue
            limit = self.pair.server._reader().limit  # pylint: disable=protected-access
            for number, text, payload in self.payloads(operation):
                label = operation["label"]
                data = self.frame(REQUEST, label >> 16, label & 0xffff, 5, payload)
                if len(payload) > limit:
                    self.expect(f"{operation['name']}: {text}", data, NO_BUFFER, 0, 0)
                    self.expect("the next request", self.frame(REQUEST, 0xfffe, 0, 6), BAD_OPERATION, 0, 6)
                elif number is None:
                    got = self.pair.raw(data)
                    if got[0] != BAD_ARGUMENT or got[1] == 0 or self.pair.handled:
                        self.wrong.append(f"{operation['name']}: {text}: {got}")
                else:
                    self.expect(f"{operation['name']}: {text}", data, BAD_ARGUMENT if number else BAD_TAG, number, 5)

    def check_operations(self, interface):
        """Operations that are not there, or cannot cross, or of the wrong kind."""
        numbers = {operation["number"] for operation in self.tests.all_operations(interface)}
        free = next(number for number in range(100) if number not in numbers)
        self.expect("no such operation", self.frame(REQUEST, interface["id"], free, 6), BAD_OPERATION, 0, 6)
        self.expect("no such interface", self.frame(REQUEST, 0xfffe, 1, 7), BAD_OPERATION, 0, 7)
        for operation in self.tests.all_operations(interface):
            label, crossing = operation["label"], self.tests.crossing(operation)
            if operation["kind"] == "call" and crossing:
                self.expect(f"{operation['name']} crosses", self.frame(REQUEST, label >> 16, label & 0xffff, 8),
                            BAD_OPERATION, crossing, 8)
                self.check_crossing_client(operation)
            elif operation["kind"] != "call" or not self.pair.serves(operation):
                self.expect(f"{operation['name']} as a call", self.frame(REQUEST, label >> 16, label & 0xffff, 9),
                            BAD_OPERATION, 0, 9)

    def check_crossing_client(self, operation):
        """The client says which parameter it is, and sends nothing."""
        inputs = operation["request"]["parameters"]
        name = self.tests.all_parameters(operation)[self.tests.crossing(operation) - 1]["name"]
        try:
            self.values.attribute(self.pair.client, operation["name"])(*[None] * len(inputs))
            self.wrong.append(f"{operation['name']} was called")
        except self.pair.runtime.TransportError as error:
            right = error.error == BAD_OPERATION and error.parameter == f"{operation['name']}.{name}"
            if not right or "cross" not in str(error):
                self.wrong.append(f"{operation['name']}: {error}")

    def check_frames(self):
        """Broken frames, each answered once, and what comes behind them is understood."""
        right = self.frame(REQUEST, 0xfffe, 0, 11)
        limit = self.pair.server._reader().limit  # pylint: disable=protected-access
        cases = [("another mark", {"mark": b"\x53\x9d"}, BAD_TAG), ("version 0", {"version": 0}, BAD_TAG),
                 ("version 2", {"version": 2}, BAD_TAG), ("kind 3", {"kind": 3}, BAD_TAG),
                 ("reserved", {"reserved": 1}, BAD_TAG), ("another checksum", {"checksum": 1}, BAD_TAG),
                 ("longer than is taken", {"length": limit + 1}, NO_BUFFER),
                 ("length -1", {"length": 0xffffffff}, NO_BUFFER)]
        cases += [(f"a request with {key}", {key: value}, BAD_TAG)
                  for key, value in (("status", 1), ("parameter", 1), ("sequence", 0))]
        for text, changed, error in cases:
            fields = {"kind": REQUEST, "sequence": 11, **changed}
            broken = self.frame(fields.pop("kind"), 0xfffe, 0, fields.pop("sequence"), b"", **fields)
            self.expect(text, broken, error, 0, 0)
            self.expect(f"{text}: the next request", right, BAD_OPERATION, 0, 11)
        self.check_noise(right)

    def check_noise(self, right):
        """Bytes that are nothing, and frames with bytes flipped or lost."""
        for count in (1, 2, 3, 23, 24, 100, 5000):
            noise = self.tests.random.randbytes(count).replace(b"\x53", b"\0")
            self.expect(f"{count} random bytes", noise, BAD_TAG, 0, 0)
            self.expect(f"{count} random bytes: the next request", right, BAD_OPERATION, 0, 11)
        for place in range(len(right)):
            lost = right[:place] + right[place + 1:]
            got = self.answers(lost + right + right)
            if got[0] not in ((BAD_TAG, 0, 0), (NO_BUFFER, 0, 0)) or got[-1] != (BAD_OPERATION, 0, 11):
                self.wrong.append(f"byte {place} lost: {got}")

    def answers(self, data):
        """All answers, up to that of a request of its own behind the bytes."""
        self.pair.socket.sendall(data + self.frame(REQUEST, 0xfffe, 0, 99))
        got = [self.pair.received()]
        while got[-1][2] != 99:
            got.append(self.pair.received())
        return got[:-1]


def check_grown_table(tests, pair, name):
    """Rows that were retired, and those of a newer version, are skipped whatever they hold, but not more than can be."""
    options, label = [], 0x54800005
    pair.answer = lambda _, inputs: options.append(inputs[0]) or inputs[0]

    def answer(*rows):
        present = sum(1 << number - 1 for number, _ in rows)
        payload = struct.pack("<Q", present) + b"".join(struct.pack("<I", len(row)) + row for _, row in rows)
        frame = sys.modules["stream_oracle"].frame(REQUEST, label >> 16, label & 0xffff, 3, payload)
        return pair.raw(frame)

    got = [answer((1, b"\1"), (3, b"\xff" * 8), (60, b"newer"), (64, b"")), answer((1, b"\1"), (60, bytes(640)))]
    seen = [(row.read_only, row.pages, row.shape, row.color, row.corners) for row in options]
    tests.report.add(got == [(0, 0, 3), (BAD_ARGUMENT, 1, 3)] and seen == [(True, None, None, None, None)],
                     f"{name}: a table of another version", f"{got} {options}")


def check_interface(tests, source, values, interface, made=Pair):
    pair, name = made(tests, values, interface), f"{source.stem}, {interface['name']}"
    operations = [operation for operation in tests.all_operations(interface)
                  if not tests.crossing(operation) and pair.serves(operation)]
    wrong = check_round_trips(tests, values, pair, operations)
    tests.report.add(not wrong, f"{name}: {len(operations)} operations go round", *wrong)
    hostile = Hostile(tests, values, pair, operations)
    hostile.check_types()
    hostile.check_operations(interface)
    hostile.check_frames()
    if interface["name"] == "variants.Variants":
        check_grown_table(tests, pair, name)
    tests.report.add(not hostile.wrong, f"{name}: what is wrong is refused", *hostile.wrong[:5])
    tests.report.add(pair.close(), f"{name}: the server ends with its stream")


def check_file(tests, source, made=Pair):
    program = tests.model.read_json(tests.idlc, source)
    tests.random.seed(f"{SEED} {source.stem}")  # whatever other files there are
    model = tests.model.Model(program)
    tests.all_operations, tests.crossing, tests.all_parameters = model.all_operations, model.crossing, model.parameters
    oracle = tests.oracle_of.Oracle(program, tests.random)
    values = Values(oracle, tests.module(source), model.library)
    for interface in model.interfaces():
        if made is Pair or (interface["file"] == 0 and model.all_operations(interface)):
            check_interface(tests, source, values, interface, made)


# ---- Streams of every kind -------------------------------------------------------------------------------------------

class Shop:
    """What the server of the example does."""

    def __init__(self, made):
        self.made, self.told = made, threading.Event()

    def methods(self):
        return {"state": lambda _: 7, "pay": None, "count": self.late, "buy": self.buy,
                "advertise": None}

    def late(self):
        self.told.wait(20)
        return 1, self.made.Stuff.WOOD, True

    def buy(self, _wishes, budget, note):
        if budget == 0:
            raise self.made.Error(self.made.Error.Code.SOLD_OUT)
        if budget == 1:
            raise ValueError("a fault in the handler")
        part = self.made.depot_Part(1, 2)
        return self.made.Article(budget, self.made.Color.GREEN, bytes(16), [part, part]), note * 20


def ways(tests, made):
    """Pairs of streams: client's and server's."""
    stream = tests.runtime.Stream
    there, back = os.pipe(), os.pipe()
    yield "pipes", stream(back[0], there[1]), stream(there[0], back[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = stream.connect(*listener.getsockname())
        yield "TCP", client, stream.of_socket(listener.accept()[0])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tests.work / "socket"))
        listener.listen()
        client = stream.connect_unix(str(tests.work / "socket"))
        yield "a socket in the file system", client, stream.of_socket(listener.accept()[0])
    os.mkfifo(tests.work / "there")
    there = [os.open(tests.work / "there", os.O_RDWR) for _ in range(2)]
    back = os.pipe()
    yield "a named pipe", stream(back[0], there[0]), stream(there[1], back[1])


def error_of(tests, function, *arguments):
    try:
        return function(*arguments)
    except (tests.runtime.TransportError, tests.runtime.DeclaredError, tests.runtime.EncodingError) as error:
        return type(error).__name__, getattr(error, "error", 0), str(error)


def check_errors(tests, client, made):
    """What a caller is told."""
    wrong = []
    for wanted, arguments in ((("Error", 1, "sold_out: Come back tomorrow."), (made.Wishes.QUICK, 0, "")),
                              (("TransportError", ABANDONED, "ABANDONED: buy: the handler failed"),
                               (made.Wishes(0), 1, "")),
                              (("EncodingError", 0, "buy: note: 31"), (made.Wishes(0), 2, "x" * 31)),
                              (("EncodingError", 0, "buy: wishes: 64"), (64, 2, "")),
                              (("EncodingError", 0, "buy: budget: -1"), (made.Wishes(0), -1, ""))):
        got = error_of(tests, client.buy, *arguments)
        if got[:2] != wanted[:2] or not got[2].startswith(wanted[2][:12]):
            wrong.append(f"wanted {wanted}, got {got}")
    got = error_of(tests, lambda: client.buy(made.Wishes(0), 5, "abc", receipt_limit=59))
    return wrong + ([] if got[:2] == ("TransportError", ABANDONED) else [f"more than the client takes: {got}"])


def check_way(tests, made, client_stream, server_stream):
    shop = Shop(made)
    server = type("Served", (made.ShopServer,), shop.methods())()
    thread = threading.Thread(target=tests.runtime.serve, args=(server, server_stream), daemon=True)
    thread.start()
    client = made.ShopClient(client_stream)
    wrong = check_errors(tests, client, made)
    article, receipt = client.buy(made.Wishes.QUIET, 5, "é")
    wrong += [] if (article.price, receipt, client.state()) == (5, "é" * 20, 7) else [f"{article} {receipt}"]
    got = error_of(tests, client.count)
    wrong += [] if got == ("TransportError", 9, "TIMEOUT: no answer came in time") else [f"a late answer: {got}"]
    shop.told.set()
    return thread, client, wrong


def check_late(thread, client, client_stream, server_stream, wrong):
    """The answer that came too late is dropped; the server ends with its client, if nobody else has the stream open."""
    wrong += [] if client.state() == 7 else ["a late answer was taken for another's"]
    client_stream.close()
    if client_stream.output == client_stream.input:
        thread.join(20)
        wrong += ["the server goes on"] if thread.is_alive() else []
        server_stream.close()


def check_streams(tests):
    made = tests.module(tests.tree / "tests/idlc/tools/shop.idl")
    for way, client_stream, server_stream in ways(tests, made):
        thread, client, wrong = check_way(tests, made, client_stream, server_stream)
        check_late(thread, client, client_stream, server_stream, wrong)
        tests.report.add(not wrong, f"over {way}", *wrong)


def check_dead_server(tests):
    made = importlib.import_module("made_shop")
    ends = socket.socketpair()
    client = made.ShopClient(tests.runtime.Stream.of_socket(ends[0]))
    ends[1].close()
    got = [error_of(tests, client.state) for _ in range(2)]
    tests.report.add([error[:2] for error in got] == [("TransportError", 6)] * 2, "a server that is gone", str(got))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    logging.getLogger("salto_stream").setLevel(logging.CRITICAL)  # what handlers do wrong here is meant
    with tempfile.TemporaryDirectory() as work:
        tests = Tests(*sys.argv[1:], work)
        for source in tests.sources():
            check_file(tests, source)
        check_streams(tests)
        check_dead_server(tests)
    return tests.report.finish()


if __name__ == "__main__":
    sys.exit(main())
