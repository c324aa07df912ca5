#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the calculator's headers for streams: generate.py FOLDER IDLC IDL-FOLDER..."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).absolute().parent


def main():
    folder = pathlib.Path(sys.argv[1]) / "stream"
    folder.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-B", HERE.parent.parent / "tools/idl_stream_c.py", "--idlc", sys.argv[2],
                    "--types", "idl/calculator_server.h", "--client", folder / "calculator.h",
                    "--server", folder / "calculator_server.h", "--forward", folder / "calculator_forward.h",
                    HERE / "calculator.idl"], check=True)


if __name__ == "__main__":
    main()
