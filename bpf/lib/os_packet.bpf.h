/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow of a packet that has no socket at hand, from its headers. */
#ifndef CAPROCK_OS_PACKET_BPF_H
#define CAPROCK_OS_PACKET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"

enum {
  HEADER_NOT_SET = 0xffff, /* sk_buff's offsets */
  IP_FRAGMENT_OFFSET = 0x1fff,
};

/* What can be read of a packet without looking for its pages. */
struct headers {
  const unsigned char* at;
  const unsigned char* end;
};

static __always_inline bool take_header(struct headers* headers, void* to, __u64 bytes) {
  if (headers->at + bytes > headers->end) return false;
  return bpf_probe_read_kernel(to, bytes, headers->at) == 0;
}

/* Moves behind the IP header; false where there is none, or neither TCP nor UDP in it. */
static __always_inline bool describe_ip(struct headers* headers, __be16 protocol, struct os_flow* flow, bool* first) {
  if (protocol == bpf_htons(ETH_P_IP)) {
    struct iphdr ip;
    if (!take_header(headers, &ip, sizeof ip) || ip.version != 4 || ip.ihl < 5) return false;
    flow->protocol = ip.protocol;
    put_ipv4(flow->local, ip.saddr);
    put_ipv4(flow->remote, ip.daddr);
    *first = !(ip.frag_off & bpf_htons(IP_FRAGMENT_OFFSET));
    headers->at += ip.ihl * 4;
  } else if (protocol == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr ip;
    if (!take_header(headers, &ip, sizeof ip) || ip.version != 6) return false;
    flow->protocol = ip.nexthdr;
    __builtin_memcpy(flow->local, &ip.saddr, sizeof flow->local);
    __builtin_memcpy(flow->remote, &ip.daddr, sizeof flow->remote);
    *first = true;
    headers->at += sizeof ip;
  } else {
    return false;
  }
  return flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP;
}

/* From source to destination. False: it is no packet of TCP or UDP whose IP header is at hand; one without ports has 0. */
static __always_inline bool describe_packet(const struct sk_buff* packet, struct os_flow* flow) {
  __u16 network_header = READ(packet, network_header);
  if (network_header == HEADER_NOT_SET || network_header == 0) return false;
  const unsigned char* head = READ(packet, head);
  struct headers headers = {.at = head + network_header, .end = head + READ(packet, tail)};
  bool first = false;
  if (!describe_ip(&headers, READ(packet, protocol), flow, &first)) return false;
  struct udphdr ports; /* TCP begins alike */
  if (!first || !take_header(&headers, &ports, sizeof ports)) return true;
  flow->local_port = bpf_ntohs(ports.source);
  flow->remote_port = bpf_ntohs(ports.dest);
  return true;
}

static __always_inline void turn_flow(struct os_flow* flow) {
  struct os_flow other = *flow;
  __builtin_memcpy(flow->local, other.remote, sizeof flow->local);
  __builtin_memcpy(flow->remote, other.local, sizeof flow->remote);
  flow->local_port = other.remote_port;
  flow->remote_port = other.local_port;
}

#endif
