# SPDX-License-Identifier: BSD-2-Clause
"""The stream transport of Salto's interfaces, for Python programs on the host: docs/stream-encoding.md.

What tools/idl_python.py generates stands on this: a client class calls operations over a Stream, a server class answers
them. Frames and streams are here, types in salto_codecs.py.

- A call returns the results, or raises the interface's own DeclaredError, or a TransportError: nothing else but
  EncodingError, where an argument is not of its type; then nothing has been sent.
- A server looks at nothing before all of a request was found to be right, and answers each that is not; no bytes that
  come in can end it.
"""
import dataclasses
import errno
import logging
import os
import select
import socket
import struct
import termios
import threading
import time
import tty
import zlib

from salto_codecs import (ERROR_ABANDONED, ERROR_BAD_ARGUMENT, ERROR_BAD_OPERATION, ERROR_BAD_TAG, ERROR_DEAD,
                          ERROR_NO_BUFFER, ERROR_TIMEOUT, EncodingError, Reader, U32)

VERSION = 1
MARK = b"\x53\x9c"
REQUEST, REPLY, ONEWAY = range(3)
HEADER = struct.Struct("<2sBBIHHIiHH")
CHECKSUM_SIZE = 4
CHUNK = 1 << 16
ERROR_TEXTS = {
    ERROR_BAD_TAG: ("BAD_TAG", "the message is malformed, or not what the operation takes"),
    ERROR_BAD_OPERATION: ("BAD_OPERATION", "there is no such operation, or it cannot cross a stream"),
    ERROR_DEAD: ("DEAD", "the stream has ended"),
    ERROR_TIMEOUT: ("TIMEOUT", "no answer came in time"),
    ERROR_BAD_ARGUMENT: ("BAD_ARGUMENT", "an argument is out of its range"),
    ERROR_ABANDONED: ("ABANDONED", "the handler failed"),
    ERROR_NO_BUFFER: ("NO_BUFFER", "the partner takes no message as long"),
}
_log = logging.getLogger("salto_stream")


class TransportError(Exception):
    """The transport failed, or the server refused the request: `error` is the number of ERROR_*, and `parameter` the
    name of the parameter that was wrong, if it was one."""

    def __init__(self, error, parameter="", detail=""):
        name, text = ERROR_TEXTS.get(error, (str(error), "an error of the server"))
        super().__init__(": ".join(part for part in (name, parameter, detail or text) if part))
        self.error, self.parameter = error, parameter


class DeclaredError(Exception):
    """An error that the interface declares; generated classes have its numbers in Code and their texts in TEXTS."""
    Code, TEXTS = None, {}

    def __init__(self, error):
        self.error = self.Code(error)
        super().__init__(f"{self.error.name.lower()}: {self.TEXTS[self.error]}")


# ---- Frames ----------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class Frame:
    """One message; its fields are those of the header."""
    kind: int
    interface: int
    operation: int
    sequence: int
    payload: bytes = b""
    status: int = 0
    parameter: int = 0

    def encode(self):
        head = HEADER.pack(MARK, VERSION, self.kind, len(self.payload), self.interface, self.operation, self.sequence,
                           self.status, self.parameter, 0)
        return head + self.payload + zlib.crc32(self.payload, zlib.crc32(head)).to_bytes(CHECKSUM_SIZE, "little")


class OutOfStep(Exception):
    """The receiver fell out of step, for the reason `error`."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class FrameReader:
    """Finds frames in bytes: feed() takes some, next() returns a Frame, or None if it needs more. `limit` is the
    longest payload that is taken. Raises OutOfStep once for each time that it falls out of step."""

    def __init__(self, limit):
        self.limit, self.bytes, self.in_step = limit, bytearray(), True

    def feed(self, more):
        self.bytes += more

    def next(self):
        while True:
            frame, error = self._first()
            if not error:
                self.in_step = self.in_step or frame is not None
                return frame
            mark = self.bytes.find(MARK, 1)  # or a byte at the end that may begin one
            self._drop(mark if mark > 0 else len(self.bytes) - (len(self.bytes) > 1 and self.bytes[-1] == MARK[0]))
            if self.in_step:
                self.in_step = False
                raise OutOfStep(error)

    def _drop(self, count):
        del self.bytes[:count]

    def _first(self):
        """The frame with which the bytes begin, if all of it is there, and what is wrong with them."""
        if not MARK.startswith(self.bytes[:2]):
            return None, ERROR_BAD_TAG
        if len(self.bytes) < HEADER.size:
            return None, 0
        header = HEADER.unpack_from(self.bytes)
        error = self._header_error(*header)
        end = HEADER.size + header[3]
        if error or len(self.bytes) < end + CHECKSUM_SIZE:
            return None, error
        if zlib.crc32(self.bytes[:end]) != int.from_bytes(self.bytes[end:end + CHECKSUM_SIZE], "little"):
            return None, ERROR_BAD_TAG
        _, _, kind, _, interface, operation, sequence, status, parameter, _ = header
        frame = Frame(kind, interface, operation, sequence, bytes(self.bytes[HEADER.size:end]), status, parameter)
        self._drop(end + CHECKSUM_SIZE)
        return frame, 0

    def _header_error(self, mark, version, kind, length, _interface, _operation, sequence, status, parameter, reserved):
        if mark != MARK or version != VERSION or kind > ONEWAY or reserved:
            return ERROR_BAD_TAG
        if kind != REPLY and (status or parameter or not sequence):
            return ERROR_BAD_TAG
        return ERROR_NO_BUFFER if length > self.limit else 0


# ---- Streams ---------------------------------------------------------------------------------------------------------

class Stream:
    """Bytes there and back, over two file descriptors, which can be one: of a socket, a terminal, pipes or files. It
    closes them with close(), or as a context manager. `owner` is whatever must stay open for as long."""

    def __init__(self, input_descriptor, output_descriptor=None, owner=None):
        self.input = input_descriptor
        self.output = input_descriptor if output_descriptor is None else output_descriptor
        self._owner = owner

    @classmethod
    def of_socket(cls, connected):
        return cls(connected.fileno(), owner=connected)

    @classmethod
    def connect(cls, host, port):
        """Over TCP."""
        connected = socket.create_connection((host, port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls.of_socket(connected)

    @classmethod
    def connect_unix(cls, path):
        """To a socket in the file system, such as QEMU's -serial unix:PATH,server=on."""
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(path)
        return cls.of_socket(connected)

    @classmethod
    def open(cls, path):
        """A device, which becomes raw if it is a terminal, or a file."""
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        if os.isatty(descriptor):
            tty.setraw(descriptor, termios.TCSANOW)
        return cls(descriptor)

    def read(self, deadline=None):
        """Some bytes; none at the end of the stream. Raises TransportError(TIMEOUT) at the deadline, a time of
        time.monotonic()."""
        self._wait(self.input, select.POLLIN, deadline)
        try:
            return os.read(self.input, CHUNK)
        except OSError as error:
            if error.errno in (errno.ECONNRESET, errno.EIO, errno.EPIPE):
                return b""
            raise

    def write(self, data, deadline=None):
        """All of it. Raises TransportError(DEAD) if nobody reads any more."""
        view = memoryview(data)
        while view:
            self._wait(self.output, select.POLLOUT, deadline)
            try:
                view = view[os.write(self.output, view):]
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise TransportError(ERROR_DEAD) from None

    @staticmethod
    def _wait(descriptor, events, deadline):
        if deadline is None:
            return
        poll = select.poll()
        poll.register(descriptor, events)
        if not poll.poll(max(0, deadline - time.monotonic()) * 1000):
            raise TransportError(ERROR_TIMEOUT)

    def close(self):
        if self._owner is not None:
            self._owner.close()
            return
        for descriptor in {self.input, self.output}:
            os.close(descriptor)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- Operations ------------------------------------------------------------------------------------------------------

class Operation:
    """What client and server know of an operation: `inputs` and `outputs` are pairs of name and codec. `crossing` is
    the number of the first parameter that cannot cross, or 0."""

    def __init__(self, name, method, label, *, inputs=(), outputs=(), raises=None, oneway=False, timeout=None,
                 crossing=0, parameters=()):
        self.name, self.method, self.interface, self.number = name, method, label >> 16, label & 0xffff
        self.inputs, self.outputs, self.raises, self.oneway, self.timeout = inputs, outputs, raises, oneway, timeout
        self.crossing, self.parameters = crossing, parameters or [name for name, _ in (*inputs, *outputs)]
        self.capacities = [(len(inputs) + number, name, codec) for number, (name, codec) in enumerate(outputs, 1)
                           if codec.limit is not None]

    def request_size(self):
        return sum(codec.size for _, codec in self.inputs) + 4 * len(self.capacities)

    def reply_size(self):
        return sum(codec.size for _, codec in self.outputs)

    def parameter_name(self, number):
        return self.parameters[number - 1] if 0 < number <= len(self.parameters) else ""

    def encode(self, named_codecs, values):
        out = bytearray()
        for (name, codec), value in zip(named_codecs, values):
            try:
                codec.encode(out, value)
            except (EncodingError, TypeError, AttributeError) as error:
                raise EncodingError(f"{self.name}: {name}: {error}") from None
        return out

    def decode(self, named_codecs, reader, first):
        """The values. Raises _Refused with the number of the parameter, counted from `first`, that is wrong."""
        values = []
        for number, (_, codec) in enumerate(named_codecs, first):
            try:
                values.append(codec.decode(reader))
            except EncodingError as error:
                raise _Refused(ERROR_BAD_ARGUMENT, number) from error
        return values

    def decode_request(self, payload):
        """The inputs, and how much the client takes of each result that can be long."""
        reader = Reader(payload)
        values = self.decode(self.inputs, reader, 1)
        room = {}
        for number, name, codec in self.capacities:
            capacity, = self.decode((("", U32),), reader, number)
            if capacity > codec.limit:
                raise _Refused(ERROR_BAD_ARGUMENT, number)
            room[name] = capacity
        if reader.left():
            raise _Refused(ERROR_BAD_TAG, 0)
        return values, room

    def encode_results(self, results, room):
        values = () if not self.outputs else (results,) if len(self.outputs) == 1 else tuple(results)
        if len(values) != len(self.outputs) or (not self.outputs and results is not None):
            raise EncodingError(f"{self.name}: {len(self.outputs)} results are wanted")
        for (name, codec), value in zip(self.outputs, values):
            if name in room and codec.count(value) > room[name]:
                raise EncodingError(f"{self.name}: {name}: the client takes no more than {room[name]}")
        return self.encode(self.outputs, values)


class _Refused(Exception):
    """A request that is wrong."""

    def __init__(self, error, parameter):
        super().__init__(error, parameter)
        self.error, self.parameter = error, parameter


# ---- Client ----------------------------------------------------------------------------------------------------------

class Client:
    """Base of generated clients, whose methods are the operations. All names here begin with an underscore, as no
    operation's does. Threads may share one: they wait for each other."""
    _OPERATIONS = ()

    def __init__(self, stream, timeout=None):
        """`timeout`: how many seconds a call may take whose operation does not say it; None: as long as it wants."""
        self._stream, self._timeout, self._sequence, self._lock = stream, timeout, 0, threading.Lock()
        self._reader = FrameReader(max((operation.reply_size() for operation in self._OPERATIONS), default=0))

    def _call(self, operation, /, *values, **room):
        """Calls: the results as a list. `room`: at most how much is taken of results, where that is not all."""
        if operation.crossing:
            name = operation.parameter_name(operation.crossing)
            raise TransportError(ERROR_BAD_OPERATION, f"{operation.name}.{name}",
                                 "capabilities and pages cannot cross a stream")
        payload = operation.encode(operation.inputs, values)
        for _, name, codec in operation.capacities:
            U32.encode(payload, min(room.get(name, codec.limit), codec.limit))
        with self._lock:
            return self._exchange(operation, bytes(payload))

    def _exchange(self, operation, payload):
        timeout = self._timeout if operation.timeout is None else operation.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        self._sequence = self._sequence % 0xffffffff + 1
        kind = ONEWAY if operation.oneway else REQUEST
        frame = Frame(kind, operation.interface, operation.number, self._sequence, payload)
        self._stream.write(frame.encode(), deadline)
        return [] if operation.oneway else self._results(operation, self._reply(deadline))

    def _reply(self, deadline):
        while True:
            try:
                frame = self._reader.next()
            except OutOfStep as error:
                raise TransportError(ERROR_BAD_TAG, detail=f"the answer is no frame ({error.error})") from None
            if frame is None:
                more = self._stream.read(deadline)
                if not more:
                    raise TransportError(ERROR_DEAD)
                self._reader.feed(more)
            elif frame.kind == REPLY and frame.sequence in (0, self._sequence):
                return frame

    def _results(self, operation, frame):
        if frame.sequence == 0:
            error = -frame.status if frame.status < 0 else ERROR_BAD_TAG
            raise TransportError(error, "", "the server fell out of step")
        if (frame.interface, frame.operation) != (operation.interface, operation.number):
            raise TransportError(ERROR_BAD_TAG, operation.name, "the answer is another operation's")
        if frame.status < 0:
            name = operation.parameter_name(frame.parameter)
            raise TransportError(-frame.status, f"{operation.name}.{name}" if name else operation.name)
        if frame.status > 0:
            raise self._declared(operation, frame.status)
        reader = Reader(frame.payload)
        try:
            values = operation.decode(operation.outputs, reader, len(operation.inputs) + 1)
        except _Refused as refused:
            name = operation.parameter_name(refused.parameter)
            raise TransportError(ERROR_BAD_TAG, f"{operation.name}.{name}", str(refused.__cause__)) from None
        if reader.left():
            raise TransportError(ERROR_BAD_TAG, operation.name, "bytes are left behind the results")
        return values

    @staticmethod
    def _declared(operation, status):
        if operation.raises is None or status not in list(operation.raises.Code):
            return TransportError(ERROR_BAD_TAG, operation.name, f"it does not raise {status}")
        return operation.raises(status)


# ---- Server ----------------------------------------------------------------------------------------------------------

class Server:
    """Base of generated servers, whose abstract methods are the operations. A handler returns the results (None, one,
    or a tuple), or raises the operation's declared error, or a TransportError whose number is answered."""
    _OPERATIONS, _KNOWN = (), {}

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        cls._KNOWN = {(operation.interface, operation.number): operation for operation in cls._OPERATIONS}

    def _dispatch(self, frame):
        """The reply to a request, or None. Never raises for anything that came in."""
        operation = self._KNOWN.get((frame.interface, frame.operation))
        reply = Frame(REPLY, frame.interface, frame.operation, frame.sequence)
        if frame.kind == REPLY:
            return None
        try:
            if operation is None or operation.oneway != (frame.kind == ONEWAY):
                raise _Refused(ERROR_BAD_OPERATION, 0)
            if operation.crossing:
                raise _Refused(ERROR_BAD_OPERATION, operation.crossing)
            values, room = operation.decode_request(frame.payload)
            reply.status, reply.payload = self._handle(operation, values, room)
        except _Refused as refused:
            reply.status, reply.parameter = -refused.error, refused.parameter
        return None if frame.kind == ONEWAY else reply

    def _handle(self, operation, values, room):
        """Status and payload of the reply."""
        try:
            results = getattr(self, operation.method)(*values)
            return 0, bytes(operation.encode_results(results, room))
        except TransportError as error:
            return -error.error, b""
        except Exception as error:  # pylint: disable=broad-except  # whatever a handler does, its client is answered
            if operation.raises is not None and isinstance(error, operation.raises):
                return int(error.error), b""
            _log.exception("%s failed", operation.name)
            return -ERROR_ABANDONED, b""

    def _reader(self):
        return FrameReader(max((operation.request_size() for operation in self._OPERATIONS), default=0))


def serve(server, stream):
    """Answers what comes over the stream until that ends."""
    reader = server._reader()  # pylint: disable=protected-access
    while True:
        try:
            frame = reader.next()
            reply = server._dispatch(frame) if frame is not None else None  # pylint: disable=protected-access
        except OutOfStep as error:
            frame = reply = Frame(REPLY, 0, 0, 0, status=-error.error)
        try:
            if reply is not None:
                stream.write(reply.encode())
        except TransportError:
            return
        if frame is None:
            more = stream.read()
            if not more:
                return
            reader.feed(more)


def serve_connections(server, listener):
    """Accepts connections of a listening socket, until that is closed, and serves each in a thread of its own. Handlers
    must be able to bear that."""
    while True:
        try:
            connected, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve_connection, args=(server, connected), daemon=True).start()


def _serve_connection(server, connected):
    with Stream.of_socket(connected) as stream:
        serve(server, stream)
