/* SPDX-License-Identifier: GPL-2.0-only */
/* What TCP does on its connections, at tracepoints that know the kernel's types (BTF). */
#define POINTERS_HAVE_TYPES
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <linux/tcp.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_packet.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

const volatile bool retransmit_tells_error = false;
const volatile bool reset_tells_reason = false; /* kernel 6.10 and later */
const volatile bool wants_rtt = false;

enum { TIMER_TAIL_PROBE = 5, CONGESTION_LOSS = 4, CONGESTION_RECOVERY = 3 }; /* ICSK_TIME_LOSS_PROBE, TCP_CA_… */

/* Something that TCP did or saw on a connection. */
static __always_inline void emit_segment(enum os_event_type type, const struct sock* sk, __u32 kind, __u32 before) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(segment));
  if (!event) return;
  describe_socket(sk, IPPROTO_TCP, event);
  event->segment = (struct os_segment){.kind = kind, .before = before};
  end_event(event);
}

/* As emit_segment, with how the connection is doing. Whole sockets only. */
static __always_inline void emit_state(enum os_event_type type, const struct sock* sk, __u32 kind, __u32 before) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(segment));
  if (!event) return;
  describe_socket(sk, IPPROTO_TCP, event);
  const struct tcp_sock* tcp = tcp_of(sk);
  event->segment = (struct os_segment){
      .kind = kind,
      .before = before,
      .srtt_us = tcp ? READ(tcp, srtt_us) >> 3 : 0,
      .window = tcp ? READ(tcp, snd_cwnd) : 0,
  };
  end_event(event);
}

static __always_inline __u32 congestion_of(const struct tcp_sock* tcp) {
  return READ_BITFIELD(tcp, inet_conn.icsk_ca_state);
}

static __always_inline enum os_retransmit_kind kind_of_retransmit(const struct sock* sk) {
  if (READ(sk, __sk_common.skc_state) == STATE_SYN_SENT) return OS_RETRANSMIT_SYN;
  const struct tcp_sock* tcp = tcp_of(sk);
  if (!tcp) return OS_RETRANSMIT_FAST;
  __u32 state = congestion_of(tcp);
  if (state == CONGESTION_LOSS) return OS_RETRANSMIT_TIMEOUT;
  if (state == CONGESTION_RECOVERY) return OS_RETRANSMIT_FAST; /* the timer of the probe is still set then */
  return READ(tcp, inet_conn.icsk_pending) == TIMER_TAIL_PROBE ? OS_RETRANSMIT_TAIL_PROBE : OS_RETRANSMIT_FAST;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(os_retransmit, const struct sock* sk) {
  if (retransmit_tells_error && (int)ctx[2] != 0) return 0; /* it did not come to that */
  emit_state(OS_RETRANSMIT, sk, kind_of_retransmit(sk), 0);
  return 0;
}

/* The request begins as a socket does, and is the listener's. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(os_synack_again, const struct sock* listening, const struct request_sock* request) {
  struct os_event* event = begin_event(OS_RETRANSMIT, OS_EVENT_BYTES(segment));
  if (!event) return 0;
  describe_ends(&request->__req_common, IPPROTO_TCP, &event->flow);
  event->flow.direction = OS_INBOUND;
  describe_owner(listening, &event->task);
  event->segment = (struct os_segment){.kind = OS_RETRANSMIT_SYN_ACK};
  end_event(event);
  return 0;
}

/* In answer to a packet that no connection wants. */
static __always_inline void emit_refusal(const struct sock* listening, const struct sk_buff* packet, __u32 reason) {
  struct os_flow flow = {};
  if (!describe_packet(packet, &flow)) return;
  turn_flow(&flow);
  struct os_event* event = begin_event(OS_RESET_SENT, OS_EVENT_BYTES(segment));
  if (!event) return;
  event->flow = flow;
  unknown_task(&event->task);
  if (listening) describe_owner(listening, &event->task);
  event->segment = (struct os_segment){.kind = reason};
  end_event(event);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(os_reset_sent, const struct sock* sk, const struct sk_buff* packet) {
  __u32 reason = reset_tells_reason ? (__u32)ctx[2] : 0;
  if (sk && READ(sk, __sk_common.skc_dport) != 0)
    emit_segment(OS_RESET_SENT, sk, reason, 0);
  else if (packet)
    emit_refusal(sk, packet, reason);
  return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(os_reset_got, const struct sock* sk) {
  emit_segment(OS_RESET_RECEIVED, sk, 0, 0);
  return 0;
}

/* Called in front of the change. */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(os_congestion, const struct sock* sk, __u8 state) {
  const struct tcp_sock* tcp = tcp_of(sk);
  if (!tcp) return 0;
  __u32 before = congestion_of(tcp);
  if (before != state) emit_state(OS_CONGESTION, sk, state, before);
  return 0;
}

enum { NS_PER_MS = 1000000, MS_BETWEEN_SAMPLES = 1000 };

/* Whether the time is up of which the last one is in `told_ms`; then it is put there. */
static __always_inline bool take_turn(__u32* told_ms) {
  __u32 now_ms = bpf_ktime_get_ns() / NS_PER_MS;
  if (*told_ms != 0 && now_ms - *told_ms < MS_BETWEEN_SAMPLES) return false;
  *told_ms = now_ms;
  return true;
}

static __always_inline void tell_zero_window(const struct sock* sk, enum os_window_side side) {
  struct socket_record* record = find_socket(sk);
  if (!record || take_turn(&record->told_window_ms)) emit_state(OS_ZERO_WINDOW, sk, side, 0);
}

static __always_inline void tell_rtt(const struct sock* sk) {
  struct socket_record* record = find_socket(sk);
  if (record && take_turn(&record->told_rtt_ms)) emit_state(OS_RTT, sk, 0, 0);
}

struct zero_windows {
  bool peers;
  bool ours;
};

static __always_inline bool says_zero(const struct tcphdr* header) { return header->window == 0 && !header->rst; }

/* By two loads: a helper's code is mostly out of the caches here, and costs more than what it does. */
static __always_inline struct zero_windows look_at_windows(const struct sock* sk, const struct sk_buff* packet) {
  return (struct zero_windows){
      .peers = says_zero(CAST(packet->data, struct tcphdr)),
      .ours = CAST(sk, struct tcp_sock)->rcv_wnd == 0,
  };
}

static __always_inline struct zero_windows copy_windows(const struct sock* sk, const struct sk_buff* packet) {
  struct tcphdr header;
  if (bpf_probe_read_kernel(&header, sizeof header, packet->data) != 0) return (struct zero_windows){};
  const struct tcp_sock* tcp = tcp_of(sk);
  return (struct zero_windows){.peers = says_zero(&header), .ours = tcp && READ(tcp, rcv_wnd) == 0};
}

/* Each segment that comes in on a connection: nothing is looked up here in the common case. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(os_segment, const struct sock* sk, const struct sk_buff* packet) {
  struct zero_windows zero = bpf_ksym_exists(bpf_rdonly_cast) ? look_at_windows(sk, packet) : copy_windows(sk, packet);
  if (zero.peers)
    tell_zero_window(sk, OS_WINDOW_PEERS);
  else if (zero.ours)
    tell_zero_window(sk, OS_WINDOW_OURS);
  if (wants_rtt) tell_rtt(sk);
  return 0;
}
