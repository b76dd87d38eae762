/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the kernel's functions by breakpoint: the way that is left where there are no trampolines. */
#include <asm/ptrace.h>
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_probe.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a function is called with what it is */

char LICENSE[] SEC("license") = "GPL";

/* At its end a function's arguments are gone. */
static __always_inline void enter(const struct sock* sk, const void* address) {
  __u64 thread = bpf_get_current_pid_tgid();
  struct call call = {.socket = (__u64)sk, .address = (__u64)address};
  bpf_map_update_elem(&os_calls, &thread, &call, BPF_ANY);
}

static __always_inline bool leave(struct call* call) {
  __u64 thread = bpf_get_current_pid_tgid();
  const struct call* entered = bpf_map_lookup_elem(&os_calls, &thread);
  if (!entered) return false;
  *call = *entered;
  bpf_map_delete_elem(&os_calls, &thread);
  return true;
}

static __always_inline void leave_get_port(int error) {
  struct call call;
  if (leave(&call)) port_given((const void*)call.socket, error);
}

static __always_inline void leave_connect(int error) {
  struct call call;
  if (leave(&call)) connect_begun((const void*)call.socket, (const void*)call.address, error);
}

SEC("kprobe/inet_csk_get_port")
int BPF_KPROBE(kprobe_tcp_port, const struct sock* sk) {
  enter(sk, NULL);
  return 0;
}

SEC("kretprobe/inet_csk_get_port")
int BPF_KRETPROBE(kretprobe_tcp_port, int error) {
  leave_get_port(error);
  return 0;
}

SEC("kprobe/udp_v4_get_port")
int BPF_KPROBE(kprobe_udp_port, const struct sock* sk) {
  enter(sk, NULL);
  return 0;
}

SEC("kretprobe/udp_v4_get_port")
int BPF_KRETPROBE(kretprobe_udp_port, int error) {
  leave_get_port(error);
  return 0;
}

SEC("kprobe/udp_v6_get_port")
int BPF_KPROBE(kprobe_udp6_port, const struct sock* sk) {
  enter(sk, NULL);
  return 0;
}

SEC("kretprobe/udp_v6_get_port")
int BPF_KRETPROBE(kretprobe_udp6_port, int error) {
  leave_get_port(error);
  return 0;
}

SEC("kprobe/udp_lib_unhash")
int BPF_KPROBE(kprobe_udp_end, const struct sock* sk) {
  port_returned(sk);
  return 0;
}

SEC("kprobe/security_sock_graft")
int BPF_KPROBE(kprobe_accept, const struct sock* sk) {
  socket_given(sk);
  return 0;
}

SEC("kprobe/tcp_conn_request")
int BPF_KPROBE(kprobe_request, const void* operations, const void* of_family, const struct sock* sk,
               const struct sk_buff* packet) {
  connection_requested(sk, packet);
  return 0;
}

SEC("kprobe/cookie_v4_init_sequence")
int BPF_KPROBE(kprobe_cookie, const struct sk_buff* packet) {
  cookie_sent(packet);
  return 0;
}

SEC("kprobe/cookie_v6_init_sequence")
int BPF_KPROBE(kprobe_cookie6, const struct sk_buff* packet) {
  cookie_sent(packet);
  return 0;
}

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(kprobe_connect, const struct sock* sk, const void* address) {
  enter(sk, address);
  return 0;
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(kretprobe_connect, int error) {
  leave_connect(error);
  return 0;
}

SEC("kprobe/tcp_v6_connect")
int BPF_KPROBE(kprobe_connect6, const struct sock* sk, const void* address) {
  enter(sk, address);
  return 0;
}

SEC("kretprobe/tcp_v6_connect")
int BPF_KRETPROBE(kretprobe_connect6, int error) {
  leave_connect(error);
  return 0;
}
