# SPDX-License-Identifier: BSD-2-Clause
"""How programs are compiled and linked against musl, by gcc and by clang.

Debian ships a specs file that turns gcc into a musl compiler, and nothing for clang, which gets musl's headers, start
files and library by hand. Both ways give static executables with nothing of ours in them; what links our lib adds it.
"""
import functools
import os
import subprocess

MUSL_INCLUDE = "/usr/include/x86_64-linux-musl"
MUSL_LIB = "/usr/lib/x86_64-linux-musl"
MUSL_SPECS = f"{MUSL_LIB}/musl-gcc.specs"

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# Programs of ours. Non-PIE at an address of its own each, so that one debugger session has the symbols of all.
SALTO_FLAGS = ["-std=gnu11", "-O2", "-g", "-fno-pie", "-fno-stack-protector"]
LINK_FLAGS = ["-static", "-Wl,-z,noexecstack", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096"]


class ToolchainError(Exception):
    """A compiler that cannot be used; the text says why."""


@functools.lru_cache(maxsize=None)
def _ask(compiler, option):
    answer = subprocess.run([*compiler, option], capture_output=True, text=True, check=True).stdout.strip()
    return os.path.realpath(answer)


class Toolchain:
    """`compiler` is the command as a list, `kind` is "gcc" or "clang"."""

    def __init__(self, compiler, kind):
        if kind not in ("gcc", "clang"):
            raise ToolchainError(f"compiler '{kind}' is not supported: use gcc or clang")
        if not os.path.isfile(f"{MUSL_LIB}/libc.a"):
            raise ToolchainError(f"{MUSL_LIB}/libc.a is missing: install musl-tools and musl-dev")
        self.compiler = list(compiler)
        self.kind = kind

    def compile_flags(self):
        """Options that give a compilation musl's headers, and no other libc's."""
        if self.kind == "gcc":
            return [f"-specs={MUSL_SPECS}"]
        return ["-nostdinc", "-isystem", MUSL_INCLUDE, "-isystem", self.builtin_headers()]

    def builtin_headers(self):
        """The folder of the compiler's own headers."""
        if self.kind == "gcc":
            return _ask(tuple(self.compiler), "-print-file-name=include")
        return os.path.join(_ask(tuple(self.compiler), "-print-resource-dir"), "include")

    def warnings(self):
        """Warnings of programs of ours. A stub writes its outputs on success only, and gcc loses track of that when it
        inlines: it would warn of a correct `stub(&x) == 0 && x == 1`."""
        return WARNINGS + (["-Wno-maybe-uninitialized"] if self.kind == "gcc" else [])

    def link_head(self):
        """Options that stand before the objects of a static executable."""
        if self.kind == "gcc":
            return [f"-specs={MUSL_SPECS}", *LINK_FLAGS]
        return ["-nostdlib", *LINK_FLAGS, f"{MUSL_LIB}/crt1.o", f"{MUSL_LIB}/crti.o"]

    def link_tail(self):
        """Options that stand after the objects of a static executable."""
        return [] if self.kind == "gcc" else self.libraries()

    def libraries(self):
        """musl's libc and the compiler's run-time library, and the last start file."""
        libgcc = _ask(tuple(self.compiler), "-print-libgcc-file-name")
        return [f"-L{MUSL_LIB}", "-Wl,--start-group", "-lc", libgcc, "-Wl,--end-group", f"{MUSL_LIB}/crtn.o"]

    def plain(self, source, output, options=()):
        """The command that builds an unmodified program, with nothing of ours, from one source file."""
        if self.kind == "gcc":
            return ["musl-gcc", "-O2", "-g", "-static", *options, source, "-o", output]
        return [*self.compiler, "-O2", "-g", "-fno-pie", *self.compile_flags(), *self.link_head(), *options, source,
                *self.link_tail(), "-o", output]

    def plain_static_pie(self, source, output, options=()):
        """The same for a static executable that can lie anywhere. Debian's specs know none, so the parts are named."""
        headers = ["-nostdinc", "-isystem", MUSL_INCLUDE, "-isystem", self.builtin_headers()]
        return [*self.compiler, "-O2", "-g", "-fPIE", *headers, *options, "-nostdlib", "-static-pie",
                "-Wl,--build-id=none", f"{MUSL_LIB}/rcrt1.o", f"{MUSL_LIB}/crti.o", source, *self.libraries(), "-o", output]
