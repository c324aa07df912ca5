# SPDX-License-Identifier: BSD-2-Clause
"""What the commands say to the person who started them."""
import os
import sys


class Failure(Exception):
    """The command cannot go on; the text is the one clear sentence that says why."""


def say(text):
    """One line about what happens now, on standard error: standard output is the machine's."""
    print(f"salto: {text}", file=sys.stderr, flush=True)


def command(main):
    """Runs `main` as a whole command: its result is the exit status, a Failure is one sentence and status 1."""
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
