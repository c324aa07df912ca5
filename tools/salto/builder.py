# SPDX-License-Identifier: BSD-2-Clause
"""Drives meson: sets up a build folder, builds targets, one command at a time."""
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys

from salto import archive, sets, toolchain
from salto.console import Failure, say
from salto.places import BUILD, TREE


@contextlib.contextmanager
def locked(build=BUILD):
    """Only one command builds in a folder at a time."""
    os.makedirs(build, exist_ok=True)
    with open(os.path.join(build, ".lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is building; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(targets=(), folder=BUILD, compiler=None):
    """Sets `folder` up if need be, and builds `targets` (all by default); a Failure where that fails."""
    with locked(folder):
        if not os.path.isfile(os.path.join(folder, "build.ninja")):
            say(f"setting up {os.path.relpath(folder)} with meson")
            environment = dict(os.environ, **({"CC": compiler} if compiler else {}))
            run_quietly(["/usr/bin/meson", "setup", folder, TREE], environment, "meson could not set the build up")
        say("building " + (" ".join(targets) if targets else "everything"))
        done = subprocess.run(["ninja", "-C", folder, "--quiet", *targets], check=False, stdin=subprocess.DEVNULL,
                              stdout=2)
        if done.returncode != 0:
            raise Failure("the build failed; the messages of what failed stand above")


def run_quietly(command, environment, sentence):
    """Runs a command whose output matters only where it fails."""
    done = subprocess.run(command, env=environment, check=False, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print(done.stdout)
        raise Failure(sentence)


def build_folder_set(folder):
    """Builds the set in a folder that meson does not know; answers archive and list of programs."""
    build(["set-tools"])
    folder = os.path.realpath(folder)
    name = os.path.basename(folder)
    digest = hashlib.sha256(folder.encode()).hexdigest()[:8]
    work = os.path.join(BUILD, "folders", f"{name}-{digest}")
    output = os.path.join(work, f"{name}.cpio")
    say(f"building the set in {folder}")
    try:
        with locked():
            sets.Set(folder, work, sets.load_config(BUILD)).build(output)
    except (sets.SetError, archive.ArchiveError, toolchain.ToolchainError) as error:
        if "\n" not in str(error):
            raise Failure(str(error)) from error
        print(error, file=sys.stderr, flush=True)
        raise Failure("the set was not built; what is wrong with it stands above") from error
    return output, work
