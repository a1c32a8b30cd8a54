#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the extension into a real Blender and uses it in its window: tests/blender/window_scenario.py.
#
#   BLENDER=/path/to/blender tools/test_blender.sh [CHECK...]      without CHECK: all of them
#
#   BLENDER   the program, or a script that starts it; `blender` otherwise
#   XVFB      the program for the virtual display, or a script that starts it; `Xvfb` otherwise
#   OUT       folder for report and pictures; build/blender otherwise
#   PYTHON    any Python from 3.11 on, to build the zip; .venv/bin/python otherwise
#   FREE_HEAD the packed head of ICT-FaceKit, to import it as well
#   SPEECH    another recording of three seconds: plain WAV for a build without a sound library
#
# Fetches nothing. The settings of the Blender are a fresh folder; those of the user are not touched.
set -euo pipefail
cd "$(dirname "$0")/.."
blender=${BLENDER:-blender} xvfb=${XVFB:-Xvfb} out=${OUT:-build/blender} python=${PYTHON:-.venv/bin/python}
command -v "$blender" >/dev/null || { echo "No Blender '$blender': set BLENDER to the program." >&2; exit 2; }
command -v "${xvfb%% *}" >/dev/null || { echo "No '$xvfb': install Xvfb, or set XVFB to the program." >&2; exit 2; }

rm -rf "$out" && mkdir -p "$out" && out=$(realpath "$out")
profile=$(mktemp -d /tmp/artalk-blender.XXXXXX)
display=
trap '[ -z "$display" ] || kill "$display" 2>/dev/null; rm -rf "$profile"' EXIT
mkdir -p "$profile/extensions/user_default"
export BLENDER_USER_RESOURCES=$profile LIBGL_ALWAYS_SOFTWARE=1

zip=$("$python" tools/build_extension.py "$profile")
"$blender" --command extension validate "$zip"
"$blender" --command extension install-file -r user_default -e "$zip"
"$blender" --command extension list | grep -q artalk || { echo "The zip was not installed." >&2; exit 1; }

# recordings by the command: a Blender that is no Python module handles Ctrl-C itself
"$python" -c 'import os, sys, wave
with wave.open(sys.argv[1], "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(os.urandom(32000))' "$profile/said.wav"
"$blender" -b --command artalk generate "$profile/said.wav" --out "$profile/said.npz"
[ -s "$profile/said.npz" ] || { echo "The command made no motion." >&2; exit 1; }

number=$profile/display
$xvfb -displayfd 3 -screen 0 "${SIZE:-1280x1100}x24" -fbdir "$profile" -nolisten tcp 3>"$number" 2>"$profile/xvfb.log" &
display=$!
for _ in $(seq 100); do [ -s "$number" ] && break; sleep 0.2; done
export DISPLAY=:$(<"$number") FRAMEBUFFER=$profile/Xvfb_screen0
size=${SIZE:-1280x1100}
timeout -k 5 "${LIMIT:-1800}" "$blender" --no-window-focus --gpu-backend opengl --enable-event-simulate \
  --window-geometry 0 0 "${size%x*}" "${size#*x}" --python-exit-code 1 -P tests/blender/window_scenario.py -- "$out" "$@" \
  >"$out/blender.log" 2>&1 && status=0 || status=$?
cat "$out/report.txt" || tail -n 20 "$out/blender.log"
echo "Pictures and log: $out"
exit "$status"
