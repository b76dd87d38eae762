/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP and UDP headers. */
#ifndef CAPROCK_PARSE_TRANSPORT_BPF_H
#define CAPROCK_PARSE_TRANSPORT_BPF_H

#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "lib/cursor.bpf.h"
#include "lib/flow.bpf.h"

enum { JUMBO_BYTES = 65536 }; /* from here on a 16-bit length field is 0 */

static __always_inline void set_ports(struct flow* flow, __be16 source, __be16 destination) {
  flow->source_port = bpf_ntohs(source);
  flow->destination_port = bpf_ntohs(destination);
  flow->ports = true;
}

static __always_inline enum parse_result parse_tcp(struct cursor* cursor, struct flow* flow) {
  const struct tcphdr* tcp = cursor_take(cursor, sizeof *tcp);
  if (!tcp) return PARSED_CUT;
  if (tcp->doff < 5 || !cursor_skip(cursor, tcp->doff * 4 - sizeof *tcp)) return PARSED_MALFORMED;
  set_ports(flow, tcp->source, tcp->dest);
  return PARSED;
}

static __always_inline enum parse_result parse_udp(struct cursor* cursor, struct flow* flow) {
  __u64 left = cursor->left;
  const struct udphdr* udp = cursor_take(cursor, sizeof *udp);
  if (!udp) return PARSED_CUT;
  __u64 bytes = bpf_ntohs(udp->len);
  if (bytes == 0 && left >= JUMBO_BYTES) bytes = left;
  if (bytes < sizeof *udp || bytes > left) return PARSED_MALFORMED;
  set_ports(flow, udp->source, udp->dest);
  return PARSED;
}

/* The first 8 bytes, which TCP and UDP begin alike: all that an ICMP error or a first fragment is sure to hold. */
static __always_inline enum parse_result parse_ports(struct cursor* cursor, struct flow* flow) {
  const struct udphdr* head = cursor_take(cursor, sizeof *head);
  if (!head) return PARSED_CUT;
  set_ports(flow, head->source, head->dest);
  return PARSED;
}

#endif
