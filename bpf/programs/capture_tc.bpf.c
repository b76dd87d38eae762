/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture at the traffic-control hooks of an interface, both directions; by tcx or clsact. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"
#include "lib/frame_skb.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline int capture_skb(struct __sk_buff* skb, enum caprock_direction direction) {
  struct frame frame = frame_of_skb(skb, direction, skb->ifindex);
  capture(&frame);
  return TC_ACT_UNSPEC; /* the same as TCX_NEXT: on to the next program */
}

SEC("tc")
int tc_ingress(struct __sk_buff* skb) { return capture_skb(skb, CAPROCK_INGRESS); }

SEC("tc")
int tc_egress(struct __sk_buff* skb) { return capture_skb(skb, CAPROCK_EGRESS); }
