# SPDX-License-Identifier: BSD-2-Clause
"""Checks the machine, and installs the Debian packages that are missing."""
import os
import platform
import shutil
import subprocess

from salto.console import Failure, say
from salto.places import TREE

BUILD_PACKAGES = ["gcc", "libc6-dev", "binutils", "meson", "ninja-build", "flex", "bison", "musl-tools", "musl-dev",
                  "python3-pyelftools", "liblz4-dev"]
MACHINE_PACKAGES = ["qemu-system-x86", "grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "xorriso", "mtools"]
UEFI_PACKAGES = ["ovmf"]
GDB_PACKAGES = ["gdb"]
BOCHS_PACKAGES = ["bochs", "bochsbios", "vgabios"]
TEST_PACKAGES = ["clang", "libclang-rt-dev", "clang-format", "git", "gdb", "spin", "python3-pexpect",
                 *UEFI_PACKAGES, *BOCHS_PACKAGES]

BUILD_SPACE = 1 << 30   # bytes that a build and its images take, generously
INSTALL_SPACE = 3 << 30 # bytes that all packages take, with what apt downloads


def prepare(packages):
    """Makes sure that the machine can build and run Salto; a Failure says what stands in the way."""
    if platform.machine() != "x86_64":
        raise Failure(f"Salto is built on x86-64, and this machine is {platform.machine()}")
    check_space(TREE, BUILD_SPACE)
    missing = missing_packages(packages)
    if missing:
        install(missing)


def check_space(folder, needed):
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Failure(f"no disk space: {folder} has {free >> 20} MiB free, and {needed >> 20} MiB are needed")


def missing_packages(packages):
    if shutil.which("dpkg-query") is None:
        raise Failure(f"this is {system_name()}, and Salto needs Debian 12 (no dpkg-query is here)")
    answer = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                            capture_output=True, text=True, check=False).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def system_name():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "an unknown system")
    except OSError:
        return "an unknown system"


def install(packages):
    release = platform.freedesktop_os_release()
    if (release.get("ID"), release.get("VERSION_ID")) != ("debian", "12"):
        raise Failure(f"this is {system_name()}: Salto installs packages on Debian 12 only, and these are missing: "
                      + " ".join(packages))
    root = [] if os.geteuid() == 0 else ["sudo"]
    if root and shutil.which("sudo") is None:
        raise Failure("packages are missing, and there is no sudo; as root type: apt-get install " + " ".join(packages))
    check_space("/", INSTALL_SPACE)
    say("installing Debian packages: " + " ".join(packages))
    environment = [*root, "env", "DEBIAN_FRONTEND=noninteractive"]
    for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        # No standard input: nothing may ask, and a pipe into ./run is the machine's.
        done = subprocess.run([*environment, "apt-get", *words], check=False, stdout=2,
                              stdin=None if root else subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failure(f"apt-get {words[0]} failed with {done.returncode}, most often for want of a network; "
                          "its own messages stand above")
