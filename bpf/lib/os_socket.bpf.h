/* SPDX-License-Identifier: GPL-2.0-only */
/* A socket's flow, and whose it is. */
#ifndef CAPROCK_OS_SOCKET_BPF_H
#define CAPROCK_OS_SOCKET_BPF_H

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_task.bpf.h"

/* include/net/tcp_states.h */
enum {
  STATE_ESTABLISHED = 1,
  STATE_SYN_SENT = 2,
  STATE_SYN_RECV = 3,
  STATE_CLOSE = 7,
  STATE_CLOSE_WAIT = 8,
  STATE_LISTEN = 10,
};

/* AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM: the same wherever there is BPF. */
enum { SOCKET_IPV4 = 2, SOCKET_IPV6 = 10, SOCKET_STREAM = 1, SOCKET_DATAGRAM = 2 };

/* A raw socket may have its number, too. */
static __always_inline bool is_udp(const struct sock* sk) {
  return READ(sk, sk_protocol) == IPPROTO_UDP && READ(sk, sk_type) == SOCKET_DATAGRAM;
}

/* MPTCP has a number of its own: its subflows are not what a process uses. */
static __always_inline bool is_tcp(const struct sock* sk) {
  return READ(sk, sk_protocol) == IPPROTO_TCP && READ(sk, sk_type) == SOCKET_STREAM;
}

/* One of TCP that failed or is over has no record any more, and still has its ports. */
static __always_inline bool is_connected(const struct sock* sk) {
  __u8 state = READ(sk, __sk_common.skc_state);
  return state != STATE_CLOSE && state != STATE_SYN_SENT && state != STATE_LISTEN;
}

/* `to`: begins at a multiple of 8, as it does in struct os_flow. */
static __always_inline void put_ipv4(__u8* to, __be32 address) {
  __be32* words = (__be32*)to;
  words[0] = words[1] = 0;
  words[2] = bpf_htonl(0xffff);
  words[3] = address;
}

/* What sockets have in common with the requests for one. */
static __always_inline void describe_ends(const struct sock_common* common, __u16 protocol, struct os_flow* flow) {
  flow->protocol = protocol;
  flow->local_port = READ(common, skc_num);
  flow->remote_port = bpf_ntohs(READ(common, skc_dport));
  if (READ(common, skc_family) == SOCKET_IPV6) {
    READ_INTO(flow->local, common, skc_v6_rcv_saddr);
    READ_INTO(flow->remote, common, skc_v6_daddr);
  } else {
    put_ipv4(flow->local, READ(common, skc_rcv_saddr));
    put_ipv4(flow->remote, READ(common, skc_daddr));
  }
}

static __always_inline void describe_flow(const struct sock* sk, __u16 protocol, struct os_flow* flow) {
  describe_ends(&sk->__sk_common, protocol, flow);
  if (flow->local_port != 0 || protocol != IPPROTO_TCP) return;
  const struct tcp_sock* tcp = tcp_of(sk); /* closed, it has given its number back and still has the port */
  if (tcp) flow->local_port = bpf_ntohs(READ(tcp, inet_conn.icsk_inet.inet_sport));
}

static __always_inline __u32 network_of(const struct sock* sk) {
  const struct net* network = READ(sk, __sk_common.skc_net.net);
  return READ(network, ns.inum);
}

/* Where a TCP socket listens, or where its listener does if that has the very address. */
static __always_inline void place_of(const struct sock* sk, struct listener_key* place) {
  struct os_flow flow = {};
  describe_flow(sk, IPPROTO_TCP, &flow);
  place->network = network_of(sk);
  place->port = flow.local_port;
  __builtin_memcpy(place->address, flow.local, sizeof place->address);
}

static __always_inline bool is_ipv4(const __u8* address) {
  const __u32* words = (const __u32*)address;
  return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

/* Who listens there: at that address, at all of IPv4, at all. NULL: not known. */
static __always_inline const struct listener* find_listener(struct listener_key* place) {
  const struct listener* found = bpf_map_lookup_elem(&os_listeners, place);
  if (found) return found;
  bool ipv4 = is_ipv4(place->address);
  if (ipv4) {
    put_ipv4(place->address, 0);
    found = bpf_map_lookup_elem(&os_listeners, place);
    if (found) return found;
  }
  __builtin_memset(place->address, 0, sizeof place->address);
  found = bpf_map_lookup_elem(&os_listeners, place);
  return found && !(ipv4 && found->ipv6_only) ? found : NULL;
}

static __always_inline void describe_listener(const struct sock* sk, struct listener* listener) {
  listener->socket = (__u64)sk;
  listener->ipv6_only = READ_BITFIELD(sk, __sk_common.skc_ipv6only);
}

/* For its record. */
static __always_inline __u16 udp_port_of(const struct sock* sk) {
  return is_udp(sk) ? READ(sk, __sk_common.skc_num) : 0;
}

/* Not what is left of a socket that had this address before. */
static __always_inline struct socket_record* find_socket(const struct sock* sk) {
  __u64 key = (__u64)sk;
  struct socket_record* record = bpf_map_lookup_elem(&os_sockets, &key);
  if (!record) return NULL;
  if (record->ended && READ(sk, __sk_common.skc_state) != STATE_CLOSE) return NULL;
  if (record->udp_port != 0 && record->udp_port != READ(sk, __sk_common.skc_num)) return NULL;
  return record;
}

/* The present task as the one whose the socket is. */
static __always_inline void describe_user(const struct sock* sk, struct os_task* task) {
  describe_process(task);
  task->network = network_of(sk);
}

/* Of a socket and its record, NULL: it has none. The network is known always. */
static __always_inline void describe_owner_by(const struct sock* sk, const struct socket_record* record,
                                              struct os_task* task) {
  if (record)
    *task = record->owner;
  else
    unknown_task(task);
  task->network = network_of(sk);
}

/* Whose the socket is, as far as it is known. */
static __always_inline void describe_owner(const struct sock* sk, struct os_task* task) {
  describe_owner_by(sk, find_socket(sk), task);
}

/* The socket's flow, whose it is, and who opened it. */
static __always_inline void describe_socket_by(const struct sock* sk, const struct socket_record* record,
                                               __u16 protocol, struct os_event* event) {
  describe_flow(sk, protocol, &event->flow);
  describe_owner_by(sk, record, &event->task);
  if (record) event->flow.direction = record->direction;
}

static __always_inline void describe_socket(const struct sock* sk, __u16 protocol, struct os_event* event) {
  describe_socket_by(sk, find_socket(sk), protocol, event);
}

#endif
