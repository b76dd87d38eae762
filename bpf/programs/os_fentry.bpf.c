/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the kernel's functions by trampoline: the cheap way, for kernels and machines that have it. */
#define POINTERS_HAVE_TYPES
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_probe.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a function is called with what it is */

char LICENSE[] SEC("license") = "GPL";

SEC("fexit/inet_csk_get_port")
int BPF_PROG(fexit_tcp_port, const struct sock* sk, unsigned short port, int error) {
  port_given(sk, error);
  return 0;
}

SEC("fexit/udp_v4_get_port")
int BPF_PROG(fexit_udp_port, const struct sock* sk, unsigned short port, int error) {
  port_given(sk, error);
  return 0;
}

SEC("fexit/udp_v6_get_port")
int BPF_PROG(fexit_udp6_port, const struct sock* sk, unsigned short port, int error) {
  port_given(sk, error);
  return 0;
}

SEC("fentry/udp_lib_unhash")
int BPF_PROG(fentry_udp_end, const struct sock* sk) {
  port_returned(sk);
  return 0;
}

SEC("fentry/security_sock_graft")
int BPF_PROG(fentry_accept, const struct sock* sk) {
  socket_given(sk);
  return 0;
}

SEC("fentry/tcp_conn_request")
int BPF_PROG(fentry_request, const void* operations, const void* of_family, const struct sock* sk,
             const struct sk_buff* packet) {
  connection_requested(sk, packet);
  return 0;
}

SEC("fentry/cookie_v4_init_sequence")
int BPF_PROG(fentry_cookie, const struct sk_buff* packet) {
  cookie_sent(packet);
  return 0;
}

SEC("fentry/cookie_v6_init_sequence")
int BPF_PROG(fentry_cookie6, const struct sk_buff* packet) {
  cookie_sent(packet);
  return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(fexit_connect, const struct sock* sk, const void* address, int length, int error) {
  connect_begun(sk, address, error);
  return 0;
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(fexit_connect6, const struct sock* sk, const void* address, int length, int error) {
  connect_begun(sk, address, error);
  return 0;
}
