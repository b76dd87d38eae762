/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CNI does that routes around the host's stack, as Cilium's eBPF host routing: out by bpf_redirect_neigh(), to pods by
 * bpf_redirect_peer(). A program on netkit is no ingress, where alone the latter works: from there by bpf_redirect(). */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct route {
  __u32 ifindex;
  __u32 to_pod; /* 1: into the pod that the device leads to; 0: out */
};

/* IPv4 address → where packets to it go. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __be32);
  __type(value, struct route);
} routes SEC(".maps");

__u64 packets; /* that were routed */

SEC("tc")
int host_routing(struct __sk_buff* skb) {
  __be32 to = 0;
  if (skb->protocol != bpf_htons(ETH_P_IP)) return TC_ACT_OK;
  bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, daddr), &to, sizeof to);
  const struct route* route = bpf_map_lookup_elem(&routes, &to);
  if (!route) return TC_ACT_OK;
  __sync_fetch_and_add(&packets, 1);
  if (!route->to_pod) return bpf_redirect_neigh(route->ifindex, 0, 0, 0);
  return skb->ingress_ifindex ? bpf_redirect_peer(route->ifindex, 0) : bpf_redirect(route->ifindex, 0);
}
