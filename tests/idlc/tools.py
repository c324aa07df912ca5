#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of idlc's tools: tools.py IDLC TREE. Prints TAP.

What each of them writes for tests/idlc/tools/shop.idl is compared with the file beside it, to the byte; --write makes
those files anew. The JSON of every interface in the tree is read as JSON and compared with the rules of
layout; in its page of documentation all elements are closed, and the drawings of messages have every word and
every item of that JSON once.
"""
import argparse
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from salto import tap

GOLDEN = (("json", "shop.json"), ("doc", "shop.md"), ("html", "shop.html"))


class Tools:
    """idlc, the tree, and the report."""

    def __init__(self, idlc, tree, write):
        self.idlc, self.tree, self.write = os.path.abspath(idlc), pathlib.Path(os.path.abspath(tree)), write
        self.folder, self.report = self.tree / "tests/idlc/tools", tap.Report()

    def run(self, *words, folder=None):
        return subprocess.run([self.idlc, *map(str, words)], cwd=folder or self.folder, capture_output=True, text=True,
                              timeout=60, check=False)

    def compare(self, text, name):
        """With the file of that name, which --write writes."""
        path = self.folder / name
        if self.write:
            path.write_text(text)
        wanted = path.read_text() if path.exists() else ""
        wrong = [f"line {number}: {line}" for number, line in enumerate(text.splitlines(), 1)
                 if line not in wanted.splitlines()]
        self.report.add(text == wanted and text, f"{name}: exactly what is expected", *wrong[:20], text[:200])


def check_trace(tools):
    """A capture in a file, and the same on standard input."""
    for words in (["shop.capture"], [], ["-"]):
        done = subprocess.run([tools.idlc, "trace", "shop.idl", *words], cwd=tools.folder, capture_output=True, text=True,
                              input=(tools.folder / "shop.capture").read_text(), timeout=60, check=False)
        tools.compare(f"{done.stdout}{done.stderr}", "shop.trace")
    done = tools.run("trace", "shop.idl", "none.capture")
    tools.report.add(done.returncode == 1 and "cannot read none.capture: No such file" in done.stderr,
                     "a capture that is not there", done.stderr)


def check_editors(tools):
    """The syntax files know every keyword of the lexer and every type of the checks; Vim and VS Code can read them."""
    words = set(re.findall(r'^"([a-z]+)"\s+\{', (tools.tree / "idlc/lexer.l").read_text(), re.MULTILINE))
    words |= set(re.findall(r'"([iuf]\d+)"', (tools.tree / "idlc/check_types.c").read_text()))
    words |= {"bool", "cap", "bytes", "string", "pages"}
    folder = tools.tree / "tools/editors"
    for name in ("vim/syntax/saltoidl.vim", "vscode/syntaxes/saltoidl.tmLanguage.json"):
        known = set(re.findall(r"[a-z]\w*", (folder / name).read_text().replace("\\\\b(", " ")))
        tools.report.add(len(words) > 20 and words <= known, f"{name} has every keyword and type", *sorted(words - known))
    for path in sorted(folder.glob("vscode/**/*.json")):
        json.loads(path.read_text())
    grammar = json.loads((folder / "vscode/syntaxes/saltoidl.tmLanguage.json").read_text())
    text = (tools.folder / "shop.idl").read_text()
    unused = [pattern["name"] for pattern in grammar["patterns"]
              if "match" in pattern and not re.search(pattern["match"], text, re.MULTILINE)]
    tools.report.add(set(unused) <= {"comment.line.double-slash.saltoidl"}, "the patterns for VS Code find what they are for",
                     *unused)


def check_golden(tools):
    for command, name in GOLDEN:
        done = tools.run(command, "shop.idl")
        tools.compare(done.stdout + done.stderr, name)


# ---- JSON ------------------------------------------------------------------------------------------------------------

def places(message, operation):
    """The words and items that the parameters of one message take, each as often as it is taken."""
    words, items = [], []
    for parameter in message["parameters"]:
        words += range(parameter.get("word", 0), parameter.get("word", 0) + parameter.get("words", 0))
        words += range(parameter.get("data_word", 0), parameter.get("data_word", 0) + parameter.get("data_words", 0))
        items += [parameter["item"]] if "item" in parameter else []
    if message is operation["request"] and "reply" in operation:
        words += [parameter["capacity_word"] for parameter in operation["reply"]["parameters"]
                  if "capacity_word" in parameter]
    return sorted(words), sorted(items)


def wrong_operation(interface, operation):
    if operation["label"] != interface["id"] << 16 | operation["number"]:
        return "the label is not id and number"
    for name in ("request", "reply"):
        message = operation.get(name)
        if message and places(message, operation) != (list(range(message["words"])), list(range(message["items"]))):
            return f"the parameters of the {name} do not fill it"
    return None


def wrong_struct(declaration):
    """Fields follow each other with no more space than alignment asks for."""
    end = 0
    for member in declaration["members"]:
        if not end <= member["offset"] < end + 8:
            return f"field {member['name']} is at {member['offset']}, behind {end}"
        end = member["offset"] + member["type"]["size"]
    return None if end <= declaration["size"] < end + 8 else f"ends at {end}"


def names_in(value):
    """Every declaration that types name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "type" or key == "of":
                yield from [inner["name"]] if "name" in inner else []
            yield from [inner] if key in ("raises", "base") else names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


def wrong_json(tools, source):
    done = tools.run("json", source)
    if done.returncode:
        return done.stderr
    program = json.loads(done.stdout)
    known = {declaration["name"]: declaration for declaration in program["declarations"]}
    missing = sorted(set(names_in(program)) - set(known))
    if program["format"] != 1 or missing or len(known) != len(program["declarations"]):
        return f"not declared: {missing}, or twice"
    for declaration in known.values():
        wrong = wrong_struct(declaration) if declaration["kind"] == "struct" else None
        for operation in declaration.get("operations", ()):
            wrong = wrong or wrong_operation(declaration, operation)
        if wrong:
            return f"{declaration['name']}: {wrong}"
    return None


def sources(tools):
    return sorted([*tools.tree.glob("idl/**/*.idl"), *tools.tree.glob("tests/idlc/good/*.idl")])


def check_json(tools):
    for source in sources(tools):
        wrong = wrong_json(tools, source)
        tools.report.add(wrong is None, f"{source.relative_to(tools.tree)}: its JSON", wrong or "")


# ---- Compatibility -----------------------------------------------------------------------------------------------------

CASE = re.compile(r'^"(.*)" becomes "(.*)"$', re.MULTILINE)


def changed_folder(tools, folder, before, after):
    """The interfaces, with one text in place of another; how many were replaced."""
    folder.mkdir()
    count = 0
    for source in tools.folder.glob("*.idl"):
        text = source.read_text()
        count += text.count(before)
        (folder / source.name).write_text(text.replace(before, after))
    return count


def compare_versions(tools, case, old, new, folder):
    """The lines for the file of results; a version that is an error by itself is left out with what it says."""
    done = tools.run("compat", f"{old}/shop.idl", f"{new}/shop.idl", folder=folder)
    breaks = "breaks old" in done.stdout
    right = done.returncode == (3 if breaks else 0) or (done.returncode == 1 and "error:" in done.stderr)
    tools.report.add(right, f"compat, {case}: exit status {done.returncode}", done.stdout + done.stderr)
    return f"{done.stdout}{done.stderr}(exit status {done.returncode})\n"


def check_compat(tools):
    text = ""
    for number, (before, after) in enumerate(CASE.findall((tools.folder / "compat.cases").read_text())):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            unescaped = [part.replace("\\n", "\n") for part in (before, after)]
            changed_folder(tools, folder / "a", "", "")
            count = changed_folder(tools, folder / "b", *unescaped)
            tools.report.add(count == 1, f"compat: \"{before}\" is there once", f"{count} times")
            for old, new, arrow in (("a", "b", "becomes"), ("b", "a", "was")):
                text += f"\n\"{before}\" {arrow} \"{after}\":\n"
                text += compare_versions(tools, f"{before} {arrow} {after}", old, new, folder)
    tools.compare(text, "compat.expected")
    source = (tools.tree / "idlc/compat.c").read_text()
    codes = set(re.findall(r'"([a-z-]+)",\s+"%s', source))
    page = (tools.tree / "docs/idl-tools.md").read_text()
    missing = sorted(code for code in codes if f"[{code}]" not in text or f"`{code}`" not in page)
    tools.report.add(len(codes) > 15 and not missing, "every code of compat is tried, and described", *missing)


# ---- The page ----------------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Closes what it opens? And what its drawings have: title, and (line, column, width) of each cell."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.drawings, self.in_title = [], [], [], False
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open += [] if tag in ("meta", "!doctype") else [tag]
        if attributes.get("class") == "drawing":
            self.drawings.append(["", []])
        self.in_title = tag == "p" and "div" in self.open
        area = re.fullmatch(r"grid-area: (\d+) / (\d+) / auto / span (\d+)", attributes.get("style", ""))
        if area:
            line, column, width = map(int, area.groups())
            self.drawings[-1][1].append((line - 2, column - 2, width))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data):
        if self.in_title:
            self.drawings[-1][0] += data
            self.in_title = False


def operations_of(program):
    for declaration in program["declarations"]:
        if declaration["kind"] == "interface" and declaration["file"] == 0:
            yield from declaration["operations"]


def lines_of(message, operation):
    """In which lines of the drawing something must begin: whole words and items."""
    words, items = places(message, operation)
    starts = {parameter[key] for parameter in message["parameters"] for key in ("word", "data_word") if key in parameter}
    return starts | {len(words) + item for item in items}


def wrong_page(tools, source):
    program = json.loads(tools.run("json", source).stdout)
    page = Page(tools.run("html", source).stdout)
    drawn = [cells for title, cells in page.drawings if title != "In memory"]
    messages = [(operation[name], operation) for operation in operations_of(program) for name in ("request", "reply")
                if name in operation and operation["request"]["parameters"] + operation.get("reply", {}).get("parameters", [])]
    if page.wrong or len(drawn) != len(messages):
        return f"not closed: {page.wrong}; {len(drawn)} drawings of {len(messages)} messages"
    for cells, (message, operation) in zip(drawn, messages):
        taken = [(line, column + byte) for line, column, width in cells for byte in range(width)]
        if len(taken) != len(set(taken)) or not {line for line, _, _ in cells} >= lines_of(message, operation) or any(
                line >= message["words"] + message["items"] or column + width > 8 for line, column, width in cells):
            return f"the drawing of {operation['name']}: {cells}"
    return None


def check_pages(tools):
    for source in sources(tools):
        wrong = wrong_page(tools, source)
        tools.report.add(wrong is None, f"{source.relative_to(tools.tree)}: its page", wrong or "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("idlc")
    parser.add_argument("tree")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    tools = Tools(arguments.idlc, arguments.tree, arguments.write)
    check_golden(tools)
    check_json(tools)
    check_pages(tools)
    check_compat(tools)
    check_trace(tools)
    check_editors(tools)
    return tools.report.finish()


if __name__ == "__main__":
    sys.exit(main())
