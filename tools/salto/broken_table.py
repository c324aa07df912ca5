# SPDX-License-Identifier: BSD-2-Clause
"""Broken messages (broken.py) as rows of arrays in C, for programs that send them."""
from salto import broken

NAMED = (broken.HANDLE, broken.POWERLESS, broken.CAPABILITY, broken.POWERLESS_ITEM) # cells whose value is an interface


class Table:
    """The rows of C's arrays."""

    def __init__(self, operations, texts):
        self.targets = sorted({operation.target for operation in operations} | {
            value for operation in operations for message in operation.messages
            for what, value in (*message.cells.values(), message.target) if what in NAMED})
        self.cells, self.messages, self.pairs, self.operations, self.texts = [], [], [], [], texts
        for operation in operations:
            self.add(operation)

    def value(self, what, value):
        return self.targets.index(value) if what in NAMED else value

    def add(self, operation):
        first, number = len(self.messages), len(self.operations)
        for kind in range(len(broken.KINDS)):
            of_kind = [message for message in operation.messages if message.kind == kind]
            if of_kind or kind in operation.kinds:
                self.pairs.append(f"{{{number}, {kind}, {len(of_kind)}, {len(self.messages)}}},")
            for message in of_kind:
                self.message(message)
        self.operations.append(f'{{"{operation.name}", {self.targets.index(operation.target)}, {first}, '
                               f'{len(self.messages) - first}}},')

    def message(self, message):
        what, value = message.target
        outcome = message.outcome
        self.messages.append(
            f"{{{message.tag:#x}, {len(self.cells)}, {len(message.cells)}, {what}, {outcome.what}, "
            f"{self.value(what, value) & 0xff}, {outcome.parameter}, ERROR_{outcome.error}}},")
        for place, (cell, number) in sorted(message.cells.items()):
            self.cells.append(f"{{{self.value(cell, number):#x}, {place}, {cell}}},")

    def counts(self):
        return [f"#define BROKEN_{name} {len(rows)}" for name, rows in (
            ("KINDS", broken.KINDS), ("TARGETS", self.targets), ("OPERATIONS", self.operations), ("PAIRS", self.pairs))]

    def rows(self, storage=""):
        """The arrays that tests/guest/broken_messages/table.h declares."""
        return [
            *array(f"{storage}const char *const broken_kinds[]", [f'"{kind}",' for kind in broken.KINDS]),
            *array(f"{storage}const uint32_t broken_targets[]", [f"{target:#x}," for target in self.targets]),
            *array(f"{storage}const struct broken_text broken_texts[]",
                   [f"{{{literal(value)}, {len(value)}}}," for value in self.texts]),
            *array(f"{storage}const struct broken_cell broken_cells[]", self.cells),
            *array(f"{storage}const struct broken_message broken_messages[]", self.messages),
            *array(f"{storage}const struct broken_pair broken_pairs[]", self.pairs),
            *array(f"{storage}const struct broken_operation broken_operations[]", self.operations)]


def literal(value):
    """Bytes as a string of C."""
    return f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in value)}"'


def array(declaration, rows):
    return [f"{declaration} = {{", *(f"    {row}" for row in rows), "};"]
