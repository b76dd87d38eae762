# SPDX-License-Identifier: Apache-2.0
# What the scripts in a guest share: sourced, never run. An agent records in $data on `west`, at the other end of which is a
# neighbour; $settings are more --set options of its.
# shellcheck shell=sh disable=SC2154

WEST_MAC=02:00:00:00:00:01
EAST_MAC=02:00:00:00:00:02

# iproute2's: the shell would take busybox's.
ip() { /bin/ip "$@"; }
tc() { /bin/tc "$@"; }
neighbour() { nsenter --net=/run/netns/neighbour "$@"; }

# Both ends are there and have their names.
address_both_ends() {
  ip addr add 10.77.0.1/24 dev west
  ip addr add fd77::1/64 dev west nodad
  ip link set west up
  ip -n neighbour addr add 10.77.0.2/24 dev east
  ip -n neighbour addr add fd77::2/64 dev east nodad
  ip -n neighbour link set east up
}

# By a veth.
connect_neighbour() {
  mkdir -p /run
  ip netns add neighbour
  ip link add west address $WEST_MAC type veth peer name east address $EAST_MAC netns neighbour
  address_both_ends
}

# By a netkit, in place of the veth; fails where the kernel has none. It has no Ethernet addresses.
connect_neighbour_by_netkit() {
  ip link add netkit type netkit || return 1
  ip link del west
  ip link set netkit name west
  ip link set nk0 netns neighbour name east
  address_both_ends
}

# By a cable between two network cards, in place of the veth.
connect_neighbour_by_cards() {
  ip link del west
  ip link set eth0 name west
  ip link set eth1 name east netns neighbour
  address_both_ends
}

socket() { echo "/run/${data##*/}.sock"; }

client() { # command of caprock's
  local command="$1"
  shift
  caprock "$command" --server "unix:$(socket)" "$@"
}

await_agent() {
  for _ in $(seq 100); do
    if client status >/dev/null 2>&1; then return; fi
    kill -0 $agent
    sleep 0.3
  done
  return 1
}

become_agent() { # options
  # shellcheck disable=SC2086
  exec caprock agent --set "agent.dataDir=$data" --set "agent.listen=[unix:$(socket)]" \
    --set "agent.pinDir=/sys/fs/bpf/${data##*/}" --set "agent.interfaces=[west]" --set agent.stageSize=64Mi \
    --set agent.onStop=keep $settings "$@"
}

start_agent() { # file for its log
  become_agent >>"${1:-$data/agent.log}" 2>&1 &
  agent=$!
  await_agent
}
