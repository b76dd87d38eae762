/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known only inside of the kernel's functions: for fentry and kprobe alike. */
#ifndef CAPROCK_OS_PROBE_BPF_H
#define CAPROCK_OS_PROBE_BPF_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_connection.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_packet.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"

/* A socket has been given its port; it may be of another protocol, as DCCP. One that listens is asked again whether it
 * still may have it, unless it had none: then it is known only now where it listens. */
static __always_inline void port_given(const struct sock* sk, int error) {
  if (error != 0 || !(is_tcp(sk) || is_udp(sk))) return;
  if (READ(sk, __sk_common.skc_state) != STATE_LISTEN)
    begin_bound(sk);
  else if (!find_socket(sk))
    begin_listen(sk);
}

/* A UDP socket gives its port back. */
static __always_inline void port_returned(const struct sock* sk) {
  if (!is_udp(sk) || READ(sk, __sk_common.skc_num) == 0) return;
  __u64 key = (__u64)sk;
  end_connection(sk, OS_CLOSED, find_socket(sk));
  bpf_map_delete_elem(&os_sockets, &key);
}

/* Where a connect goes; false: to an IPv4 address by IPv6. */
static __always_inline bool describe_peer(const void* address, struct os_flow* flow) {
  struct sockaddr_in peer4 = {}; /* that of IPv6 begins alike */
  bpf_probe_read_kernel(&peer4, sizeof peer4, address);
  flow->remote_port = bpf_ntohs(peer4.sin_port);
  if (peer4.sin_family != SOCKET_IPV6) {
    put_ipv4(flow->remote, peer4.sin_addr.s_addr);
    return true;
  }
  struct sockaddr_in6 peer = {};
  bpf_probe_read_kernel(&peer, sizeof peer, address);
  __builtin_memcpy(flow->remote, &peer.sin6_addr, sizeof flow->remote);
  return !is_ipv4(flow->remote);
}

/* The kernel refuses a connect at once, without a way to send it or a local port for it: then no state tells, or not
 * why. One by IPv6 to an IPv4 address is refused where it goes by IPv4. */
static __always_inline void connect_begun(const struct sock* sk, const void* address, int error) {
  if (error >= 0) return;
  struct os_flow flow = {};
  describe_flow(sk, IPPROTO_TCP, &flow);
  if (!describe_peer(address, &flow)) return;
  struct os_event* event = begin_event(OS_FAILED, OS_EVENT_BYTES(connection));
  if (!event) return;
  event->flow = flow;
  event->flow.direction = OS_OUTBOUND;
  describe_user(sk, &event->task);
  event->connection = (struct os_connection){.error = -error, .at_once = 1};
  end_event(event);
}

/* A connection gets a file of the process that accepts it. (The function that accepts sleeps: a probe on its return
 * misses whoever was in it before, and holds one of few places while it sleeps.) */
static __always_inline void socket_given(const struct sock* sk) {
  if (READ(sk, sk_protocol) == IPPROTO_TCP) claim(sk);
}

static __always_inline void tell_shortage(const struct shortage* shortage) {
  struct os_event* event = begin_event(OS_LISTEN_OVERFLOW, OS_EVENT_BYTES(queue));
  if (!event) return;
  event->flow = shortage->flow;
  event->task = shortage->owner;
  event->queue = shortage->queue;
  end_event(event);
}

static __always_inline struct shortage* shortage_of_this_cpu(void) {
  __u32 key = 0;
  return bpf_map_lookup_elem(&os_shortages, &key);
}

static __always_inline void describe_shortage(struct shortage* shortage, const struct sock* listening,
                                              const struct sk_buff* packet) {
  shortage->packet = (__u64)packet;
  describe_flow(listening, IPPROTO_TCP, &shortage->flow);
  if (describe_packet(packet, &shortage->flow)) turn_flow(&shortage->flow);
  shortage->flow.direction = OS_INBOUND;
  describe_owner(listening, &shortage->owner);
}

static __always_inline bool sends_cookies(const struct sock* listening) {
  const struct net* network = READ(listening, __sk_common.skc_net.net);
  return READ_BITFIELD(network, ipv4.sysctl_tcp_syncookies) != 0;
}

/* A SYN comes in: is there room for one more connection? As the kernel asks, include/net/sock.h and
 * inet_connection_sock.h. Its backlog of SYNs is full at the limit on some kernels, beyond it on those since January
 * 2025: at the limit only a cookie tells. */
static __always_inline void connection_requested(const struct sock* listening, const struct sk_buff* packet) {
  const struct tcp_sock* tcp = tcp_of(listening);
  if (!tcp) return;
  __u32 limit = READ(listening, sk_max_ack_backlog);
  __u32 accepting = READ(listening, sk_ack_backlog);
  __u32 beginning = READ(tcp, inet_conn.icsk_accept_queue.qlen.counter);
  bool full = accepting > limit;
  if (!full && beginning < limit) return;
  struct shortage* shortage = shortage_of_this_cpu();
  if (!shortage) return;
  describe_shortage(shortage, listening, packet);
  shortage->queue = (struct os_queue){
      .used = full ? accepting : beginning,
      .limit = limit,
      .kind = full ? OS_QUEUE_ACCEPT : OS_QUEUE_SYN,
  };
  if (full || (beginning > limit && !sends_cookies(listening))) tell_shortage(shortage);
}

/* The kernel answers a SYN by a cookie: its listener's backlog is full, unless all are answered so. */
static __always_inline void cookie_sent(const struct sk_buff* packet) {
  struct shortage* shortage = shortage_of_this_cpu();
  if (!shortage || shortage->packet != (__u64)packet) return;
  tell_shortage(shortage);
  shortage->packet = 0;
}

#endif
