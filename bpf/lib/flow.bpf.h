/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parser finds out about a packet, and the filter needs. */
#ifndef CAPROCK_FLOW_BPF_H
#define CAPROCK_FLOW_BPF_H

#include <linux/types.h>
#include <stdbool.h>

#include "abi/filter.h"

/* IPv4 as ::ffff:a.b.c.d. */
union address {
  struct addr6_key v6;
  __be32 words[4];
  __u64 halves[2];
};

/* The flow of the outermost TCP or UDP header, or the one that an ICMP error quotes. */
struct flow {
  union address source; /* an ICMP error: of the packet that it quotes */
  union address destination;
  __u16 source_port; /* host byte order */
  __u16 destination_port;
  __u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
  bool ipv4;
  bool ports;         /* false: a fragment without an L4 header */
  __u32 header_bytes; /* of the packet, to the end of what was parsed */
};

enum parse_result {
  PARSED,
  PARSED_NOT_L4,    /* neither TCP nor UDP nor an ICMP error about one */
  PARSED_MALFORMED, /* lengths that contradict each other */
  PARSED_CUT,       /* a header reaches beyond the packet, or beyond the bytes that can be read directly */
};

#endif
