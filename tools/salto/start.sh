#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts the command named by the first argument, a module of this package, after making sure of Debian's Python: a
# minimal machine has none, and another one may stand first in PATH.
set -eu
tools=$(dirname "$(dirname "$(readlink -f "$0")")")
if [ ! -x /usr/bin/python3 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "salto: error: /usr/bin/python3 is missing, and there is no apt-get to install it: Salto needs Debian 12" >&2
        exit 1
    fi
    root=sudo
    [ "$(id -u)" -eq 0 ] && root=
    echo "salto: installing Debian package python3" >&2
    $root apt-get update -q >&2 && $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 >&2 ||
        { echo "salto: error: apt-get could not install python3" >&2; exit 1; }
fi
command=$1
shift
PYTHONPATH=$tools exec /usr/bin/python3 -B -m "salto.$command" "$@"
