# SPDX-License-Identifier: BSD-2-Clause
"""Which interfaces go on round trips: those that programs serve, of tests/idlc/good and of idl/.

What cannot cross a stream is named, and left out: capabilities and pages are tested in the sets capability, page_items,
loans, memory_server and broken_messages, and on the host by idlc-capabilities and idlc-pages; operations of the kernel
in the sets fuzzer and broken_messages.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).absolute().parent
TREE = HERE.parent.parent.parent
sys.path[:0] = [str(TREE / "tools"), str(TREE / "tests/idlc")]
import idl_model  # pylint: disable=wrong-import-position


class Source:
    """An interface file, and what of it goes on a trip."""

    def __init__(self, idlc, path, folders):
        self.path = path
        # As idl/meson.build names headers: some files are called as those of kernel objects are.
        self.stem = f"{path.stem}_service" if path.parent == TREE / "idl" else path.stem
        self.model = idl_model.Model(idl_model.read_json(idlc, path, folders))
        self.interfaces = [interface for interface in self.model.interfaces()
                           if interface["file"] == 0 and self.served(interface)]

    def served(self, interface):
        """The operations that cross."""
        return [operation for operation in self.model.all_operations(interface) if not self.stays(operation)]

    def stays(self, operation):
        """Why it cannot; None if it can."""
        return "capabilities or pages" if self.model.crossing(operation) else None

    def left_out(self):
        """(name, why) of each."""
        return [(f"{interface['name']}.{operation['name']}", self.stays(operation))
                for interface in self.model.interfaces() if interface["file"] == 0
                for operation in interface["operations"] if self.stays(operation)]

    def imported(self):
        """Stems of the files in which bases of the interfaces are declared."""
        files = {self.model.declarations[interface["base"]]["file"] for interface in self.interfaces
                 if interface.get("base")} - {0}
        return [pathlib.Path(self.model.program["files"][file]["path"]).stem for file in files]


def sources(idlc, folders):
    """All files that have any, those that others are based on first."""
    paths = [*sorted((TREE / "tests/idlc/good").glob("*.idl")), *sorted((TREE / "idl").glob("*.idl"))]
    found = [source for source in (Source(idlc, path, folders) for path in paths) if source.interfaces]
    return sorted(found, key=lambda source: len(source.imported()))
