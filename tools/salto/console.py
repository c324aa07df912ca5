# SPDX-License-Identifier: BSD-2-Clause
"""What the commands say to the person who started them."""
import contextlib
import os
import signal
import sys
import termios


class Failure(Exception):
    """The command cannot go on; the text is the one clear sentence that says why."""


def say(text):
    """One line about what happens now, on standard error: standard output is the machine's."""
    print(f"salto: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def kept_terminal():
    """Gives the terminal on standard input back as it was, whatever the program that had it meanwhile did."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def stop(number, frame):
    """A signal that ends the command ends what it started, too: as an exception it unwinds through them all."""
    del frame
    sys.exit(128 + number)


def command(main):
    """Runs `main` as a whole command: its result is the exit status, a Failure is one sentence and status 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        status = main()
    except Failure as failure:
        say(f"error: {failure}")
        status = 1
    except KeyboardInterrupt:
        say("stopped by the keyboard")
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
