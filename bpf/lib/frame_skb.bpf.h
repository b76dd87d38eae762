/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet as the traffic-control hooks hand it over. */
#ifndef CAPROCK_FRAME_SKB_BPF_H
#define CAPROCK_FRAME_SKB_BPF_H

#include <bpf/bpf_endian.h>

#include "lib/frame.bpf.h"

/* The kernel takes the outermost VLAN tag out of the bytes. A product and no branch: the verifier would walk through
 * all that follows once with a tag and once without. */
static __always_inline __be32 stripped_tag(const struct __sk_buff* skb) {
  return bpf_htonl((bpf_ntohs(skb->vlan_proto) << 16 | skb->vlan_tci) * skb->vlan_present);
}

/* `ifindex`: of the interface as which it is recorded. */
static __always_inline struct frame frame_of_skb(struct __sk_buff* skb, enum caprock_direction direction,
                                                 __u32 ifindex) {
  return (struct frame){
      .context = skb,
      .data = (void*)(long)skb->data,
      .end = (void*)(long)skb->data_end,
      .direction = direction,
      .ifindex = ifindex,
      .vlan_tags = skb->vlan_present,
      .vlan_tag = stripped_tag(skb),
  };
}

#endif
