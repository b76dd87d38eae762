/* SPDX-License-Identifier: GPL-2.0-only */
/* Mirrored traffic that comes wrapped into VXLAN (RFC 7348), as clouds send it. */
#ifndef CAPROCK_VXLAN_BPF_H
#define CAPROCK_VXLAN_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/cursor.bpf.h"
#include "lib/parse.bpf.h"
#include "lib/settings.bpf.h"

struct vxlan_header {
  __u8 flags;
  __u8 reserved[3];
  __be32 network; /* and 8 reserved bits */
};

enum { VXLAN_HAS_NETWORK = 0x08 }; /* always set */

/* Moves behind an IP header to that of UDP; false when there is none in this packet, or only part of it. */
static __always_inline bool skip_ip_to_udp(struct cursor* cursor, __be16 type) {
  if (type == bpf_htons(ETH_P_IP)) {
    const struct iphdr* ip = cursor_take(cursor, sizeof *ip);
    if (!ip || ip->protocol != IPPROTO_UDP || ip->ihl * 4 < sizeof *ip) return false;
    if (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) return false;
    return cursor_skip(cursor, ip->ihl * 4 - sizeof *ip);
  }
  if (type != bpf_htons(ETH_P_IPV6)) return false;
  const struct ipv6hdr* ip = cursor_take(cursor, sizeof *ip);
  return ip && ip->nexthdr == IPPROTO_UDP;
}

/* Bytes in front of the packet that is inside, 0: this is no VXLAN. */
static __always_inline __u64 vxlan_bytes(const struct xdp_md* xdp) {
  struct cursor cursor = {.data = (void*)(long)xdp->data, .end = (void*)(long)xdp->data_end};
  cursor.left = cursor.end - cursor.data;
  __be16 type = 0;
  if (!parse_ethernet(&cursor, 0, &type) || !skip_ip_to_udp(&cursor, type)) return 0;
  const struct udphdr* udp = cursor_take(&cursor, sizeof *udp);
  if (!udp || udp->dest != bpf_htons(mirror_vxlan_port)) return 0;
  const struct vxlan_header* vxlan = cursor_take(&cursor, sizeof *vxlan);
  return vxlan && (vxlan->flags & VXLAN_HAS_NETWORK) ? cursor.offset : 0;
}

/* Goes on with the packet that is inside, where this is VXLAN. Pointers into the packet are void then. */
static __always_inline void unwrap_vxlan(struct xdp_md* xdp) {
  __u64 bytes = vxlan_bytes(xdp);
  if (bytes != 0) bpf_xdp_adjust_head(xdp, bytes);
}

#endif
