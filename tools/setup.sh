#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Make .venv with everything that the demo and the tests need:  tools/setup.sh PYTHON
# A Debian package that is missing is installed where this may be done (root and apt-get), and named where not.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-}

say() { printf 'artalk: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

need_package() { # PACKAGE... : install, or say what to do
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		say "installing the Debian package(s) $*"
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$@"; } >/dev/null 2>&1 && return
	fi
	die "the Debian package(s) $* are missing: run 'sudo apt-get install $*' and try again."
}

[ -n "$python" ] || die "Python 3.11 or 3.13 is missing: run 'sudo apt-get install python3 python3-venv' and try again."
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case "$version" in
	3.11 | 3.13) ;;
	*) die "Python $version has no Blender module: install Python 3.11 or 3.13, or name one with 'make PYTHON=...'." ;;
esac
"$python" -c 'import ensurepip' 2>/dev/null || need_package "python$version-venv"

say "setting up .venv with Python $version (torch, Blender as a module: about 2 GB, a few minutes the first time)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check --quiet)
"${pip[@]}" install --progress-bar on -e '.[blender,plot,train,dev]'
for other in 5:5.0.1 42:4.2.23; do # for the tests: the newest and the oldest Blender for this Python, beside 4.5
	folder=.venv/bpy${other%%:*}
	if [ "$version" = 3.11 ] && [ ! -d "$folder" ]; then
		say "adding Blender ${other#*:} beside 4.5, for the tests"
		"${pip[@]}" install --progress-bar on --no-deps --target "$folder" "bpy==${other#*:}"
	fi
done
[ -d .venv/typing ] || "${pip[@]}" install --no-deps --target .venv/typing fake-bpy-module

# the libraries that Blender's module is linked against
missing=$(.venv/bin/python - <<-'PY'
	import ctypes
	packages = {"libX11.so.6": "libx11-6", "libXrender.so.1": "libxrender1", "libXfixes.so.3": "libxfixes3", "libXi.so.6": "libxi6",
	            "libxkbcommon.so.0": "libxkbcommon0", "libSM.so.6": "libsm6", "libICE.so.6": "libice6", "libGL.so.1": "libgl1",
	            "libEGL.so.1": "libegl1"}
	for library, package in packages.items():
	    try:
	        ctypes.CDLL(library)
	    except OSError:
	        print(package)
PY
)
# shellcheck disable=SC2086 -- one word for each package
[ -z "$missing" ] || need_package $missing
touch .venv/ready
say "ready."
