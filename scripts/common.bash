# SPDX-License-Identifier: Apache-2.0
# What the scripts share: sourced, never run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=$(basename "$0")

say() { printf '%s: %s\n' "$name" "$*" >&2; }
fail() { say "$*"; exit 1; }

# The comment at the top of the script is its help.
help() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"; }

# In front of a command that needs root; also where a job's pid is wanted, which as_root would hide.
root=()
if [ "$EUID" -ne 0 ]; then root=(sudo); fi

as_root() {
  [ "$EUID" -eq 0 ] || command -v sudo >/dev/null || fail "needs root or sudo to run: $*"
  "${root[@]}" "$@"
}

build() { # preset, targets (all)
  local start=$SECONDS
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
  local -a targets=("${@:2}")
  cmake --build --preset "$1" --target "${targets[@]:-all}"
  say "built ${targets[*]:-everything}, preset $1, in $((SECONDS - start)) s"
}
