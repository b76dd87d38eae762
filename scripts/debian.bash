# SPDX-License-Identifier: Apache-2.0
# Packages of any release of Debian, from the archive that this machine's own apt uses, without a change to the machine: sourced,
# never run.

# This machine's own apt entry for its Debian release, said again for another suite, in the style that it is written in.
derive_sources() { # suite, folder for the result, type of the entry (deb)
  local own stanza line type=${3:-deb}
  own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  stanza=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v RS= -v own="$own" -v suite="$1" -v type="$type" '
    $0 ~ "(^|\n)Suites:([^\n]* )?" own "( |\n|$)" && /debian/ {
      gsub(/(^|\n)Suites:[^\n]*/, "\nSuites: " suite); gsub(/(^|\n)Types:[^\n]*/, "\nTypes: " type); print; exit }')
  line=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v own="$own" -v suite="$1" -v type="$type" '
    $1 == "deb" && /debian/ { for (i = 2; i <= NF; i++) if ($i == own) { $1 = type; $i = suite; print; exit } }')
  if [ -n "$stanza" ]; then
    echo "$stanza" | sed '/./,$!d' >"$2/caprock.sources"
  elif [ -n "$line" ]; then
    echo "$line" >"$2/caprock.list"
  else
    return 1
  fi
}

# From now on apt knows that suite alone, and keeps what it fetches in the folder.
use_suite() { # suite, folder, type of the entry (deb)
  mkdir -p "$2"/{sources,lists/partial,cache/archives/partial}
  derive_sources "$1" "$2/sources" "${3:-deb}" || return 1
  cat >"$2/apt.conf" <<CONF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$2/sources";
Dir::State::Lists "$2/lists";
Dir::Cache "$2/cache";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG=$2/apt.conf
  apt-get update -qq >&2
}
