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

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_socket.bpf.h"

enum { HEADER_NOT_SET = 0xffff }; /* sk_buff's offsets */

/* Moves behind the IP header; false where there is none, or neither TCP nor UDP in it. */
static __always_inline bool describe_ip(const unsigned char** at, __be16 protocol, struct os_flow* flow) {
  if (protocol == bpf_htons(ETH_P_IP)) {
    struct iphdr ip;
    if (bpf_probe_read_kernel(&ip, sizeof ip, *at) != 0) return false;
    flow->protocol = ip.protocol;
    put_ipv4(flow->local, ip.saddr);
    put_ipv4(flow->remote, ip.daddr);
    *at += ip.ihl * 4;
  } else if (protocol == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr ip;
    if (bpf_probe_read_kernel(&ip, sizeof ip, *at) != 0) return false;
    flow->protocol = ip.nexthdr;
    __builtin_memcpy(flow->local, &ip.saddr, sizeof flow->local);
    __builtin_memcpy(flow->remote, &ip.daddr, sizeof flow->remote);
    *at += sizeof ip;
  } else {
    return false;
  }
  return flow->protocol == IPPROTO_TCP || flow->protocol == IPPROTO_UDP;
}

/* From source to destination. False: it is no packet of TCP or UDP whose headers are there. */
static __always_inline bool describe_packet(const struct sk_buff* packet, struct os_flow* flow) {
  __u16 offset = BPF_CORE_READ(packet, network_header);
  if (offset == HEADER_NOT_SET || offset == 0) return false;
  const unsigned char* at = BPF_CORE_READ(packet, head) + offset;
  if (!describe_ip(&at, BPF_CORE_READ(packet, protocol), flow)) return false;
  struct udphdr ports; /* TCP begins alike */
  if (bpf_probe_read_kernel(&ports, sizeof ports, at) != 0) return false;
  flow->local_port = bpf_ntohs(ports.source);
  flow->remote_port = bpf_ntohs(ports.dest);
  return true;
}

#endif
