/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture at the traffic-control hooks of an interface, both directions; by tcx or clsact. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* The kernel takes the outermost VLAN tag out of the bytes. A product and no branch: the verifier would walk through
 * all that follows once with a tag and once without. */
static __always_inline __be32 stripped_tag(const struct __sk_buff* skb) {
  return bpf_htonl((bpf_ntohs(skb->vlan_proto) << 16 | skb->vlan_tci) * skb->vlan_present);
}

static __always_inline int capture_skb(struct __sk_buff* skb, enum caprock_direction direction) {
  struct frame frame = {
      .context = skb,
      .data = (void*)(long)skb->data,
      .end = (void*)(long)skb->data_end,
      .direction = direction,
      .ifindex = skb->ifindex,
      .vlan_tags = skb->vlan_present,
      .vlan_tag = stripped_tag(skb),
  };
  capture(&frame);
  return TC_ACT_UNSPEC; /* the same as TCX_NEXT: on to the next program */
}

SEC("tc")
int tc_ingress(struct __sk_buff* skb) { return capture_skb(skb, CAPROCK_INGRESS); }

SEC("tc")
int tc_egress(struct __sk_buff* skb) { return capture_skb(skb, CAPROCK_EGRESS); }
