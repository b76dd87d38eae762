/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet at hand: what is found out about it on its way from the hook to the queue. */
#ifndef CAPROCK_PACKET_BPF_H
#define CAPROCK_PACKET_BPF_H

#include "lib/block.bpf.h"
#include "lib/cursor.bpf.h"
#include "lib/flow.bpf.h"

/* Lives in map memory: there the verifier forgets on which of many ways a value came, and walks on only once. */
struct packet {
  struct flow flow;
  struct block block;
  __u64 header_bytes;   /* of the record's packet, to the end of L4 */
  bool truncated;       /* shortened because of the queue's fill */
  __u64 came_in;        /* the sk_buff that the CPU took in last, on a link of ROLE_ONCE; 0: it has sent one since */
  __u64 arrived;        /* the same as long as nothing else came in; 0: it is not in the record */
  __u64 at_hand;        /* the sk_buff of this packet */
  struct link_flow key; /* of `translated` */
  /* A copy for the parser. Old verifiers know no other bound of what it reads there than that of the cursor. */
  __u8 headers[CURSOR_MAX_OFFSET + 1 + CURSOR_MAX_TAKE];
};

/* CPU slot → the packet that the CPU is working on; programs of one CPU do not interrupt each other. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct packet);
} packets SEC(".maps") __weak;

#endif
