# SPDX-License-Identifier: BSD-2-Clause
"""Bootable images: GRUB 2 with the kernel and one set's archive, for BIOS and UEFI alike."""
import os
import shutil
import subprocess
import tempfile

# No menu and no waiting. GRUB itself is silent on the serial line unless it cannot load the kernel.
GRUB_CONFIGURATION = """set timeout=0
insmod all_video
if multiboot2 /boot/kernel.elf {options} ; then
    if module2 /boot/set.cpio set.cpio ; then
        boot
    fi
fi
serial --unit=0 --speed=115200
terminal_output serial
echo "GRUB could not load the kernel and its archive"
halt
"""


class IsoError(Exception):
    """An image that could not be made; the text says why."""


def make(output, kernel, archive, options=""):
    """Writes the image `output`, which boots `kernel` with `archive` and the command line `options`."""
    with tempfile.TemporaryDirectory() as folder:
        grub = os.path.join(folder, "boot", "grub")
        os.makedirs(grub)
        shutil.copyfile(kernel, os.path.join(folder, "boot", "kernel.elf"))
        shutil.copyfile(archive, os.path.join(folder, "boot", "set.cpio"))
        with open(os.path.join(grub, "grub.cfg"), "w", encoding="utf-8") as file:
            file.write(GRUB_CONFIGURATION.format(options=options))
        temporary = f"{output}.part"
        command = ["grub-mkrescue", "-o", temporary, "--locales=", "--fonts=", "--themes=", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise IsoError(f"cannot run grub-mkrescue: {error.strerror}") from error
        if done.returncode != 0 or not os.path.isfile(temporary):
            raise IsoError(f"grub-mkrescue failed: {done.stderr.strip()}")
        os.replace(temporary, output)
