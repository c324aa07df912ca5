#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kernel debugger on the serial line: debugger_session.py KERNEL WAITS CALCULATOR PANIC, a kernel with the debugger
and the archives of three sets. Prints TAP."""
import re
import sys
import tempfile

from salto import tap
from salto.debugger import PROMPT, Session

HOT_THREADS, HOT_SIZE = 0xffffffff82000000, 128 # kernel/abi/addresses.h

# A line of `threads` for each task of the set, behind its number and name.
WAITS = {
    "send": r"sending, .*; waits to send on endpoint \d+, which nobody of these tasks serves: waits",
    "call": r"sending, .*; waits to send on endpoint",
    "send-and-wait": r"sending, .*; waits to send on endpoint",
    "answer": r"active, .*; waits for an answer from #\d+ partner/0",
    "in-reply-object": r"kept, .*; waits for an answer by reply object [0-9a-f]+, held by \S",
    "receive": r"active, .*; waits to receive on endpoint \d+",
    "receive-behind": r"receiving, .*; waits to receive on endpoint \d+, behind another thread",
    "closed": r"active, .*; waits to receive on endpoint",
    "behind-reply": r"active, .*; waits to receive on endpoint",
    "behind-signal": r"active, .*; waits to receive on endpoint",
    "behind-queued-send": r"active, .*; waits to receive on endpoint",
    "bound": r"active, .*; waits to receive on endpoint",
    "signals": r"waiting, .*; waits for signals",
    "nothing": r"receiving, .*; waits for .*, for \d+ us more",
    "faulting": r"sending, .*; waits for the handler of its fault on endpoint",
    "stopped": r"active \(stopped\), ",
    "keeper": r"sending, .*; waits to send on endpoint \d+, which nobody of these tasks serves: kept",
    "kept": r"kept, .*; waits for an answer by reply object [0-9a-f]+, held by keeper",
    "first-ready": r"active, priority 60, context ready; waits for nothing",
    "exhausted": r"active, .*context exhausted; waits for nothing",
}


def thread_lines(session):
    return {match[2]: (match[1], match[3]) for match in
            re.finditer(r"(?m)^#(\d+) (\S+)/\d+: (.*)$", session.command("threads"))}


def waiting(report, session):
    threads = thread_lines(session)
    for name, pattern in WAITS.items():
        line = threads.get(name, ("", "not there"))[1]
        report.add(re.match(pattern, line) is not None, f"threads: {name}", line)
    return threads


def commands(report, session, threads):
    number, kept, answer, receive = (threads.get(name, ("0",))[0] for name in ("waits", "kept", "answer", "receive"))
    partner = next(iter(re.findall(r"answer from #(\d+)", threads.get("answer", ("", ""))[1])), "0")
    cases = {
        "?": r"threads +all threads(.|\n)*page-table",
        "tasks": r"(?m)^kept: 1 threads, cr3 [0-9a-f]+, 64 handles$",
        f"thread {threads.get('answer', ('0',))[0]}": r"context \w+, priority 100(.|\n)*waits for #\d+ partner/0",
        f"thread #{number}": r"(?m)^#\d+ waits/0: active, priority 100, context \w+; waits for nothing(.|\n)*rsp",
        "endpoints": r"(?m)^endpoint \d+: nobody received last, 1 may receive: kept\n  senders: #\d+ keeper/0$",
        "queues": r"(?m)^running: #\d+ waits/0\nready at 60: #\d+ first-ready/0 #\d+ second-ready/0\n"
                  r"ready at 59: #\d+ low-ready/0\n(.|\n)*^parked: #\d+ answer/0 with #\d+ partner/0\n"
                  r"(.|\n)*^exhausted: #\d+ exhausted/0$",
        "events 3": r"(?m)^(.*us ago: #\d+ \S+/\d+: (system call, tag|vector|[a-z_]+ ).*\n?){3}$",
        "events": rf"#{number} waits/0: system call, tag",
        "ipc": rf"(?s)^# what crosses on the trampoline is missing: .*# \d+ events, and 0 before them .*\n"
               rf"start thread={number}\n.*\nkeep thread=\d+ caller={kept} object=\d+\n",
        "cycles": r"(?s)^(?=.*cycle, which nobody else can end:\n((?!cycle,).)*#\d+ keeper/0 waits to send)"
                  r"(?=.*cycle, which nobody else can end:\n((?!cycle,).)*#\d+ kept/0 waits for an answer by reply object "
                  r"[^\n]*held by keeper)"
                  r"(?=.*cycle, which others may end:\n((?!cycle,).)*#\d+ helped-keeper/0 waits to send)"
                  r"(?=.*cycle, which others may end:\n((?!cycle,).)*#\d+ helped-kept/0 waits for an answer)",
        f"hot {kept}": r"hot line ffffffff82[0-9a-f]+ of #\d+ kept/0\n  rip 0+[1-9a-f]",
        f"hot {answer}": rf"(?s)cr3 [1-9a-f].*\n  partner {HOT_THREADS + int(partner) * HOT_SIZE:x} waits 0 ",
        f"hot {receive}": r"(?s)\n  partner 0 waits [1-9a-f][0-9a-f]* caller",
        "caps kept": r"(?m)^ +\d+: endpoint \d+, rights -w--$",
        "mem kept": r"(?m)^200000[0-9a-f]+: 5 pages, rights rw-, of memory",
        "pt kept 0x7f8000000000": r"PML4\[255\](.|\n)*  PT  \[  0\] [0-9a-f]+ write user no-execute, frame",
        "pt kept 0x1000": r"not present$",
        "thread 60000": r"there is no thread #60000",
        "thread x": r"a number is missing: x",
        "caps nobody": r"there is no task 'nobody'",
        "nonsense": r"there is no command 'nonsense'; \? lists them",
    }
    for line, pattern in cases.items():
        printed = session.command(line)
        body = printed.split("\n", 1)[1] if "\n" in printed else printed
        report.add(re.search(pattern, body.rstrip("\n")) is not None, re.sub(r"\d+", "N", line), printed)


def goes_on(report, session):
    """What is typed reaches the program, but for the key; afterwards the set ends as if nothing had been."""
    session.child.send("continue\r")
    session.child.send("a")
    report.add(session.wait("key 97") is not None, "continue: the program goes on, and reads a key", session.text)
    report.add(session.enter(), "the key works again", session.text)
    session.child.send("continue\rq")
    report.add(session.status() == 0 and "key 11" not in session.text, "the set ends with status 0", session.text)


def main():
    kernel, waits, calculator, panic = sys.argv[1:5]
    report = tap.Report()
    with tempfile.TemporaryDirectory(prefix="salto-") as work:
        session = Session(kernel, waits, work)
        report.add(session.wait("waits: ready") is not None and session.enter(), "the key enters it", session.text)
        commands(report, session, waiting(report, session))
        goes_on(report, session)
        session = Session(kernel, calculator, work)
        report.add(session.status() == 0, "a set runs undisturbed", session.text)
        session = Session(kernel, waits, work)
        session.wait("waits: ready")
        session.enter()
        session.child.send("off\r")
        report.add(session.status() == 1, "off: status 1", session.text)
        session = Session(kernel, panic, work)
        report.add(session.wait(PROMPT) is not None and "PANIC" in session.text, "a panic enters it", session.text)
        report.add("root/0" in session.command("threads"), "where threads are listed", session.text)
        session.child.send("continue\r")
        report.add(session.status() == 255, "and the machine goes off with the panic's status", session.text)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
