#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checker of IPC events (tools/salto/events.py): what keeps the rules, what breaks each of them, and what cannot be
read. The model's test compares the same checker with the model."""
import sys

from salto import events, tap

CALL = """
receive thread=2 endpoint=1
deliver thread=1 to=2 endpoint=1 operation=call
"""
QUEUED = """
send thread=1 endpoint=1 operation=call limit=1
send thread=3 endpoint=1 operation=send
"""
KEPT = CALL + "keep thread=2 caller=1 object=7\n"

GOOD = {
    "nothing": "",
    "a comment": "# receive thread=1 endpoint=1",
    "a call and its answer": CALL + "reply thread=2 to=1",
    "a caller that queues": QUEUED + """
        deliver thread=1 to=2 endpoint=1 operation=call
        reply thread=2 to=1
        deliver thread=3 to=2 endpoint=1 operation=send""",
    "a second call after the first": CALL + """
        reply thread=2 to=1
        receive thread=2 endpoint=1
        deliver thread=1 to=2 endpoint=1 operation=call""",
    "a nested call": CALL + """
        receive thread=3 endpoint=2
        deliver thread=2 to=3 endpoint=2 operation=call
        reply thread=3 to=2
        reply thread=2 to=1""",
    "two receivers, served in any order": """
        receive thread=2 endpoint=1
        receive thread=3 endpoint=1
        deliver thread=1 to=3 endpoint=1 operation=send""",
    "a kept caller, answered by another thread": KEPT + """
        receive thread=2 endpoint=1
        move object=7 to=3
        answer thread=3 to=1 object=7""",
    "a kept caller whose object is dropped": KEPT + "drop object=7\nfail thread=1 error=abandoned",
    "an empty object that is dropped": "drop object=7",
    "an object that is used again": KEPT + """
        answer thread=2 to=1 object=7
        receive thread=2 endpoint=1
        deliver thread=1 to=2 endpoint=1 operation=call
        keep thread=2 caller=1 object=7
        answer thread=2 to=1 object=7""",
    "an object whose caller gave up takes another": KEPT + """
        break_off thread=1
        receive thread=2 endpoint=1
        deliver thread=3 to=2 endpoint=1 operation=call
        keep thread=2 caller=3 object=7""",
    "a receiver abandons its caller": CALL + "fail thread=1 error=abandoned\nreceive thread=2 endpoint=1",
    "a deadline in the send phase": QUEUED + "timeout thread=1\ndeliver thread=3 to=2 endpoint=1 operation=send",
    "a deadline in the receive phase": "receive thread=2 endpoint=1 limit=1\ntimeout thread=2",
    "a deadline while the answer is awaited": """
        receive thread=2 endpoint=1
        deliver thread=1 to=2 endpoint=1 operation=call limit=1
        timeout thread=1""",
    "a server dies": CALL + "kill thread=2\nfail thread=1 error=dead",
    "a server dies that holds a reply object": KEPT + "kill thread=2\ndrop object=7\nfail thread=1 error=abandoned",
    "a queued caller dies": QUEUED + "kill thread=1\ndeliver thread=3 to=2 endpoint=1 operation=send",
    "a thread starts where one was": "kill thread=1\nstart thread=1\nsend thread=1 endpoint=1 operation=send",
    "signals add up": """
        signal bits=1 bound=2
        signal bits=4 bound=2
        notify thread=2 bits=5
        receive thread=2 endpoint=1
        signal bits=2 bound=2
        notify thread=2 bits=2""",
    "a closed wait": """
        signal bits=1 bound=2
        receive thread=2 endpoint=1 closed=1
        signal bits=2 bound=2
        deliver thread=1 to=2 endpoint=1 operation=send
        notify thread=2 bits=3""",
    "a cycle across a shared endpoint, which nobody sees": """
        receive thread=2 endpoint=1
        receive thread=3 endpoint=1
        deliver thread=1 to=2 endpoint=1 operation=call
        break_off thread=3
        send thread=2 endpoint=1 operation=call""",
    "two notifications": """
        signal bits=1 notification=1 bound=1
        signal bits=2 notification=2 bound=2
        notify thread=1 bits=1 notification=1
        notify thread=2 bits=2 notification=2""",
    "revocation": QUEUED + """
        revoke endpoint=1
        fail thread=1 error=dead
        fail thread=3 error=dead
        grant endpoint=1
        receive thread=2 endpoint=1""",
    "a cycle that is refused": CALL + "refuse thread=2 endpoint=1 error=deadlock",
    "priorities": """
        send thread=1 endpoint=1 operation=send priority=3
        send thread=3 endpoint=1 operation=send priority=9
        deliver thread=3 to=2 endpoint=1 operation=send""",
    "the kernel's message about a dead thread": """
        receive thread=2 endpoint=1
        kill thread=1
        deliver thread=1 to=2 endpoint=1 operation=kernel""",
    "the kernel's message about a dead thread queues": """
        kill thread=1
        send thread=1 endpoint=1 operation=kernel
        deliver thread=1 to=2 endpoint=1 operation=kernel
        start thread=1""",
    "the kernel's message about a thread that goes on": """
        send thread=1 endpoint=1 operation=kernel
        deliver thread=1 to=2 endpoint=1 operation=kernel
        receive thread=1 endpoint=2""",
    "a message of the kernel closes no cycle": CALL + """
        receive thread=3 endpoint=2
        deliver thread=2 to=3 endpoint=2 operation=call
        send thread=3 endpoint=1 operation=kernel""",
    "waits for signals alone, and for nothing": """
        bind thread=2 notification=5
        wait thread=2
        signal bits=1 notification=5 bound=2
        notify thread=2 bits=1 notification=5
        signal bits=2 notification=5 bound=2
        wait thread=2 limit=1 closed=1
        timeout thread=2
        collect notification=5 bits=2
        wait thread=2""",
    "bits that were there before the thread": """
        receive thread=2 endpoint=1
        signal bits=1 notification=5
        bind thread=2 notification=5
        notify thread=2 bits=1 notification=5
        unbind notification=5
        signal bits=1 notification=5
        receive thread=2 endpoint=1""",
    "new objects in the place of old ones": QUEUED + """
        revoke endpoint=1
        fail thread=1 error=dead
        fail thread=3 error=dead
        create endpoint=1
        receive thread=2 endpoint=1
        bind thread=3 notification=5
        signal bits=1 notification=5 bound=3
        create notification=5
        receive thread=3 endpoint=2
        create object=7""",
    "who is told later that nobody receives": QUEUED + """
        revoke endpoint=1
        receive thread=2 endpoint=2
        fail thread=3 error=dead
        kill thread=1""",
    "a sender that is moved up": """
        send thread=1 endpoint=1 operation=send priority=3
        send thread=3 endpoint=1 operation=send priority=9
        raise thread=1 priority=9
        deliver thread=3 to=2 endpoint=1 operation=send
        deliver thread=1 to=2 endpoint=1 operation=send""",
    "a chain that is too long to be told from a cycle":
        "".join(f"receive thread={number} endpoint={number}\n" for number in range(257)) +
        "".join(f"deliver thread={number + 1} to={number} endpoint={number} operation=call\n"
                for number in reversed(range(257))) + "refuse thread=300 endpoint=256 error=deadlock",
}

BAD = {
    "an answer to nobody": ("reply thread=2 to=1", "runs"),
    "a second answer": (CALL + "reply thread=2 to=1\nreply thread=2 to=1", "thread 1 runs"),
    "an answer to another one's caller": (CALL + "reply thread=3 to=1", "waits for thread 2"),
    "an answer by who kept the caller": (KEPT + "reply thread=2 to=1", "waits for object 7"),
    "an object used twice": (KEPT + "answer thread=2 to=1 object=7\nanswer thread=2 to=1 object=7", "holds nobody"),
    "an object that answers a later call": (KEPT + """
        break_off thread=1
        receive thread=3 endpoint=2
        deliver thread=1 to=3 endpoint=2 operation=call
        answer thread=2 to=1 object=7""", "waits for thread 3"),
    "a full object that takes another caller": (KEPT + """
        receive thread=2 endpoint=1
        deliver thread=3 to=2 endpoint=1 operation=call
        keep thread=2 caller=3 object=7""", "holds caller 1"),
    "a dropped caller that is not told": (KEPT + "drop object=7\nreceive thread=2 endpoint=1", "abandoned"),
    "a dropped caller that is not told, at the end": (KEPT + "drop object=7", "at the end there is missing"),
    "a caller forgotten by a receive": (CALL + "receive thread=2 endpoint=1", "neither answered"),
    "a caller forgotten by another one": (QUEUED.replace("operation=send", "operation=call") + """
        deliver thread=1 to=2 endpoint=1 operation=call
        deliver thread=3 to=2 endpoint=1 operation=call""", "would be forgotten"),
    "a dead server's caller that is not told": (CALL + "kill thread=2\nsignal bits=1", "fail thread=1 dead"),
    "a dead server's caller that hears something else": (CALL + "kill thread=2\nfail thread=1 error=abandoned", "dead"),
    "a sender that overtakes": (QUEUED + "deliver thread=3 to=2 endpoint=1 operation=send", "turn of 1"),
    "a low priority that overtakes": ("""
        send thread=1 endpoint=1 operation=send priority=3
        send thread=3 endpoint=1 operation=send priority=9
        deliver thread=1 to=2 endpoint=1 operation=send""", "turn of 3"),
    "a send that arrives as a call": (QUEUED + "deliver thread=1 to=2 endpoint=1 operation=send", "queued is a call"),
    "a message from another endpoint": (QUEUED + "deliver thread=1 to=2 endpoint=2 operation=call", "queued on 1"),
    "a message to who receives elsewhere": ("""
        receive thread=2 endpoint=1
        deliver thread=1 to=2 endpoint=2 operation=send""", "receives on 1"),
    "a message to who does not receive": ("deliver thread=1 to=2 endpoint=1 operation=send", "thread 2 runs"),
    "a message to itself": ("deliver thread=1 to=1 endpoint=1 operation=send", "to itself"),
    "a sender that queues though somebody receives": ("receive thread=2 endpoint=1\nsend thread=1 endpoint=1 "
                                                      "operation=send", "somebody receives"),
    "a receiver that waits though somebody is queued": (QUEUED + "receive thread=2 endpoint=1", "thread 1 is queued"),
    "a thread that waits twice": ("receive thread=2 endpoint=1\nreceive thread=2 endpoint=2", "thread 2 receives"),
    "a timeout without deadline": ("receive thread=2 endpoint=1\ntimeout thread=2", "no deadline"),
    "a timeout of an earlier phase": (QUEUED + "deliver thread=1 to=2 endpoint=1 operation=call\ntimeout thread=1",
                                      "no deadline"),
    "a timeout of who runs": ("timeout thread=2", "thread 2 runs"),
    "a break-off of who runs": ("break_off thread=2", "thread 2 runs"),
    "a wait that ends twice": ("receive thread=2 endpoint=1\nbreak_off thread=2\nbreak_off thread=2", "runs"),
    "a second death": ("kill thread=2\nkill thread=2", "it is dead"),
    "a dead thread that sends": ("kill thread=1\nsend thread=1 endpoint=1 operation=send", "is dead"),
    "a lost signal": ("signal bits=1 bound=2\nsignal bits=2 bound=2\nnotify thread=2 bits=2", "has 3"),
    "a signal that wakes nobody": ("receive thread=2 endpoint=1\nsignal bits=1 bound=2\nsignal bits=1 bound=2",
                                   "notify thread=2"),
    "a wait with bits pending": ("signal bits=1 bound=2\nreceive thread=2 endpoint=1", "has bits"),
    "a notification without a bit": ("notify thread=2 bits=0", "no bit"),
    "a revoked endpoint whose senders stay": (QUEUED + "revoke endpoint=1\nfail thread=1 error=dead",
        "fail thread=3 dead"),
    "a send where nobody may receive": ("revoke endpoint=1\nsend thread=1 endpoint=1 operation=send", "fails with"),
    "a receive without the right": ("revoke endpoint=1\nreceive thread=1 endpoint=1", "nobody may receive"),
    "a cycle of two": (CALL + """
        receive thread=3 endpoint=2
        deliver thread=2 to=3 endpoint=2 operation=call
        send thread=3 endpoint=1 operation=call""", "cycle of waiting"),
    "a refusal without a cycle": ("refuse thread=1 endpoint=1 error=deadlock", "no cycle"),
    "a sender that overtakes one that was moved up": ("""
        send thread=1 endpoint=1 operation=send priority=3
        send thread=3 endpoint=1 operation=send priority=5
        raise thread=1 priority=9
        deliver thread=3 to=2 endpoint=1 operation=send""", "turn of 1"),
    "a sender that is moved down": (QUEUED + "raise thread=1 priority=0", "not higher"),
    "a wait for signals that are there": ("bind thread=2 notification=5\nsignal bits=1 notification=5 bound=2\n"
                                          "wait thread=2", "has bits"),
    "a wait for signals that forgets a caller": (CALL + "wait thread=2", "neither answered"),
    "bits that are collected and were not there": ("signal bits=1 notification=5\ncollect notification=5 bits=3",
                                                   "has 1"),
    "bits that come with the binding": ("receive thread=2 endpoint=1\nsignal bits=1 notification=5\n"
                                        "bind thread=2 notification=5", "missing: notify thread=2"),
    "a second notification": ("bind thread=2 notification=5\nbind thread=2 notification=6", "has a notification"),
    "a notification with two threads": ("bind thread=2 notification=5\nbind thread=3 notification=5", "it is bound"),
    "a new reply object that keeps somebody": (KEPT + "create object=7", "keeps a caller"),
    "a new object of two kinds": ("create object=7 endpoint=1", "one object"),
    "a message from where nobody may receive": (QUEUED + """
        revoke endpoint=1
        deliver thread=1 to=2 endpoint=1 operation=call""", "nobody may receive"),
    "senders that are forgotten when somebody may receive again": (QUEUED + "revoke endpoint=1\ngrant endpoint=1",
                                                                   "1 was not told"),
    "the kernel's message about a dead thread, and another one of its own": ("""
        receive thread=2 endpoint=1
        kill thread=1
        deliver thread=1 to=2 endpoint=1 operation=kernel
        send thread=1 endpoint=1 operation=send""", "is dead"),
    "no such event": ("jump thread=1", "no event 'jump'"),
    "no such field": ("kill thread=1 why=2", "'why=2' is no field"),
    "a field twice": ("kill thread=1 thread=2", "twice"),
    "a field that is missing": ("send thread=1 endpoint=1", "needs operation"),
    "no number": ("kill thread=x", "not a number"),
    "no operation": ("send thread=1 endpoint=1 operation=shout", "no operation"),
}

# The same in the midst of things: accepted only there.
WINDOW = {
    "an answer to a call from before": "reply thread=2 to=1",
    "a timeout of a wait from before": "timeout thread=2",
    "an object from before": "answer thread=2 to=1 object=7",
    "a message to who received before": "deliver thread=1 to=2 endpoint=1 operation=send",
    "bits from before": "signal bits=1 bound=2\nnotify thread=2 bits=5",
}
BAD_WINDOW = {
    "a second answer": "reply thread=2 to=1\nreply thread=2 to=1",
    "a timeout of who runs": "timeout thread=2\ntimeout thread=2",
}


def refusal(text, window=False):
    """Why the events are refused; '' if they are not."""
    try:
        events.check("\n".join(line.strip() for line in text.splitlines()), window)
    except events.EventError as error:
        return str(error)
    return ""


def main():
    report = tap.Report()
    for name, text in GOOD.items():
        report.add(not refusal(text), f"keeps the rules: {name}", refusal(text))
        report.add(not refusal(text, True), f"in a window too: {name}", refusal(text, True))
    for name, (text, why) in BAD.items():
        report.add(why in refusal(text), f"breaks a rule: {name}", f"said: {refusal(text) or 'nothing'}")
    for name, text in WINDOW.items():
        report.add(bool(refusal(text)), f"needs what came before: {name}")
        report.add(not refusal(text, True), f"keeps the rules in a window: {name}", refusal(text, True))
    for name, text in BAD_WINDOW.items():
        report.add(bool(refusal(text, True)), f"breaks a rule in a window: {name}")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
