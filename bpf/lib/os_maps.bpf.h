/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of the operating-system layer; those to the agent are described in abi/os_event.h. */
#ifndef CAPROCK_OS_MAPS_BPF_H
#define CAPROCK_OS_MAPS_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} os_events SEC(".maps") __weak;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, OS_EVENT_TYPES);
  __type(key, __u32);
  __type(value, __u32);
} os_limits SEC(".maps") __weak;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, OS_EVENT_TYPES);
  __type(key, __u32);
  __type(value, struct os_count);
} os_counts SEC(".maps") __weak;

/* Whose a socket is, and since when. */
struct socket_record {
  struct os_task owner;
  __u64 begun_ns;       /* the connect */
  __u64 established_ns;
};

/* Address of a struct sock → what is known of it. The least used goes when there are too many. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, OS_MAX_SOCKETS);
  __type(key, __u64);
  __type(value, struct socket_record);
} os_sockets SEC(".maps") __weak;

/* Network namespace and local port → who listens there. */
struct listener_key {
  __u32 network;
  __u32 port; /* host byte order */
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct listener_key);
  __type(value, struct os_task);
} os_listeners SEC(".maps") __weak;

#endif
