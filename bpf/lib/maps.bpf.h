/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps, shared by all programs of the object. Keys, values and protocols are those of bpf/abi. */
#ifndef CAPROCK_MAPS_BPF_H
#define CAPROCK_MAPS_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "abi/counters.h"
#include "abi/filter.h"
#include "abi/generation.h"
#include "abi/limits.h"
#include "abi/mirror.h"
#include "abi/stage.h"

/* Sizes of 1 and of the smallest stage are stand-ins: the loader sets what machine and configuration ask for. */

/* Segment (CPU slot * stage_segments + number in the CPU's stage) → its blocks; no BTF, as the size varies. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, 1 << STAGE_MIN_SHIFT);
} stage SEC(".maps") __weak;

/* CPU slot → how far the programs have written. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct stage_head);
} stage_head SEC(".maps") __weak;

/* CPU slot → how far the lane has read. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct stage_tail);
} stage_tail SEC(".maps") __weak;

/* What the two maps below hold; the agent makes them with the sizes that are wanted. */
struct ring_buffer {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
};

/* CPU slot → that CPU's ring of blocks, when the transport is the BPF ring buffer. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct ring_buffer);
} rings SEC(".maps") __weak;

/* CPU slot → a small ring that becomes readable when the lane should come. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1);
  __type(key, __u32);
  __array(values, struct ring_buffer);
} wake SEC(".maps") __weak;

/* CPU slot, interface id and direction (index: see abi/counters.h) → what became of its packets. One more slot is that
 * of all CPUs that came online after the load. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, (CAPROCK_MAX_INTERFACES * CAPROCK_DIRECTIONS));
  __type(key, __u32);
  __type(value, struct capture_counters);
} counters SEC(".maps") __weak;

/* Mirror port and receive queue (index: see abi/mirror.h) → the agent's socket. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, (CAPROCK_MIRROR_PORTS * CAPROCK_PORT_QUEUES));
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} mirror_sockets SEC(".maps") __weak;

/* Interface id → what became of the packets that were redirected to a socket; no program looks at it. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, CAPROCK_MAX_INTERFACES);
  __type(key, __u32);
  __type(value, struct capture_counters);
} mirror_counts SEC(".maps") __weak;

/* 0 → the settings that change live. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct capture_settings);
} settings SEC(".maps") __weak;

/* 0 → which life of these maps this is. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct capture_generation);
} generation SEC(".maps") __weak;

/* 0 → how many packets the ring had in front of those that are counted here; no program looks at it. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct ring_base);
} ring_base SEC(".maps") __weak;

/* Interface id → what the file says of it. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_INTERFACES);
  __type(key, __u32);
  __type(value, struct interface_record);
} if_record SEC(".maps") __weak;

/* ifindex → what is recorded on that interface, and its id in the file. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, CAPROCK_MAX_INTERFACES);
  __type(key, __u32);
  __type(value, struct interface_policy);
} if_policy SEC(".maps") __weak;

/* ifindex, when it is a low one → the same without a hash. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CAPROCK_LOW_IFINDEXES);
  __type(key, __u32);
  __type(value, struct interface_policy);
} if_policy_low SEC(".maps") __weak;

/* Device inside a pod → ifindex of the link that leads to it. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_INTERFACES);
  __type(key, struct pod_end);
  __type(value, __u32);
} pod_ends SEC(".maps") __weak;

/* IPv4 address → included or excluded. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_ADDRESSES);
  __type(key, __be32);
  __type(value, struct address_verdict);
} addr4 SEC(".maps") __weak;

/* IPv6 address → included or excluded. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_ADDRESSES);
  __type(key, struct addr6_key);
  __type(value, struct address_verdict);
} addr6 SEC(".maps") __weak;

/* IPv4 prefix → included or excluded, by the longest match. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_ADDRESSES);
  __type(key, struct cidr4_key);
  __type(value, struct address_verdict);
} cidr4 SEC(".maps") __weak;

/* IPv6 prefix → included or excluded, by the longest match. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_ADDRESSES);
  __type(key, struct cidr6_key);
  __type(value, struct address_verdict);
} cidr6 SEC(".maps") __weak;

/* Port in host byte order → included or excluded. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CAPROCK_MAX_PORTS);
  __type(key, __u16);
  __type(value, struct port_verdict);
} ports SEC(".maps") __weak;

/* Flow that NAT made of another → where the other is recorded. Only where packets are to be recorded once. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, CAPROCK_MAX_TRANSLATED);
  __type(key, struct link_flow);
  __type(value, __u32);
} translated SEC(".maps") __weak;

/* Address and TCP port on which caprock listens → 1. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 256);
  __type(key, struct endpoint_key);
  __type(value, __u8);
} own_endpoint SEC(".maps") __weak;

#endif
