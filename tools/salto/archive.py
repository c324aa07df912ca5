# SPDX-License-Identifier: BSD-2-Clause
"""The boot archive: a cpio archive of the "newc" form (cpio(5)), which the kernel and root read.

Reproducible: no times, owners or inode numbers of the machine that built it get in.
"""
import os
import stat

MAGIC = b"070701"
TRAILER = "TRAILER!!!"
HEADER_SIZE = 110
MAX_NAME = 255


class ArchiveError(Exception):
    """An archive that cannot be written or read; the text says why."""


def _padding(length):
    return b"\0" * (-length % 4)


def _record(name, data, mode, inode):
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = MAGIC + b"".join(b"%08x" % field for field in fields) + encoded
    return head + _padding(len(head)) + data + _padding(len(data))


def write(path, members):
    """Writes `members`, a list of (name, bytes), as an archive at `path`, in that order; replaces it whole."""
    names = [name for name, _ in members]
    for name in names:
        if not name or len(name) > MAX_NAME or name.startswith("/") or name == TRAILER:
            raise ArchiveError(f"'{name}' cannot be a name in an archive")
        if names.count(name) > 1:
            raise ArchiveError(f"'{name}' stands twice in the archive")
    temporary = f"{path}.part"
    with open(temporary, "wb") as output:
        for inode, (name, data) in enumerate(members, 1):
            output.write(_record(name, data, stat.S_IFREG | 0o755, inode))
        output.write(_record(TRAILER, b"", 0, 0))
    os.replace(temporary, path)


def read(path):
    """The members of the archive at `path` as a list of (name, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    members, at = [], 0
    while True:
        if data[at:at + 6] != MAGIC:
            raise ArchiveError(f"{path}: no newc header at byte {at}")
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name_end = at + HEADER_SIZE + fields[11]
        name = data[at + HEADER_SIZE:name_end - 1].decode()
        start = name_end + (-name_end % 4)
        if name == TRAILER:
            return members
        members.append((name, data[start:start + fields[6]]))
        at = start + fields[6] + (-fields[6] % 4)
