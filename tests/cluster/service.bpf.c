/* SPDX-License-Identifier: GPL-2.0-only */
/* A service of the node's address, as a CNI has it that routes around the host's stack (Cilium's eBPF host routing): translated where
 * it comes in, and handed to the pod past its link. SERVICE, POD: IPv4 addresses; PORT: UDP; LINK: ifindex. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int serve(struct __sk_buff* skb) {
  struct {
    struct ethhdr link;
    struct iphdr ip;
    struct udphdr udp;
  } __attribute__((packed)) head;
  if (bpf_skb_load_bytes(skb, 0, &head, sizeof head) != 0 || head.link.h_proto != bpf_htons(ETH_P_IP)) return TC_ACT_OK;
  if (head.ip.protocol != IPPROTO_UDP || head.udp.dest != bpf_htons(PORT)) return TC_ACT_OK;
  if (head.ip.daddr == bpf_htonl(SERVICE)) {
    __be32 from = head.ip.daddr, to = bpf_htonl(POD);
    bpf_l3_csum_replace(skb, ETH_HLEN + 10, from, to, sizeof to);
    bpf_l4_csum_replace(skb, ETH_HLEN + sizeof head.ip + 6, from, to, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | sizeof to);
    bpf_skb_store_bytes(skb, ETH_HLEN + 16, &to, sizeof to, 0);
  } else if (head.ip.daddr != bpf_htonl(POD)) {
    return TC_ACT_OK;
  }
  return bpf_redirect_peer(LINK, 0);
}
