# SPDX-License-Identifier: BSD-2-Clause
"""Replays a list of the kernel's IPC events against the rules of the state machine (docs/model.md has both).

A list of events is text, one event a line: `kind field=value ...`; values are numbers, but for errors and operations,
which have names. Empty lines and lines that begin with # say nothing. A list may be a window of a longer one: what a
thread did before its first event is then not known, and whatever that event needs is taken as given.
"""
import collections
import dataclasses

UNKNOWN, RUN, DEAD = "is not known", "runs", "is dead"
SENDING, ANSWER, RECEIVING = "sends", "waits for an answer", "receives"
WAITING = (SENDING, ANSWER, RECEIVING)

# Kind: (fields that must be there, fields that may be there).
FIELDS = {
    "start": ({"thread"}, set()),
    "create": (set(), {"endpoint", "object", "notification"}),
    "send": ({"thread", "endpoint", "operation"}, {"limit", "priority"}),
    "raise": ({"thread", "priority"}, set()),
    "receive": ({"thread", "endpoint"}, {"limit", "closed"}),
    "wait": ({"thread"}, {"limit", "closed"}),
    "deliver": ({"thread", "to", "endpoint", "operation"}, {"limit"}),
    "reply": ({"thread", "to"}, set()),
    "keep": ({"thread", "caller", "object"}, set()),
    "answer": ({"thread", "to", "object"}, set()),
    "drop": ({"object"}, set()),
    "move": ({"object", "to"}, set()),
    "signal": ({"bits"}, {"notification", "bound"}),
    "notify": ({"thread", "bits"}, {"notification"}),
    "collect": ({"notification", "bits"}, set()),
    "bind": ({"thread", "notification"}, set()),
    "unbind": ({"notification"}, set()),
    "timeout": ({"thread"}, set()),
    "break_off": ({"thread"}, set()),
    "kill": ({"thread"}, set()),
    "fail": ({"thread", "error"}, set()),
    "refuse": ({"thread", "endpoint", "error"}, set()),
    "revoke": ({"endpoint"}, set()),
    "grant": ({"endpoint"}, set()),
}
OPERATIONS = {"send": "send", "call": "call", "kernel": "kernel", "0": "send", "1": "call"}
NAMED = ("operation", "error")
CHAIN_LIMIT = 256 # a chain of waiting that is longer counts as a cycle (kernel/thread/schedule.h)


class EventError(Exception):
    """An event that cannot be read, or that breaks a rule; the text says which line and why."""


@dataclasses.dataclass
class Event:
    """One event; `line` counts from 1."""
    line: int
    kind: str
    fields: dict

    def __getattr__(self, name):
        return self.fields.get(name, 0)


def parse(text):
    """The events in `text`."""
    return [parse_line(number, line) for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.startswith("#")]


def parse_line(number, line):
    kind, *words = line.split()
    if kind not in FIELDS:
        raise EventError(f"line {number}: there is no event '{kind}'")
    required, optional = FIELDS[kind]
    fields = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or name not in required | optional or name in fields:
            raise EventError(f"line {number}: '{word}' is no field of '{kind}', or stands there twice")
        fields[name] = parse_value(number, name, value)
    missing = sorted(required - set(fields))
    if missing:
        raise EventError(f"line {number}: '{kind}' needs {', '.join(missing)}")
    return Event(number, kind, fields)


def parse_value(number, name, value):
    if name == "operation":
        if value not in OPERATIONS:
            raise EventError(f"line {number}: there is no operation '{value}'")
        return OPERATIONS[value]
    if name in NAMED:
        return value
    if not value.isdigit():
        raise EventError(f"line {number}: {name} is not a number: '{value}'")
    return int(value)


@dataclasses.dataclass
class Thread:
    """What is known of a thread."""
    state: str = RUN
    endpoint: int = None
    operation: str = ""
    priority: int = 0
    limited: bool = False
    closed: bool = False  # RECEIVING: takes no signals
    partner: tuple = None # ("thread", number) or ("object", number)
    caller: int = None    # who was received last; may be answered while its partner is this thread
    dead: bool = False    # the kernel may still send a message about it


@dataclasses.dataclass
class Endpoint:
    """Queue of senders, in order of arrival; who receives; who received last; may anybody receive?"""
    senders: list = dataclasses.field(default_factory=list)
    receivers: set = dataclasses.field(default_factory=set)
    server: int = None
    right: bool = True
    shared: bool = False # several threads have received there
    whole: bool = True   # all that happened there is known


class Checker:
    """The state machine. step() takes one event after the other; finish() when there is no more."""

    def __init__(self, window=False):
        self.window = window
        self.threads = collections.defaultdict(lambda: Thread(UNKNOWN if window else RUN))
        self.endpoints = collections.defaultdict(lambda: Endpoint(whole=not window))
        self.objects = {}                                 # reply object to caller
        self.words = {} if window else collections.Counter() # notification to bits
        self.bound = {}                                   # thread to notification
        self.owed = {}                                    # thread to the event that must come before anything else

    # ---- Helpers ----

    def require(self, condition, event, text):
        if not condition:
            words = " ".join(f"{name}={value}" for name, value in event.fields.items())
            raise EventError(f"line {event.line}: {event.kind} {words}: {text}")

    def known(self, number):
        return self.threads[number].state != UNKNOWN

    def in_state(self, event, number, *states):
        """The thread; its state must be one of `states`, unless nothing is known of it yet."""
        thread = self.threads[number]
        self.require(thread.state in states or thread.state == UNKNOWN, event, f"thread {number} {thread.state}")
        return thread

    def may_answer(self, number):
        """The caller that thread `number` may answer, or None."""
        caller = self.threads[number].caller
        return caller if caller is not None and self.threads[caller].partner == ("thread", number) else None

    def leave(self, number):
        """Thread `number` is on no queue any more, and waits for nobody."""
        thread = self.threads[number]
        if thread.endpoint is not None:
            endpoint = self.endpoints[thread.endpoint]
            endpoint.receivers.discard(number)
            if number in endpoint.senders:
                endpoint.senders.remove(number)
        thread.endpoint, thread.partner, thread.operation, thread.limited = None, None, "", False

    def wake(self, number):
        self.leave(number)
        self.threads[number].state = DEAD if self.threads[number].dead else RUN

    def chain(self, number):
        """Whom thread `number` waits for, whom that one waits for, and so on; and whether that leads into a cycle."""
        found = []
        while number is not None and number not in found:
            found.append(number)
            thread = self.threads[number]
            if thread.state == SENDING and thread.operation != "kernel":
                number = self.server(thread.endpoint)
            elif thread.state == ANSWER and thread.partner and thread.partner[0] == "thread":
                number = thread.partner[1]
            else:
                return found, False
        return found, number is not None

    def note_server(self, number, where):
        """Thread `number` receives on endpoint `where` from now on, and on no other one."""
        endpoint = self.endpoints[where]
        for other in self.endpoints.values():
            if other.server == number and other is not endpoint:
                other.server = None
        endpoint.shared |= endpoint.server not in (None, number)
        endpoint.server = number

    def server(self, number):
        """Whom senders on endpoint `number` wait for; None where several threads received there, or none does now, or
        that is not known."""
        endpoint = self.endpoints[number]
        return endpoint.server if endpoint.whole and not endpoint.shared else None

    def would_wait_for_itself(self, number, endpoint):
        server = self.server(endpoint)
        chain = self.chain(server)[0]
        return number in chain or len(chain) > CHAIN_LIMIT

    def head(self, endpoint):
        """The sender whose turn it is: of the highest priority, the one that came first."""
        return max(endpoint.senders, key=lambda number: self.threads[number].priority) if endpoint.senders else None

    def owe(self, number, kind, error=None):
        if number is not None:
            self.owed[number] = (kind, error)

    # ---- Events ----

    def step(self, event):
        if self.owed and not self.pays(event):
            number, (kind, error) = next(iter(self.owed.items()))
            self.require(False, event, f"before it must come: {kind} thread={number} {error or ''}".rstrip())
        getattr(self, "on_" + event.kind)(event)

    def pays(self, event):
        """Is the event one that is owed, or one that may stand between?"""
        if event.kind == "drop":
            return True
        owed = self.owed.get(event.thread) if "thread" in event.fields else None
        if owed is None or owed[0] != event.kind or (owed[1] and owed[1] != event.error):
            return False
        del self.owed[event.thread]
        return True

    def on_start(self, event):
        self.in_state(event, event.thread, DEAD, RUN)
        self.threads[event.thread] = Thread()

    def on_create(self, event):
        self.require(len(event.fields) == 1, event, "it names one object")
        if "endpoint" in event.fields:
            self.endpoints[event.endpoint] = Endpoint()
        elif "notification" in event.fields:
            self.on_unbind(event)
            self.words[event.notification] = 0
        else:
            self.require(self.kept(event.object) is None, event, "it keeps a caller")
            self.objects.pop(event.object, None)

    def on_send(self, event):
        thread = self.in_state(event, event.thread, RUN, *([DEAD] if event.operation == "kernel" else []))
        endpoint = self.endpoints[event.endpoint]
        self.require(endpoint.right, event, "nobody may receive there: it fails with dead")
        self.require(not endpoint.receivers, event, "somebody receives there")
        self.require(event.operation == "kernel" or not self.would_wait_for_itself(event.thread, event.endpoint),
                     event, "it closes a cycle of waiting: it fails with deadlock")
        thread.state, thread.endpoint, thread.operation = SENDING, event.endpoint, event.operation
        thread.limited, thread.priority = bool(event.limit), event.priority
        endpoint.senders.append(event.thread)

    def on_raise(self, event):
        thread = self.in_state(event, event.thread, SENDING)
        self.require(thread.state == UNKNOWN or event.priority > thread.priority, event, "that is not higher")
        thread.priority = event.priority
        if thread.state == SENDING: # it goes behind those who had this priority before
            senders = self.endpoints[thread.endpoint].senders
            senders.remove(event.thread)
            senders.append(event.thread)

    def begin_receiving(self, event):
        """What all waits to receive have in common."""
        thread = self.in_state(event, event.thread, RUN)
        self.require(self.may_answer(event.thread) is None, event,
                     f"its caller {thread.caller} was neither answered, nor kept, nor failed")
        pending = self.words.get(self.bound.get(event.thread), 0)
        self.require(event.closed or not pending, event, "its notification has bits")
        thread.state, thread.limited, thread.closed = RECEIVING, bool(event.limit), bool(event.closed)
        return thread

    def on_wait(self, event):
        self.begin_receiving(event)

    def on_receive(self, event):
        endpoint = self.endpoints[event.endpoint]
        self.require(endpoint.right, event, "nobody may receive there")
        self.require(not endpoint.senders, event, f"thread {self.head(endpoint)} is queued there")
        self.begin_receiving(event).endpoint = event.endpoint
        endpoint.receivers.add(event.thread)
        self.note_server(event.thread, event.endpoint)

    def on_deliver(self, event):
        self.require(event.thread != event.to, event, "to itself")
        sender, receiver = self.threads[event.thread], self.threads[event.to]
        endpoint = self.endpoints[event.endpoint]
        queued = sender.state == SENDING
        if queued:
            self.in_state(event, event.to, RUN)
            self.require(sender.endpoint == event.endpoint, event, f"the sender is queued on {sender.endpoint}")
            self.require(endpoint.right, event, "nobody may receive there")
            self.require(sender.operation == event.operation, event, f"what is queued is a {sender.operation}")
            self.require(self.head(endpoint) == event.thread, event, f"it is the turn of {self.head(endpoint)}")
        else:
            if event.operation != "kernel":
                self.in_state(event, event.thread, RUN)
            self.in_state(event, event.to, RECEIVING, *([RUN] if self.window and not self.known(event.thread) else []))
            self.require(receiver.endpoint == event.endpoint or receiver.state in (UNKNOWN, RUN), event,
                         f"it receives on {receiver.endpoint}")
        self.require(self.may_answer(event.to) is None, event, f"its caller {receiver.caller} would be forgotten")
        if queued:
            self.note_server(event.to, event.endpoint)
        self.take_message(event)

    def take_message(self, event):
        sender = self.threads[event.thread]
        self.wake(event.to)
        if event.operation == "call":
            self.leave(event.thread)
            sender.state, sender.partner, sender.limited = ANSWER, ("thread", event.to), bool(event.limit)
            self.threads[event.to].caller = event.thread
        elif event.operation == "send" or sender.state == SENDING:
            self.wake(event.thread)

    def answered(self, event, partner):
        caller = self.in_state(event, event.to, ANSWER)
        self.require(caller.partner == partner or caller.state == UNKNOWN, event,
                     f"thread {event.to} waits for {' '.join(map(str, caller.partner or ['nobody']))}")
        self.wake(event.to)

    def on_reply(self, event):
        self.in_state(event, event.thread, RUN)
        self.threads[event.thread].state = RUN
        self.answered(event, ("thread", event.thread))

    def on_keep(self, event):
        self.in_state(event, event.thread, RUN)
        caller = self.in_state(event, event.caller, ANSWER)
        self.require(caller.partner == ("thread", event.thread) or caller.state == UNKNOWN, event,
                     "the thread may not answer that caller")
        self.require(self.kept(event.object) is None, event, f"it holds caller {self.objects.get(event.object)}")
        caller.state, caller.partner = ANSWER, ("object", event.object)
        self.objects[event.object] = event.caller

    def kept(self, number):
        """The caller that reply object `number` may answer, or None."""
        caller = self.objects.get(number)
        return caller if caller is not None and self.threads[caller].partner == ("object", number) else None

    def on_answer(self, event):
        self.in_state(event, event.thread, RUN)
        self.require(self.objects.get(event.object) == event.to or (self.window and event.object not in self.objects),
                     event, f"the object holds {self.objects.get(event.object, 'nobody')}")
        self.objects.pop(event.object, None)
        self.answered(event, ("object", event.object))

    def on_drop(self, event):
        self.owe(self.kept(event.object), "fail", "abandoned")
        self.objects.pop(event.object, None)

    def on_move(self, event):
        self.require(event.object in self.objects or self.window, event, "it holds nobody")
        self.in_state(event, event.to, RUN, *WAITING)

    def on_signal(self, event):
        if event.notification in self.words or not self.window:
            self.words[event.notification] = self.words.get(event.notification, 0) | event.bits
        if "bound" in event.fields:
            self.bound[event.bound] = event.notification
            self.owe_signals(event.bound, event.notification, event.bits)

    def owe_signals(self, number, notification, bits):
        """Bits of the notification (`bits`, if nothing else is known) are handed at once to the thread that it is bound
        to, if that waits for them."""
        thread = self.threads[number]
        if self.words.get(notification, bits) and thread.state == RECEIVING and not thread.closed:
            self.owe(number, "notify")

    def on_collect(self, event):
        word = self.words.get(event.notification)
        self.require(word is None or word == event.bits, event, f"the notification has {word}")
        self.words[event.notification] = 0

    def on_bind(self, event):
        self.require(event.thread not in self.bound, event, "it has a notification")
        self.require(event.notification not in self.bound.values(), event, "it is bound")
        self.bound[event.thread] = event.notification
        self.owe_signals(event.thread, event.notification, 0)

    def on_unbind(self, event):
        for number in [number for number, bound in self.bound.items() if bound == event.notification]:
            del self.bound[number]

    def on_notify(self, event):
        self.in_state(event, event.thread, RUN, RECEIVING)
        word = self.words.get(event.notification)
        self.require(word is None or word == event.bits, event, f"the notification has {word}")
        self.require(event.bits != 0, event, "no bit is set")
        self.bound[event.thread] = event.notification
        self.words[event.notification] = 0
        self.wake(event.thread)

    def on_timeout(self, event):
        thread = self.in_state(event, event.thread, *WAITING)
        self.require(thread.limited or thread.state == UNKNOWN, event, "this wait has no deadline")
        self.wake(event.thread)

    def on_break_off(self, event):
        self.in_state(event, event.thread, *WAITING)
        self.wake(event.thread)

    def on_kill(self, event):
        self.require(self.threads[event.thread].state != DEAD, event, "it is dead")
        self.owe(self.may_answer(event.thread), "fail", "dead")
        self.leave(event.thread)
        self.threads[event.thread] = Thread(DEAD, dead=True)
        for endpoint in self.endpoints.values():
            if endpoint.server == event.thread:
                endpoint.server = None

    def on_fail(self, event):
        self.in_state(event, event.thread, *WAITING)
        self.wake(event.thread)

    def on_refuse(self, event):
        self.in_state(event, event.thread, RUN)
        cycle = self.window or self.would_wait_for_itself(event.thread, event.endpoint)
        self.require(event.error != "deadlock" or cycle, event, "there is no cycle of waiting")

    def on_revoke(self, event):
        self.endpoints[event.endpoint].right = False

    def on_grant(self, event):
        endpoint = self.endpoints[event.endpoint]
        self.require(endpoint.right or not endpoint.senders, event, f"{self.head(endpoint)} was not told")
        endpoint.right = True

    def not_told(self):
        """Who is queued where nobody may receive any more. They are told one by one, and other things come between."""
        return [number for endpoint in self.endpoints.values() if not endpoint.right for number in endpoint.senders]

    def finish(self):
        """No more events: nothing may be owed, and nobody may wait for itself."""
        for number in self.not_told():
            raise EventError(f"at the end there is missing: fail thread={number} dead")
        if self.owed and not self.window:
            number, (kind, error) = next(iter(self.owed.items()))
            raise EventError(f"at the end there is missing: {kind} thread={number} {error or ''}".rstrip())
        for number in sorted(self.threads):
            chain, cycle = self.chain(number)
            if cycle:
                raise EventError("at the end these threads wait for each other: " + ", ".join(map(str, chain)))

    def waiting(self):
        """A line for each thread that waits, in words."""
        for number, thread in sorted(self.threads.items()):
            if thread.state in (SENDING, RECEIVING):
                yield f"thread {number} {thread.state} on endpoint {thread.endpoint}"
            elif thread.state == ANSWER:
                yield f"thread {number} waits for {' '.join(map(str, thread.partner))}"


def check(text, window=False):
    """Replays the events in `text`; answers the Checker. EventError where a rule is broken."""
    checker = Checker(window)
    for event in parse(text):
        checker.step(event)
    checker.finish()
    return checker
