# SPDX-License-Identifier: Apache-2.0
# What the scripts share: sourced, never run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=$(basename "$0")

say() { printf '%s: %s\n' "$name" "$*" >&2; }
fail() { say "$*"; exit 1; }

# The comment at the top of the script is its help.
help() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"; }

as_root() {
  if [ "$EUID" -eq 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || fail "needs root or sudo to run: $*"
  sudo "$@"
}

build() { # preset
  local start=$SECONDS
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
  cmake --build --preset "$1"
  say "built preset $1 in $((SECONDS - start)) s"
}
