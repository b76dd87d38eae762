/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 with options and IPv6 with extension headers, down to what they carry. */
#ifndef CAPROCK_PARSE_IP_BPF_H
#define CAPROCK_PARSE_IP_BPF_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>

#include "lib/compiler.bpf.h"
#include "lib/cursor.bpf.h"
#include "lib/flow.bpf.h"
#include "lib/parse_transport.bpf.h"

enum {
  IPV4_MORE_FRAGMENTS = 0x2000,
  IPV4_FRAGMENT_OFFSET = 0x1fff,
  IPV6_FRAGMENT_OFFSET = 0xfff8,
  IPV6_MORE_FRAGMENTS = 0x0001,
  MAX_EXTENSION_HEADERS = 8,
};

/* What an IP header and its extensions say about the payload at the cursor. */
struct ip_payload {
  __u8 protocol;
  __u16 fragment_offset; /* not 0: not the first fragment, so there is no L4 header */
  __u16 more_fragments;  /* not 0: not the last fragment */
};

/* Inside an ICMP error a quote is cut off behind its first bytes: there a packet may be longer than what is there. */
static __always_inline bool limit_to(struct cursor* cursor, __u64 bytes, bool quoted) {
  return cursor_limit(cursor, bytes) || quoted;
}

static __always_inline enum parse_result parse_ipv4(struct cursor* cursor, struct flow* flow,
                                                    struct ip_payload* payload, bool quoted) {
  __u64 left = cursor->left;
  const struct iphdr* ip = cursor_take(cursor, sizeof *ip);
  if (!ip) return PARSED_CUT;
  __u64 head_bytes = ip->ihl * 4;
  __u64 total_bytes = bpf_ntohs(ip->tot_len);
  if (total_bytes == 0 && left >= JUMBO_BYTES) total_bytes = left; /* BIG TCP */
  if (ip->version != 4 || head_bytes < sizeof *ip || total_bytes < head_bytes) return PARSED_MALFORMED;
  if (!limit_to(cursor, total_bytes - sizeof *ip, quoted)) return PARSED_MALFORMED;
  if (!cursor_skip(cursor, head_bytes - sizeof *ip)) return PARSED_MALFORMED;

  flow->ipv4 = true;
  flow->source = (union address){.words = {0, 0, bpf_htonl(0xffff), ip->saddr}};
  flow->destination = (union address){.words = {0, 0, bpf_htonl(0xffff), ip->daddr}};
  __u16 fragment = bpf_ntohs(ip->frag_off);
  payload->protocol = ip->protocol;
  payload->fragment_offset = fragment & IPV4_FRAGMENT_OFFSET;
  payload->more_fragments = fragment & IPV4_MORE_FRAGMENTS;
  return PARSED;
}

struct ipv6_extension {
  __u8 next;
  __u8 length; /* of what follows the first 8 bytes, in units */
  __be16 fragment;
  __u8 rest[4];
};

/* How to get over an extension header of a protocol. A table, as branches would multiply the verifier's paths. */
struct extension_rule {
  __u8 known; /* 0: not an extension header */
  __u8 unit;  /* bytes; 0: it has no length */
  __u16 fragment_mask;
};

static const struct extension_rule extension_rules[256] = {
    [IPPROTO_HOPOPTS] = {.known = 1, .unit = 8},
    [IPPROTO_ROUTING] = {.known = 1, .unit = 8},
    [IPPROTO_DSTOPTS] = {.known = 1, .unit = 8},
    [IPPROTO_AH] = {.known = 1, .unit = 4},
    [IPPROTO_FRAGMENT] = {.known = 1, .fragment_mask = 0xffff},
};

/* Follows the extension headers from payload->protocol to the first header that is none. */
static __always_inline enum parse_result parse_extensions(struct cursor* cursor, struct ip_payload* payload) {
  __u16 fragment = 0;
#pragma clang loop unroll(disable)
  for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
    const struct extension_rule* rule = &extension_rules[payload->protocol];
    if (!rule->known) break;
    const struct ipv6_extension* extension = cursor_take(cursor, sizeof *extension);
    if (!extension) return PARSED_CUT;
    payload->protocol = extension->next;
    fragment |= bpf_ntohs(extension->fragment) & rule->fragment_mask;
    if (fragment & IPV6_FRAGMENT_OFFSET) break;
    if (!cursor_skip(cursor, extension->length * rule->unit)) return PARSED_MALFORMED;
  }
  payload->fragment_offset = fragment & IPV6_FRAGMENT_OFFSET;
  payload->more_fragments = fragment & IPV6_MORE_FRAGMENTS;
  return PARSED;
}

static __always_inline enum parse_result parse_ipv6(struct cursor* cursor, struct flow* flow,
                                                    struct ip_payload* payload, bool quoted) {
  const struct ipv6hdr* ip = cursor_take(cursor, sizeof *ip);
  if (!ip) return PARSED_CUT;
  __u64 bytes = bpf_ntohs(ip->payload_len);
  /* A jumbogram says its length in a hop-by-hop option; BIG TCP on the way inside the host may leave that out. */
  if (bytes == 0 && (cursor->left >= JUMBO_BYTES || ip->nexthdr == IPPROTO_HOPOPTS)) bytes = cursor->left;
  if (ip->version != 6 || !limit_to(cursor, bytes, quoted)) return PARSED_MALFORMED;

  flow->ipv4 = false;
  __builtin_memcpy(&flow->source, &ip->saddr, sizeof flow->source);
  __builtin_memcpy(&flow->destination, &ip->daddr, sizeof flow->destination);
  payload->protocol = ip->nexthdr;
  return parse_extensions(cursor, payload);
}

#endif
