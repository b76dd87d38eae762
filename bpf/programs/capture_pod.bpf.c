/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture on the devices inside the network namespaces of pods. There a device has an index that another device of the
 * host has, too; so its policy is found under the number of the namespace, which is higher than any index. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/capture.bpf.h"
#include "lib/kernel_types.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u32 network_of(const struct __sk_buff* skb) {
  return BPF_CORE_READ((const struct sk_buff*)skb, dev, nd_net.net, ns.inum);
}

/* Of loopback: what goes out there comes in again. */
SEC("tc")
int pod_ingress(struct __sk_buff* skb) {
  struct frame frame = {
      .context = skb,
      .data = (void*)(long)skb->data,
      .end = (void*)(long)skb->data_end,
      .direction = CAPROCK_INGRESS,
      .ifindex = network_of(skb),
  };
  capture(&frame);
  return TC_ACT_UNSPEC; /* the same as TCX_NEXT: on to the next program */
}
