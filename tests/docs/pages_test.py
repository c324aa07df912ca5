#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The pages say what the sources say: pages_test.py TREE IDLC. Prints TAP.

Links lead somewhere, files that are named exist, docs/kernel-objects.md has every operation of the kernel's interfaces
with its number and rights, docs/address-spaces.md has the inventory, docs/security.md the fields that all tasks can
read, every error is explained, and docs/memory-tests.md names tests that are there.
"""
import glob
import json
import os
import re
import subprocess
import sys

from salto import tap

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
FOLDERS = "(?:kernel|idl/kernel|idlc|lib|servers|examples|tests|tools|docs)"
FILE = re.compile(FOLDERS + r"/[\w./-]*[\w/]")
ERROR = re.compile(r"^\s*ERROR\(\d+, (\w+),", re.MULTILINE)
RIGHT = re.compile(r"@right\(([\w, ]+)\)\s+(?:oneway\s+)?(\w+)\s+@")
INVENTORY = re.compile(r'^    \{"([^"]+)", (.+), (.+), (\w+), (?:true|false)\},$', re.MULTILINE)
# What the inventory's sets of page-table bits mean: rights, and global or not.
FLAGS = {"PTE_GLOBAL": ["read, execute", "yes"], "SHARED_DATA": ["read, write", "yes"],
         "PRIVATE_DATA": ["read, write", "no"]}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    return {re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in text.splitlines() if line.startswith("#")}


def check_links(report, tree, page):
    text, wrong = read(tree, page), []
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        path = os.path.normpath(os.path.join(tree, os.path.dirname(page), target)) if target else os.path.join(tree, page)
        if target.startswith(("http:", "https:")):
            continue
        if not os.path.exists(path) or (anchor and anchor not in anchors(read(path))):
            wrong.append(link)
    report.add(not wrong, f"{page}: links lead somewhere", *wrong)
    named = {name for quoted in QUOTED.findall(text) for name in FILE.findall(quoted)
             if quoted.startswith(name) and not re.search(r"NAME|\*", quoted)}
    missing = [name for name in sorted(named) if not os.path.exists(os.path.join(tree, name))]
    report.add(not missing, f"{page}: files that it names are there", *missing)


def check_titles(report, tree, page):
    """Titles of tests stand behind the folder or file that has them: `folder` "title", "title"."""
    missing = []
    for place, titles in re.findall(r'`(tests/[\w./-]+)`((?:,? "[^"]+")+)', read(tree, page)):
        files = glob.glob(os.path.join(tree, place, "*.c")) or [os.path.join(tree, place)]
        text = "".join(read(file) for file in files if os.path.isfile(file))
        missing += [f"{place}: {title}" for title in re.findall(r'"([^"]+)"', titles) if f'"{title}"' not in text]
    report.add(not missing, f"{page}: tests that it names are there", *missing)


def sections(page):
    """The text under each second-level heading."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def rows(text):
    """The cells of all table rows."""
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()
            if line.startswith("|") and not line.startswith("|-")]


def own_operations(program):
    """Those of the file itself, not of what it imports: interface, its name without the library, operation."""
    return [(interface, interface["name"].split(".")[1], operation) for interface in program["declarations"]
            if interface["kind"] == "interface" and interface["file"] == 0 for operation in interface["operations"]]


def check_operations(report, tree, idlc):
    found, folder = sections(read(tree, "docs", "kernel-objects.md")), os.path.join(tree, "idl", "kernel")
    for source in sorted(glob.glob(os.path.join(folder, "*.idl"))):
        listed = subprocess.run([idlc, "json", "-I", folder, source], capture_output=True, text=True,
                                check=True).stdout
        rights = {operation: words for words, operation in RIGHT.findall(read(source))}
        wrong = []
        for interface, name, entry in own_operations(json.loads(listed)):
            text = found.get(name, "")
            row = next((row for row in rows(text) if row[1] == f"`{entry['name']}`"), None)
            needed = rights.get(entry["name"], "").replace(",", " ").split()
            if f"Interface {interface['id']}." not in text:
                wrong.append(f"no section '## {name}' that begins 'Interface {interface['id']}.'")
            elif row is None or row[0] != str(entry["number"]):
                wrong.append(f"{name} has no row | {entry['number']} | `{entry['name']}` | ...")
            elif not all(word in row[2].split(";")[0] for word in needed):
                wrong.append(f"{name}.{entry['name']} needs the right {' '.join(needed)}")
        report.add(not wrong, f"docs/kernel-objects.md: {os.path.basename(source)}", *wrong)


def inventory(tree):
    """The kernel's table of supervisor pages, as the page's cells: name, start, pages, rights, global."""
    entries = INVENTORY.findall(read(tree, "kernel", "mem", "inventory.c"))
    source = '#include "abi/addresses.h"\n' + "".join(f"@{start} @{end}\n" for _, start, end, _ in entries)
    expanded = subprocess.run(["gcc", "-E", "-P", "-I", os.path.join(tree, "kernel"), "-"], input=source, text=True,
                              capture_output=True, check=True).stdout
    numbers = [eval(re.sub(r"(?<=[0-9a-f])UL", "", text)) for text in expanded.split("@")[1:]] # plain arithmetic
    return [[name, f"{start:#x}", str((end - start) // 4096), *FLAGS[flags]]
            for (name, _, _, flags), start, end in zip(entries, numbers[::2], numbers[1::2])]


def check_inventory(report, tree):
    listed = [row[:5] for row in rows(read(tree, "docs", "address-spaces.md")) if row[1].startswith("0xffffffff")]
    wanted = inventory(tree)
    report.add(listed == wanted and len(wanted) > 0, "docs/address-spaces.md has the inventory of supervisor pages",
               *(f"page {row}" for row in listed if row not in wanted),
               *(f"kernel {row}" for row in wanted if row not in listed))


def check_errors(report, tree):
    errors = set(ERROR.findall(read(tree, "kernel", "abi", "errors.h")))
    pages = read(tree, "docs", "ipc.md") + read(tree, "docs", "kernel-objects.md")
    missing = sorted(error for error in errors if not re.search(rf"\b{error}\b", pages))
    report.add(len(errors) > 10 and not missing, "each error is explained in docs/ipc.md or docs/kernel-objects.md",
               *missing)
    named = set(re.findall(r"\b[A-Z]{2,}_[A-Z_]+\b", "\n".join(cell for row in rows(pages) for cell in row)))
    unknown = sorted(name for name in named - errors if not re.match("UTCB_|ERROR_|CR3_", name))
    report.add(not unknown, "each error that their tables name exists", *unknown)


def check_readable(report, tree):
    """docs/security.md says of each field that all tasks map what it tells."""
    layout, page = read(tree, "kernel", "trampoline", "layout.h"), read(tree, "docs", "security.md")
    bodies = re.findall(r"^struct (?:gate|hot_thread|hot_endpoint) \{\n(.*?)^\};", layout, re.MULTILINE | re.DOTALL)
    fields = [name for body in bodies for line in re.findall(r"^ +[^;]*;", body, re.MULTILINE)
              for name in re.findall(r"(\w+)(?:\[\d+\])?[,;]", line) if name != "reserved"]
    missing = [name for name in fields if f"`{name}`" not in page]
    report.add(len(bodies) == 3 and len(fields) > 20 and not missing,
               "docs/security.md has each field of gates and hot lines", *missing)


def main():
    tree, idlc = sys.argv[1:3]
    report = tap.Report()
    pages = ["README.md"] + sorted(os.path.relpath(path, tree)
                                   for path in glob.glob(os.path.join(tree, "docs", "**", "*.md"), recursive=True))
    for page in pages:
        check_links(report, tree, page)
    check_titles(report, tree, "docs/memory-tests.md")
    linked = set(FILE.findall(read(tree, "README.md"))) | {os.path.normpath(f"{os.path.dirname(page)}/{link}")
                                                          for page in pages if page.startswith("docs/")
                                                          for link in LINK.findall(read(tree, page))}
    alone = [page for page in pages[1:] if page not in linked]
    report.add(not alone, "every page can be reached", *alone)
    check_operations(report, tree, idlc)
    check_inventory(report, tree)
    check_readable(report, tree)
    check_errors(report, tree)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
