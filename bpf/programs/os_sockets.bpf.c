/* SPDX-License-Identifier: GPL-2.0-only */
/* Who opens sockets, and what becomes of them: at tracepoints that know the kernel's types (BTF). */
#define POINTERS_HAVE_TYPES
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_connection.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

/* In the process that connects. */
static __always_inline void begin_connect(const struct sock* sk) {
  struct change change = {.type = OS_CONNECT, .now_ns = bpf_ktime_get_ns()};
  struct socket_record record = {.direction = OS_OUTBOUND, .since_ns = change.now_ns};
  describe_user(sk, &record.owner);
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(sk, &record, &change);
}

/* Where a packet arrives, in whatever process: the socket is taken for the listener's. */
static __always_inline void begin_accepted(const struct sock* sk) {
  struct change change = {.type = OS_ESTABLISHED, .accepted = true, .now_ns = bpf_ktime_get_ns()};
  struct socket_record* known = find_socket(sk); /* accepted early, or connected at once from both sides */
  if (known) {
    change.since_ns = known->since_ns;
    change.accepted = known->since_ns == 0;
    known->since_ns = change.now_ns;
    emit_connection(sk, known, &change);
    return;
  }
  struct socket_record record = {.unclaimed = 1, .direction = OS_INBOUND, .since_ns = change.now_ns};
  struct listener_key place = {};
  place_of(sk, &place);
  const struct listener* listener = find_listener(&place);
  if (listener) record.owner = listener->owner;
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(sk, &record, &change);
}

static __always_inline void establish(const struct sock* sk) {
  struct socket_record* record = find_socket(sk);
  struct change change = {
      .type = OS_ESTABLISHED, .now_ns = bpf_ktime_get_ns(), .since_ns = record ? record->since_ns : 0};
  if (record) record->since_ns = change.now_ns;
  emit_connection(sk, record, &change);
}

static __always_inline void end_listener(const struct sock* sk) {
  struct listener_key place = {};
  place_of(sk, &place);
  const struct listener* listener = bpf_map_lookup_elem(&os_listeners, &place);
  if (listener && listener->socket == (__u64)sk) bpf_map_delete_elem(&os_listeners, &place);
}

/* One that is closed with data unread sends a reset afterwards: until then its owner stays known. */
static __always_inline void forget_socket(const struct sock* sk, int before, struct socket_record* record) {
  __u64 key = (__u64)sk;
  if (record && (before == STATE_ESTABLISHED || before == STATE_CLOSE_WAIT))
    record->ended = 1;
  else
    bpf_map_delete_elem(&os_sockets, &key);
}

/* By probes: the agent says so. */
bool refusal4_is_told;
bool refusal6_is_told;

/* A connect comes to nothing before it has returned, without an error of the socket's: as where no local port is free.
 */
static __always_inline bool is_refused_at_once(const struct sock* sk) {
  const struct socket* socket = READ(sk, sk_socket);
  return socket && READ(socket, state) == SOCKET_UNCONNECTED && READ(sk, sk_err) == 0;
}

static __always_inline void end_connect(const struct sock* sk, const struct socket_record* record) {
  struct change change = {.type = OS_FAILED, .now_ns = bpf_ktime_get_ns(), .since_ns = record ? record->since_ns : 0};
  change.at_once = is_refused_at_once(sk);
  bool is_told = READ(sk, __sk_common.skc_family) == SOCKET_IPV6 ? refusal6_is_told : refusal4_is_told;
  if (!change.at_once || !is_told) emit_connection(sk, record, &change);
}

static __always_inline void end_socket(const struct sock* sk, int before) {
  struct socket_record* record = find_socket(sk);
  if (before == STATE_LISTEN)
    end_listener(sk);
  else if (before == STATE_SYN_SENT)
    end_connect(sk, record);
  else if (before != STATE_SYN_RECV && before != STATE_CLOSE)
    end_connection(sk, OS_CLOSED, record);
  forget_socket(sk, before, record);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(os_state, const struct sock* sk, int before, int after) {
  if (READ(sk, sk_protocol) != IPPROTO_TCP) return 0;
  if (after == STATE_SYN_SENT)
    begin_connect(sk);
  else if (after == STATE_LISTEN)
    begin_listen(sk);
  else if (after == STATE_ESTABLISHED && before == STATE_SYN_RECV)
    begin_accepted(sk);
  else if (after == STATE_ESTABLISHED)
    establish(sk);
  else if (after == STATE_CLOSE)
    end_socket(sk, before);
  return 0;
}

/* What probes tell here: the agent says so. */
bool udp4_bind_is_told;
bool udp6_bind_is_told;

/* What the inventory found with this process and port is this one. */
static __always_inline void use_udp(const struct sock* sk) {
  if (READ(sk, __sk_common.skc_family) == SOCKET_IPV6 ? udp6_bind_is_told : udp4_bind_is_told) return;
  const struct socket_record* record = find_socket(sk);
  if (!record || record->inventory == 0 || !is_current(&record->owner)) begin_bound(sk);
}

/* The inventory finds what processes have: a connection that waited to be accepted then is found here. */
static __always_inline void use_tcp(const struct sock* sk) {
  if (!is_tcp(sk)) return;
  const struct socket_record* known = find_socket(sk);
  if (known && known->unclaimed) return claim(sk);
  if (known || !is_connected(sk)) return;
  struct socket_record record = {};
  describe_user(sk, &record.owner);
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(sk, &record, &(struct change){.type = OS_OPEN, .now_ns = bpf_ktime_get_ns()});
}

enum { SEEN_SOCKETS = 4096 };

/* Cookies of sockets whose first user is known, each at its own place modulo SEEN_SOCKETS: so that a call by a socket
 * that is in use reads two cache lines. One that is not here may be in os_used all the same. */
__u64 os_seen[SEEN_SOCKETS];

static __noinline void see_socket(struct sock* sk) {
  __u16 family = sk->__sk_common.skc_family;
  if (family != SOCKET_IPV4 && family != SOCKET_IPV6) return;
  __u64 cookie = bpf_get_socket_cookie(sk);
  os_seen[cookie % SEEN_SOCKETS] = cookie;
  if (bpf_sk_storage_get(&os_used, sk, NULL, 0)) return;
  bpf_sk_storage_get(&os_used, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
  if (is_udp(sk))
    use_udp(sk);
  else
    use_tcp(sk);
}

/* Where no probe tells who binds a socket and who accepts one: the first that sends by it, or asks for what came. A
 * socket gets its cookie when one asks for it, and keeps it. */
static __always_inline void use_socket(struct sock* sk) {
  __u64 cookie = sk->__sk_common.skc_cookie.counter;
  if (cookie == 0 || os_seen[cookie % SEEN_SOCKETS] != cookie) see_socket(sk);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(os_send, struct sock* sk) {
  use_socket(sk);
  return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(os_receive, struct sock* sk) {
  use_socket(sk);
  return 0;
}
