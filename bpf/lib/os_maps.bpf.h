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
  __uint(max_entries, 1 << 20); /* the loader sets what the CPUs need */
} os_events SEC(".maps") __weak;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, OS_EVENT_TYPES);
  __type(key, __u32);
  __type(value, struct os_count);
} os_counts SEC(".maps") __weak;

/* Of the drops of a second those that had one cause. */
struct drop_share {
  __u64 second; /* the present one, of the monotonic clock */
  __u64 told;   /* in it */
};

/* By a number made of the cause, which few causes share. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, struct drop_share);
} os_drop_shares SEC(".maps") __weak;

/* Whose a socket is, and since when. With its key and what the kernel has in front of that it takes two cache lines, of
 * which the first one is read to find it. */
struct socket_record {
  __u8 ended : 1;     /* 1: the socket is closed, and only a reset may still go out */
  __u8 unclaimed : 1; /* 1: it came in, and no process has taken it yet */
  __u8 direction;     /* enum os_direction of a connection */
  __u16 udp_port;  /* local, host byte order; 0: it is of TCP. Nobody may tell that a UDP socket ends, and where it was
                    * there is another one then */
  __u32 inventory; /* the last one in which it was found */
  struct os_task owner;
  __u64 since_ns;       /* the bind or the connect, then when it was established; 0: not known */
  __u32 told_rtt_ms;    /* the last sample */
  __u32 told_window_ms; /* the last zero window */
};

/* Address of a struct sock → what is known of it. The least used goes when there are too many. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, OS_MAX_SOCKETS);
  __type(key, __u64);
  __type(value, struct socket_record);
} os_sockets SEC(".maps") __weak;

/* A listening socket's place. */
struct listener_key {
  __u32 network;
  __u32 port;                                   /* host byte order */
  __u8 address[16] __attribute__((aligned(8))); /* as in struct os_flow */
};

struct listener {
  struct os_task owner;
  __u64 socket;    /* address of its struct sock */
  __u64 ipv6_only; /* 1: at :: it takes no IPv4 */
};

/* Of several that share a place (SO_REUSEPORT) the last one. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct listener_key);
  __type(value, struct listener);
} os_listeners SEC(".maps") __weak;

/* A process that has been told as ended: of its last threads each may take itself for the last. */
struct process_key {
  __u64 start_ns;
  __u64 pid;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct process_key);
  __type(value, __u8);
} os_ended SEC(".maps") __weak;

/* Sockets whose first user is known: goes with the socket. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, __u8);
} os_used SEC(".maps") __weak;

/* Of a CPU: the SYN for which it last found a listener full, or perhaps full. */
struct shortage {
  __u64 packet; /* address of its struct sk_buff */
  struct os_flow flow;
  struct os_task owner; /* of the listener */
  struct os_queue queue;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct shortage);
} os_shortages SEC(".maps") __weak;

struct call {
  __u64 socket;  /* address of its struct sock */
  __u64 address; /* of the struct sockaddr that it was called with, if any */
};

/* Of a thread that is in a function of which the end counts: what that was called with. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, struct call);
} os_calls SEC(".maps") __weak;

#endif
