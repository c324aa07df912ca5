#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the hostile client of the calculator: generate.py FOLDER IDLC IDL-FOLDER..."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).absolute().parent
TREE = HERE.parent.parent.parent
MADE_OF = ("tools/idl_fuzz.py", "tools/idl_model.py", "tools/fuzz/hostile.c", "tools/fuzz/broken_table.h",
           "tools/salto/broken.py", "tools/salto/broken_table.py")


def main():
    folder, idlc = pathlib.Path(sys.argv[1]), sys.argv[2]
    subprocess.run([sys.executable, "-B", TREE / "tools/idl_fuzz.py", "--idlc", idlc, "--grant", "calc", "--client",
                    folder / "hostile_client.h", HERE / "calculator.idl"], check=True)
    read = " ".join(str(TREE / name) for name in MADE_OF)
    (folder / "generate.d").write_text(f"generate: {read}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
