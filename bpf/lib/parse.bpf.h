/* SPDX-License-Identifier: GPL-2.0-only */
/* From the link layer to the flow: Ethernet, VLAN tags, IP, then TCP, UDP or an ICMP error that quotes them. */
#ifndef CAPROCK_PARSE_BPF_H
#define CAPROCK_PARSE_BPF_H

#include <linux/icmpv6.h>
#include <linux/if_ether.h>

#include "lib/cursor.bpf.h"
#include "lib/flow.bpf.h"
#include "lib/parse_ip.bpf.h"
#include "lib/parse_transport.bpf.h"

enum { MAX_VLAN_TAGS = 2 };

/* linux/icmp.h does not compile for BPF: it draws in the C library. */
enum {
  ICMP_DEST_UNREACH = 3,
  ICMP_SOURCE_QUENCH = 4,
  ICMP_REDIRECT = 5,
  ICMP_TIME_EXCEEDED = 11,
  ICMP_PARAMETERPROB = 12,
};

/* Of ICMP and ICMPv6 errors alike; behind it stands the packet that the error is about. */
struct icmp_head {
  __u8 type;
  __u8 rest[7];
};

struct vlan_header {
  __be16 tci;
  __be16 type; /* of what follows */
};

/* Takes the Ethernet header and its tags, `tags` of which are not in the bytes; false when it is cut off. A frame with
 * more tags than we follow ends with the type of a tag, which is that of no IP packet. */
static __always_inline bool parse_ethernet(struct cursor* cursor, __u32 tags, __be16* type) {
  const struct ethhdr* ethernet = cursor_take(cursor, sizeof *ethernet);
  if (!ethernet) return false;
  *type = ethernet->h_proto;
#pragma unroll
  for (int i = 0; i < MAX_VLAN_TAGS; i++) {
    if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD)) break;
    if (tags++ == MAX_VLAN_TAGS) break;
    const struct vlan_header* vlan = cursor_take(cursor, sizeof *vlan);
    if (!vlan) return false;
    *type = vlan->type;
  }
  return true;
}

/* A packet without a link layer: the type is told by the version in its first byte. */
static __always_inline bool parse_bare_ip(const struct cursor* cursor, __be16* type) {
  if (cursor->data + 1 > cursor->end) return false;
  __u8 version = *cursor->data >> 4;
  *type = version == 4 ? bpf_htons(ETH_P_IP) : version == 6 ? bpf_htons(ETH_P_IPV6) : 0;
  return true;
}

/* Puts the offset into the flow, in map memory, and takes it from there again: whatever ways led here, the verifier
 * goes on with one. */
static __always_inline void settle(struct cursor* cursor, struct flow* flow) {
  flow->header_bytes = cursor->offset;
  cursor->offset = READ_ONCE(flow->header_bytes);
}

static __always_inline enum parse_result parse_ip(struct cursor* cursor, bool ipv4, struct flow* flow,
                                                  struct ip_payload* payload, bool quoted) {
  return ipv4 ? parse_ipv4(cursor, flow, payload, quoted) : parse_ipv6(cursor, flow, payload, quoted);
}

static __always_inline bool icmp_quotes(bool ipv4, __u8 type) {
  if (!ipv4) return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
  return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
         type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* An ICMP header at the cursor: goes on to the payload of the packet that the error is about. */
static __always_inline enum parse_result parse_quote(struct cursor* cursor, bool ipv4, struct flow* flow,
                                                     struct ip_payload* payload) {
  const struct icmp_head* icmp = cursor_take(cursor, sizeof *icmp);
  if (!icmp) return PARSED_CUT;
  if (!icmp_quotes(ipv4, icmp->type)) return PARSED_NOT_L4;
  return parse_ip(cursor, ipv4, flow, payload, true);
}

static __always_inline enum parse_result parse_l4(struct cursor* cursor, struct flow* flow,
                                                  const struct ip_payload* payload, bool quoted) {
  flow->protocol = payload->protocol;
  flow->ports = false;
  if (payload->protocol != IPPROTO_TCP && payload->protocol != IPPROTO_UDP) return PARSED_NOT_L4;
  if (payload->fragment_offset) return PARSED;
  if (quoted || payload->more_fragments) return parse_ports(cursor, flow);
  return payload->protocol == IPPROTO_TCP ? parse_tcp(cursor, flow) : parse_udp(cursor, flow);
}

/* What follows the link layer. */
static __always_inline enum parse_result parse_network(struct cursor* cursor, bool ipv4, struct flow* flow) {
  struct ip_payload payload = {};
  settle(cursor, flow);
  enum parse_result result = parse_ip(cursor, ipv4, flow, &payload, false);
  if (result != PARSED) return result;
  settle(cursor, flow);
  bool quoted = payload.protocol == (ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) && !payload.fragment_offset;
  if (quoted) {
    result = parse_quote(cursor, ipv4, flow, &payload);
    if (result != PARSED) return result;
    settle(cursor, flow);
  }
  return parse_l4(cursor, flow, &payload, quoted);
}

/* A whole packet of which `data` to `end` can be read and `bytes` exist; `tags` VLAN tags are not in the bytes. */
static __always_inline enum parse_result parse_packet(__u8* data, __u8* end, __u64 bytes, enum interface_link link,
                                                      __u32 tags, struct flow* flow) {
  struct cursor cursor = {.data = data, .end = end, .left = bytes};
  __be16 type = 0;
  bool linked = link == LINK_ETHERNET ? parse_ethernet(&cursor, tags, &type) : parse_bare_ip(&cursor, &type);
  if (!linked) return PARSED_CUT;
  if (type != bpf_htons(ETH_P_IP) && type != bpf_htons(ETH_P_IPV6)) return PARSED_NOT_L4;
  enum parse_result result = parse_network(&cursor, type == bpf_htons(ETH_P_IP), flow);
  flow->header_bytes = cursor.offset;
  return result;
}

#endif
