/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens to a socket, and whose it is from then on: for tracepoints and probes alike. */
#ifndef CAPROCK_OS_CONNECTION_BPF_H
#define CAPROCK_OS_CONNECTION_BPF_H

#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>

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

/* What has become of a socket. */
struct change {
  enum os_event_type type;
  bool accepted;
  bool at_once;
  __u64 now_ns;
  __u64 since_ns; /* what began then is over; 0: not known */
};

/* `record`: of the socket, NULL: it has none. One copy for all places that call it: with connections now and then the
 * code has to come from memory, too. */
static __noinline void emit_connection(const struct sock* sk, const struct socket_record* record,
                                       const struct change* change) {
  struct os_event* event = begin_event_at(change->now_ns, change->type, OS_EVENT_BYTES(connection));
  if (!event) return;
  __u16 protocol = READ(sk, sk_protocol);
  describe_socket_by(sk, record, protocol, event);
  event->connection = (struct os_connection){
      .took_ns = change->since_ns != 0 ? change->now_ns - change->since_ns : 0,
      .error = READ(sk, sk_err),
      .accepted = change->accepted,
      .at_once = change->at_once,
  };
  if (protocol == IPPROTO_TCP) describe_transfer(sk, &event->connection);
  end_event(event);
}

static __always_inline void end_connection(const struct sock* sk, enum os_event_type type,
                                           const struct socket_record* record) {
  struct change change = {.type = type, .now_ns = bpf_ktime_get_ns(), .since_ns = record ? record->since_ns : 0};
  emit_connection(sk, record, &change);
}

/* In the process that binds it. A UDP socket has nothing that would tell its owner later on. */
static __always_inline void begin_bound(const struct sock* sk) {
  struct change change = {.type = OS_BIND, .now_ns = bpf_ktime_get_ns()};
  struct socket_record record = {.udp_port = udp_port_of(sk), .since_ns = change.now_ns};
  describe_user(sk, &record.owner);
  __u64 key = (__u64)sk;
  if (record.udp_port != 0) bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(sk, &record, &change);
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

/* In the process that takes a connection. It may have come before the agent, or not be established yet (TCP Fast Open).
 */
static __always_inline void claim(const struct sock* sk) {
  struct socket_record* record = know_socket(sk);
  if (!record) return;
  describe_user(sk, &record->owner);
  record->unclaimed = 0;
  record->direction = OS_INBOUND;
  struct change change = {
      .type = OS_ACCEPT, .accepted = true, .now_ns = bpf_ktime_get_ns(), .since_ns = record->since_ns};
  emit_connection(sk, record, &change);
}

static __always_inline void know_listener(const struct sock* sk, const struct listener_key* place,
                                          const struct os_task* owner) {
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
  describe_user(sk, &record.owner);
  know_listener(sk, &place, &record.owner);
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(sk, &record, &(struct change){.type = OS_LISTEN, .now_ns = bpf_ktime_get_ns()});
}

#endif
