/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture on the devices inside the network namespaces of pods: on loopback, and on the pods' ends of their links what
 * the links do not see. There a device has an index that another device of the host has, too; so the policy of loopback
 * is found under the number of the namespace, which is higher than any index, and an end by both. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"
#include "lib/frame_skb.bpf.h"
#include "lib/kernel_types.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u32 network_of(const struct __sk_buff* skb) {
  return BPF_CORE_READ((const struct sk_buff*)skb, dev, nd_net.net, ns.inum);
}

static __always_inline int capture_skb(struct __sk_buff* skb, enum caprock_direction direction, __u32 ifindex) {
  struct frame frame = frame_of_skb(skb, direction, ifindex);
  capture(&frame);
  return TC_ACT_UNSPEC; /* the same as TCX_NEXT: on to the next program */
}

/* Of loopback: what goes out there comes in again. */
SEC("tc")
int pod_ingress(struct __sk_buff* skb) { return capture_skb(skb, CAPROCK_INGRESS, network_of(skb)); }

/* Of a pod's end. What was sent there past the link is recorded as if it had gone out by it. */
SEC("tc")
int pod_end(struct __sk_buff* skb) {
  __u32 cpu = bpf_get_smp_processor_id();
  struct packet* packet = bpf_map_lookup_elem(&packets, &cpu);
  if (!packet || !went_past_link(skb, packet)) return TC_ACT_UNSPEC;
  struct pod_end end = {.network = network_of(skb), .ifindex = skb->ifindex};
  const __u32* link = bpf_map_lookup_elem(&pod_ends, &end);
  return link ? capture_skb(skb, CAPROCK_EGRESS, *link) : TC_ACT_UNSPEC;
}
