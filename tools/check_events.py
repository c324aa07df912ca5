#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Replays a file of the kernel's IPC events against the state machine that docs/model.md describes."""
import argparse
import sys

from salto import events


def main():
    parser = argparse.ArgumentParser(description="Replays IPC events against the rules in docs/model.md, and says at "
                                     "which one they are broken; at the end it lists who waits for what.")
    parser.add_argument("file", type=argparse.FileType("r", encoding="utf-8"), help="an event a line (-: standard input)")
    parser.add_argument("--window", action="store_true", help="the list begins in the midst of things")
    arguments = parser.parse_args()
    text = arguments.file.read()
    checker = events.check(text, arguments.window)
    print(f"{len(events.parse(text))} events keep the rules")
    print("\n".join(checker.waiting()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, events.EventError) as error:
        sys.exit(f"check_events: {error}")
