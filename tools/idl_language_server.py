#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Language server for Salto's interface language: idl_language_server.py [--idlc FILE] [-I FOLDER]...

Speaks the Language Server Protocol 3.17 over standard input and output, and knows no more of the language than idlc says:
errors and warnings as they are typed, what a name is and what an operation costs on hovering, and where things are
declared, in imported files too. docs/idl-tools.md says how editors start it. One message is answered after the other.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

PARSE_ERROR, BAD_REQUEST, NOT_FOUND, BAD_PARAMETERS = -32700, -32600, -32601, -32602  # of JSON-RPC
ERROR, WARNING = 1, 2  # severities
SECONDS = 20  # that idlc may take
MESSAGE = re.compile(r"^(.+?):(\d+):(\d+): (error|warning): (.*) \[([a-z-]+)\]$")
CARET = re.compile(r"^ *(\^~*)$")
WORD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?")
IMPORT = re.compile(r'import\s+"([^"]*)"')


def path_of(uri):
    """The file; what is none yet, as `untitled:Untitled-1`, is in a folder that does not exist."""
    parts = urllib.parse.urlparse(uri)
    path = pathlib.Path(urllib.parse.unquote(parts.path))
    return path if parts.scheme == "file" else pathlib.Path("/not-saved", path.name or "not-saved.idl")


def units(text):
    """The length as the protocol counts: in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def from_units(line, count):
    """The place in the text behind so many units."""
    return len(line.encode("utf-16-le", "surrogatepass")[:2 * count].decode("utf-16-le", "ignore"))


def span(line_number, line, start, end):
    """A range in one line, given by characters."""
    return {"start": {"line": line_number, "character": units(line[:start])},
            "end": {"line": line_number, "character": units(line[:end])}}


class Compiler:
    """Runs idlc on a document as it is in the editor."""

    def __init__(self, idlc, folders):
        self.idlc, self.folders = idlc, folders

    def run(self, command, path, text):
        """Standard output, and standard error with the names of the files as they are on disk."""
        if path.exists() and path.read_bytes() == text.encode():
            return self.start(command, path, [])
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for sibling in path.parent.iterdir() if path.parent.is_dir() else ():
                if sibling.name != path.name:
                    (folder / sibling.name).symlink_to(sibling)
            (folder / path.name).write_text(text)
            out, err = self.start(command, folder / path.name, [path.parent])
            return out.replace(f"{folder}/", f"{path.parent}/"), err.replace(f"{folder}/", f"{path.parent}/")

    def start(self, command, path, folders):
        options = [f"-I{folder}" for folder in [*folders, *self.folders]]
        try:
            done = subprocess.run([self.idlc, *command, *options, path], capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            return "", f"{path}:1:1: error: idlc does not run: {problem} [idlc]\n"
        return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Document:
    """A file that the editor has open, and what idlc said of it when it was last right."""

    def __init__(self, uri, text):
        self.uri, self.path, self.text = uri, path_of(uri), text
        self.program, self.costs, self.reported = None, {}, set()

    def uri_of(self, path):
        """As the editor spells it, for the document itself."""
        return self.uri if path == self.path else path.as_uri()

    def learn(self, compiler):
        """Reads the interface anew; what was known stays where it has errors now."""
        out, _ = compiler.run(["json"], self.path, self.text)
        try:
            self.program = json.loads(out)
        except ValueError:
            return
        out, _ = compiler.run(["cost"], self.path, self.text)
        blocks = re.split(r"^(?=\S)", out, flags=re.MULTILINE)
        self.costs = {block.split(" @")[0]: block.rstrip() for block in blocks if " @" in block}

    def lines(self, path):
        return (self.text if path == self.path else path.read_text("utf-8", "replace")).splitlines()

    def files(self):
        return [pathlib.Path(os.path.normpath(entry["path"])) for entry in self.program["files"]]

    # ---- What stands where ---------------------------------------------------------------------------------------

    def declared(self, name):
        """The declaration of that name, as it is written in this file."""
        if "." not in name:
            name = f"{self.program['files'][0]['library']}.{name}"
        return next((entry for entry in self.program["declarations"] if entry["name"] == name), None)

    def around(self, number):
        """The declaration of this file in which the line stands."""
        own = [entry for entry in self.program["declarations"] if entry["file"] == 0 and entry["line"] <= number + 1]
        return max(own, key=lambda entry: entry["line"], default=None)

    def at(self, position):
        """(declaration, member or operation of it or None) of the word there; (None, None) if nothing is known of it."""
        lines = self.text.splitlines()
        if not self.program or position["line"] >= len(lines):
            return None, None
        line = lines[position["line"]]
        place = from_units(line, position["character"])
        for word in WORD.finditer(line):
            if word.start() <= place <= word.end():
                return self.meaning(word[0], line[word.end():], position["line"])
        return None, None

    def meaning(self, word, behind, number):
        around = self.around(number)
        found = next((inner for inner in [*(around or {}).get("operations", ()), *(around or {}).get("members", ())]
                      if inner["name"] == word), None)
        if found and re.match(r"\s*[@=:]", behind):
            return around, found
        return self.declared(word), None

    def place(self, declaration, inner):
        """(file, line number, line, start, end) of the name."""
        path = self.files()[declaration["file"]]
        lines = self.lines(path)
        name = re.escape((inner or declaration)["name"].split(".")[-1])
        pattern = re.compile(rf"\b({name})\s*[@=:]" if inner else rf"\b[a-z]+\s+({name})\b")
        for number in range(declaration["line"] - 1, len(lines)):
            found = pattern.search(lines[number])
            if found:
                return path, number, lines[number], found.start(1), found.end(1)
        return path, declaration["line"] - 1, "", 0, 0

    # ---- Answers -------------------------------------------------------------------------------------------------

    def hover(self, position):
        declaration, inner = self.at(position)
        if not declaration:
            return None
        entry = inner or declaration
        path, number, line, start, end = self.place(declaration, inner)
        name = declaration["name"] + (f".{inner['name']}" if inner else "")
        texts = [f"```saltoidl\n{self.statement(path, number)}\n```" if inner else f"{declaration['kind']} `{name}`"]
        for key, what in (("value", "value"), ("size", "bytes"), ("id", "id"), ("number", "number"), ("offset", "offset")):
            if key in entry:
                texts.append(f"{what}: {entry[key]}" + (f" ({entry[key]:#x})" if key == "id" else ""))
        texts += [entry["doc"]] if "doc" in entry else []
        cost = self.costs.get(name.split(".", 1)[1])
        texts += [f"```\n{cost}\n```"] if inner and cost else []
        return {"contents": {"kind": "markdown", "value": "\n\n".join(texts)}}

    def statement(self, path, number):
        """From that line on to the end of what begins there."""
        text = "\n".join(self.lines(path)[number:])
        return text[:text.find(";") + 1].strip()

    def definition(self, position):
        lines = self.text.splitlines()
        for found in IMPORT.finditer(lines[position["line"]] if position["line"] < len(lines) else ""):
            path = self.imported(found[1])
            if path and found.start() <= from_units(found.string, position["character"]) <= found.end():
                return {"uri": path.as_uri(), "range": span(0, "", 0, 0)}
        declaration, inner = self.at(position)
        if not declaration:
            return None
        path, number, line, start, end = self.place(declaration, inner)
        return {"uri": self.uri_of(path), "range": span(number, line, start, end)}

    def imported(self, name):
        """Of the files that idlc read, the one that this import means."""
        wanted = pathlib.Path(os.path.normpath(self.path.parent / name))
        known = self.files() if self.program else []
        return next((path for path in known if path == wanted or str(path).endswith(f"/{name}")), None)


class Server:
    """Reads messages, and writes answers."""

    def __init__(self, compiler, source, sink):
        self.compiler, self.source, self.sink, self.documents = compiler, source, sink, {}
        self.stopped = False

    def send(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.sink.flush()

    def receive(self):
        """The next message; None at the end."""
        length = 0
        while True:
            line = self.source.readline()
            if not line:
                return None
            if line in (b"\r\n", b"\n"):
                return self.source.read(length)
            name, _, value = line.decode("ascii", "replace").partition(":")
            if name.lower() == "content-length" and value.strip().isdigit():
                length = int(value)

    def serve(self):
        """The exit status: 1 if the client went without a word."""
        while True:
            body = self.receive()
            if body is None:
                return 1
            try:
                message = json.loads(body)
            except ValueError:
                self.send(id=None, error={"code": PARSE_ERROR, "message": "that is no JSON"})
                continue
            if not isinstance(message, dict):
                self.send(id=None, error={"code": BAD_REQUEST, "message": "that is no message"})
                continue
            if message.get("method") == "exit":
                return 0 if self.stopped else 1
            self.handle(message)

    def handle(self, message):
        method, parameters = message.get("method", ""), message.get("params") or {}
        handler = getattr(self, "on_" + re.sub(r"\W", "_", method), None)
        if handler:
            self.answer(message, handler, parameters)
        elif "id" in message and "method" in message:
            self.send(id=message["id"], error={"code": NOT_FOUND, "message": f"no such method: {method}"})

    def answer(self, message, handler, parameters):
        try:
            result = handler(parameters)
        except (LookupError, TypeError, AttributeError, ValueError, OSError) as problem:
            # Not as the protocol has it, or it names no file that can be read.
            if "id" in message:
                self.send(id=message["id"], error={"code": BAD_PARAMETERS, "message": f"bad parameters: {problem!r}"})
            return
        if "id" in message:
            self.send(id=message["id"], result=result)

    # ---- Life ----------------------------------------------------------------------------------------------------

    def on_initialize(self, _):
        return {"capabilities": {"textDocumentSync": {"openClose": True, "change": 1, "save": True},
                                 "hoverProvider": True, "definitionProvider": True},
                "serverInfo": {"name": "idl_language_server"}}

    def on_shutdown(self, _):
        self.stopped = True

    # ---- Documents -----------------------------------------------------------------------------------------------

    def on_textDocument_didOpen(self, parameters):
        opened = parameters["textDocument"]
        self.documents[opened["uri"]] = Document(opened["uri"], opened["text"])
        self.check(opened["uri"])

    def on_textDocument_didChange(self, parameters):
        uri = parameters["textDocument"]["uri"]
        if uri in self.documents and parameters["contentChanges"]:
            self.documents[uri].text = parameters["contentChanges"][-1]["text"]
            self.check(uri)

    def on_textDocument_didSave(self, _):
        for uri in self.documents:  # which may import what was saved
            self.check(uri)

    def on_textDocument_didClose(self, parameters):
        uri = parameters["textDocument"]["uri"]
        document = self.documents.pop(uri, None)
        for other in sorted(document.reported) if document else ():
            self.publish(other, [])

    def check(self, uri):
        document = self.documents[uri]
        _, text = self.compiler.run(["--format", os.devnull], document.path, document.text)
        found = self.diagnostics(document, text.splitlines())
        for other in sorted(document.reported | set(found) | {uri}):
            self.publish(other, found.get(other, []))
        document.reported = set(found)
        document.learn(self.compiler)

    def publish(self, uri, diagnostics):
        self.send(method="textDocument/publishDiagnostics", params={"uri": uri, "diagnostics": diagnostics})

    def diagnostics(self, document, lines):
        """What idlc said, by file. It counts bytes, from 1, and draws under the line what is wrong."""
        found = {}
        for i, line in enumerate(lines):
            message = MESSAGE.match(line)
            if not message:
                continue
            path = pathlib.Path(os.path.normpath(message[1]))
            caret = next((CARET.match(other) for other in lines[i + 1:i + 3] if CARET.match(other)), None)
            start, text = int(message[3]) - 1, lines[i + 1] if caret else ""
            bytes_of = text.encode()
            length = len(caret[1]) if caret else 1
            head = bytes_of[:start].decode("utf-8", "replace")
            place = {"line": int(message[2]) - 1, "character": units(head)}
            end = {"line": place["line"], "character": place["character"] + length}
            found.setdefault(document.uri_of(path), []).append({
                "range": {"start": place, "end": end}, "severity": ERROR if message[4] == "error" else WARNING,
                "code": message[6], "source": "idlc", "message": message[5]})
        return found

    # ---- Questions -----------------------------------------------------------------------------------------------

    def ask(self, parameters, question):
        document = self.documents.get(parameters["textDocument"]["uri"])
        return question(document, parameters["position"]) if document else None

    def on_textDocument_hover(self, parameters):
        return self.ask(parameters, Document.hover)

    def on_textDocument_definition(self, parameters):
        return self.ask(parameters, Document.definition)


def default_idlc():
    """The one that was built in this tree, else the one in the path."""
    built = pathlib.Path(__file__).resolve().parent.parent / "build/idlc/idlc"
    return str(built) if built.exists() else shutil.which("idlc") or "idlc"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idlc", default=default_idlc(), help="the compiler")
    parser.add_argument("-I", dest="folders", action="append", default=[], help="a folder of imports")
    arguments = parser.parse_args()
    folders = [os.path.abspath(folder) for folder in arguments.folders]
    return Server(Compiler(arguments.idlc, folders), sys.stdin.buffer, sys.stdout.buffer).serve()


if __name__ == "__main__":
    sys.exit(main())
