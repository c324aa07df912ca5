#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts the command named by the first argument, a module of this package, after making sure of Debian's Python: a
# minimal machine has none, and another one may stand first in PATH.
set -eu
tools=$(dirname "$(dirname "$(readlink -f "$0")")")

fail() {
    echo "salto: error: $1" >&2
    exit 1
}

install_python() {
    command -v apt-get >/dev/null || fail "/usr/bin/python3 is missing, and there is no apt-get: Salto needs Debian 12"
    root=sudo
    [ "$(id -u)" -eq 0 ] && root=
    [ -z "$root" ] || command -v sudo >/dev/null || fail "python3 is missing; as root type: apt-get install python3"
    echo "salto: installing Debian package python3" >&2
    $root apt-get update -q >&2 || fail "apt-get update failed; its own messages stand above"
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 >&2 ||
        fail "apt-get could not install python3, most often for want of a network; its own messages stand above"
}

[ "$(uname -m)" = x86_64 ] || fail "Salto is built on x86-64, and this machine is $(uname -m)"
[ -x /usr/bin/python3 ] || install_python
command=$1
shift
PYTHONPATH=$tools exec /usr/bin/python3 -B -m "salto.$command" "$@"
