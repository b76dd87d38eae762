/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens to a socket, and whose it is from then on: for tracepoints and probes alike. */
#ifndef CAPROCK_OS_CONNECTION_BPF_H
#define CAPROCK_OS_CONNECTION_BPF_H

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

static __always_inline void describe_transfer(const struct sock* sk, struct os_connection* connection) {
  const struct tcp_sock* tcp = tcp_of(sk);
  if (!tcp) return;
  connection->sent_bytes = READ(tcp, bytes_acked);
  connection->received_bytes = READ(tcp, bytes_received);
  connection->retransmits = READ(tcp, total_retrans);
  connection->srtt_us = READ(tcp, srtt_us) >> 3;
}

/* `record`: of the socket, NULL: it has none. `since_ns`: what began then is over; 0: not known. */
static __always_inline void emit_connection(enum os_event_type type, const struct sock* sk, const struct socket_record* record,
                                            __u64 since_ns, bool accepted) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(connection));
  if (!event) return;
  __u16 protocol = READ(sk, sk_protocol);
  describe_flow(sk, protocol, &event->flow);
  if (record)
    event->task = record->owner;
  else
    unknown_task(&event->task);
  event->task.network = network_of(sk);
  event->connection = (struct os_connection){
      .took_ns = since_ns != 0 ? event->time_ns - since_ns : 0,
      .error = READ(sk, sk_err),
      .accepted = accepted,
  };
  if (protocol == IPPROTO_TCP) describe_transfer(sk, &event->connection);
  end_event(event);
}

/* In the process that binds it. A UDP socket has nothing that would tell its owner later on. */
static __always_inline void begin_bound(const struct sock* sk) {
  struct socket_record record = {.begun_ns = bpf_ktime_get_ns()};
  describe_task(&record.owner);
  __u64 key = (__u64)sk;
  if (is_udp(sk)) bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_BIND, sk, &record, 0, false);
}

/* Where nothing of the socket is known that would count more: a record of its own. */
static __always_inline struct socket_record* know_socket(const struct sock* sk) {
  struct socket_record* known = find_socket(sk);
  if (known) return known;
  struct socket_record record = {};
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  return bpf_map_lookup_elem(&os_sockets, &key);
}

/* In the process that takes a connection. It may have come before the agent, or not be established yet (TCP Fast Open). */
static __always_inline void claim(const struct sock* sk) {
  struct socket_record* record = know_socket(sk);
  if (!record) return;
  describe_task(&record->owner);
  record->unclaimed = 0;
  emit_connection(OS_ACCEPT, sk, record, record->established_ns, true);
}

static __always_inline void know_listener(const struct sock* sk, const struct listener_key* place, const struct os_task* owner) {
  struct listener listener = {.owner = *owner};
  describe_listener(sk, &listener);
  bpf_map_update_elem(&os_listeners, place, &listener, BPF_ANY);
}

/* In the process that listens, once the socket has its port. */
static __always_inline void begin_listen(const struct sock* sk) {
  struct listener_key place = {};
  place_of(sk, &place);
  if (place.port == 0) return;
  struct socket_record record = {};
  describe_task(&record.owner);
  know_listener(sk, &place, &record.owner);
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_LISTEN, sk, &record, 0, false);
}

#endif
