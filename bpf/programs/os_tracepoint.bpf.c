/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of the operating system at tracepoints that know the kernel's types (BTF). They look and never change anything. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_packet.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

const volatile bool drop_tells_reason = false; /* kernel 5.17 and later */
const volatile __u32 purge_reason = 0; /* what is left in a socket's queue at its end: no drop; 0: the kernel has none */
const volatile bool retransmit_tells_error = false;
const volatile bool victim_is_task = false;    /* kernel 6.8 and later; before, it is a pid */

SEC("tp_btf/sched_process_exec")
int BPF_PROG(os_exec, struct task_struct* task, int old_pid, struct linux_binprm* binary) {
  struct os_event* event = begin_event(OS_EXEC, OS_EVENT_BYTES(exec));
  if (!event) return 0;
  describe_task(&event->task);
  event->exec.parent = BPF_CORE_READ(task, real_parent, tgid);
  event->exec.path[0] = 0;
  bpf_probe_read_kernel_str(event->exec.path, sizeof event->exec.path, BPF_CORE_READ(binary, filename));
  unsigned long begin = BPF_CORE_READ(task, mm, arg_start);
  unsigned long bytes = BPF_CORE_READ(task, mm, arg_end) - begin;
  if (bytes > OS_ARGUMENTS_BYTES) bytes = OS_ARGUMENTS_BYTES;
  if (bpf_probe_read_user(event->exec.arguments, bytes, (void*)begin) != 0) bytes = 0;
  event->exec.arguments_bytes = bytes;
  end_event(event);
  return 0;
}

enum { TASK_KERNEL_THREAD = 0x00200000 }; /* PF_KTHREAD, include/linux/sched.h */

/* Whether the process ends with this thread, of which it has `leader` as the first. */
static __always_inline bool is_last(const struct task_struct* task, const struct task_struct* leader) {
  if (BPF_CORE_READ(task, flags) & TASK_KERNEL_THREAD) return false;
  if (BPF_CORE_READ(task, signal, live.counter) != 0) return false;
  struct process_key process = {.start_ns = BPF_CORE_READ(leader, start_time), .pid = BPF_CORE_READ(task, tgid)};
  __u8 told = 1;
  return bpf_map_update_elem(&os_ended, &process, &told, BPF_NOEXIST) == 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(os_exit, struct task_struct* task) {
  const struct task_struct* leader = BPF_CORE_READ(task, group_leader);
  if (!is_last(task, leader)) return 0;
  struct os_event* event = begin_event(OS_EXIT, OS_EVENT_BYTES(exit));
  if (!event) return 0;
  describe_task(&event->task);
  __u32 code = BPF_CORE_READ(task, exit_code);
  event->exit.code = code >> 8;
  event->exit.signal = code & 0x7f;
  event->exit.lived_ns = event->time_ns - BPF_CORE_READ(leader, start_time);
  end_event(event);
  return 0;
}

static __always_inline void emit_connection(enum os_event_type type, const struct sock* sk, const struct socket_record* record,
                                            __u64 since_ns, bool accepted) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(connection));
  if (!event) return;
  describe_flow(sk, &event->flow);
  if (record)
    event->task = record->owner;
  else
    unknown_task(&event->task);
  event->task.network = network_of(sk);
  const struct tcp_sock* tcp = (const void*)sk;
  event->connection = (struct os_connection){
      .took_ns = since_ns != 0 ? event->time_ns - since_ns : 0,
      .sent_bytes = BPF_CORE_READ(tcp, bytes_acked),
      .received_bytes = BPF_CORE_READ(tcp, bytes_received),
      .retransmits = BPF_CORE_READ(tcp, total_retrans),
      .srtt_us = BPF_CORE_READ(tcp, srtt_us) >> 3,
      .error = BPF_CORE_READ(sk, sk_err),
      .accepted = accepted,
  };
  end_event(event);
}

/* In the process that connects. */
static __always_inline void begin_connect(const struct sock* sk) {
  __u64 key = (__u64)sk;
  struct socket_record record = {.begun_ns = bpf_ktime_get_ns()};
  describe_task(&record.owner);
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_CONNECT, sk, &record, 0, false);
}

static __always_inline void begin_listen(const struct sock* sk) {
  struct listener listener = {};
  describe_listener(sk, &listener);
  describe_task(&listener.owner);
  struct listener_key place = {};
  place_of(sk, &place);
  bpf_map_update_elem(&os_listeners, &place, &listener, BPF_ANY);
  struct socket_record record = {.owner = listener.owner};
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_LISTEN, sk, &record, 0, false);
}

/* Where a packet arrives, in whatever process: the socket is taken for the listener's. */
static __always_inline void begin_accepted(const struct sock* sk) {
  struct socket_record record = {.established_ns = bpf_ktime_get_ns()};
  struct listener_key place = {};
  place_of(sk, &place);
  const struct listener* listener = find_listener(&place);
  if (listener) record.owner = listener->owner;
  __u64 key = (__u64)sk;
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_ESTABLISHED, sk, &record, 0, true);
}

static __always_inline void establish(const struct sock* sk) {
  struct socket_record* record = find_socket(sk);
  if (record) record->established_ns = bpf_ktime_get_ns();
  emit_connection(OS_ESTABLISHED, sk, record, record ? record->begun_ns : 0, false);
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

static __always_inline void end_socket(const struct sock* sk, int before) {
  struct socket_record* record = find_socket(sk);
  if (before == STATE_LISTEN) {
    end_listener(sk);
  } else if (before == STATE_SYN_SENT) {
    emit_connection(OS_FAILED, sk, record, record ? record->begun_ns : 0, false);
  } else if (before != STATE_SYN_RECV && before != STATE_CLOSE) {
    emit_connection(OS_CLOSED, sk, record, record ? record->established_ns : 0, false);
  }
  forget_socket(sk, before, record);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(os_state, const struct sock* sk, int before, int after) {
  if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP) return 0;
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

enum { FILE_TYPE = 0170000, FILE_SOCKET = 0140000 }; /* linux/stat.h */

static __always_inline const struct sock* tcp_socket_of(const struct file* file) {
  if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET) return NULL;
  const struct socket* socket = BPF_CORE_READ(file, private_data);
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP) return NULL;
  __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  return family == SOCKET_IPV4 || family == SOCKET_IPV6 ? sk : NULL;
}

/* Run once, for all open files: whose the sockets are that were there before. What came meanwhile is known better. */
SEC("iter/task_file")
int os_inventory(struct bpf_iter__task_file* found) {
  const struct task_struct* task = found->task;
  const struct file* file = found->file;
  if (!task || !file) return 0;
  PIN_REGISTER(task); /* or addresses of fields would be computed in front of the check */
  PIN_REGISTER(file);
  const struct sock* sk = tcp_socket_of(file);
  if (!sk) return 0;
  struct socket_record record = {};
  describe_other_task(task, &record.owner);
  if (BPF_CORE_READ(sk, __sk_common.skc_state) == STATE_LISTEN) {
    struct listener listener = {.owner = record.owner};
    describe_listener(sk, &listener);
    struct listener_key place = {};
    place_of(sk, &place);
    bpf_map_update_elem(&os_listeners, &place, &listener, BPF_NOEXIST);
  }
  __u64 key = (__u64)sk;
  bool is_new = bpf_map_update_elem(&os_sockets, &key, &record, BPF_NOEXIST) == 0;
  if (is_new && BPF_CORE_READ(sk, __sk_common.skc_dport) != 0) emit_connection(OS_OPEN, sk, &record, 0, false);
  return 0;
}

/* Something that TCP did with a packet of a socket. */
static __always_inline void emit_segment(enum os_event_type type, const struct sock* sk) {
  struct os_event* event = begin_event(type, OS_EVENT_BYTES(drop));
  if (!event) return;
  describe_flow(sk, &event->flow);
  describe_owner(sk, &event->task);
  event->drop = (struct os_drop){.state = BPF_CORE_READ(sk, __sk_common.skc_state)};
  end_event(event);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(os_retransmit, const struct sock* sk) {
  if (retransmit_tells_error && (int)ctx[2] != 0) return 0; /* it did not come to that */
  emit_segment(OS_RETRANSMIT, sk);
  return 0;
}

/* In answer to a packet that no connection wants. */
static __always_inline void emit_refusal(const struct sock* listening, const struct sk_buff* packet) {
  struct os_flow flow = {};
  if (!describe_packet(packet, &flow)) return;
  turn_flow(&flow);
  struct os_event* event = begin_event(OS_RESET_SENT, OS_EVENT_BYTES(drop));
  if (!event) return;
  event->flow = flow;
  unknown_task(&event->task);
  if (listening) describe_owner(listening, &event->task);
  event->drop = (struct os_drop){};
  end_event(event);
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(os_reset_sent, const struct sock* sk, const struct sk_buff* packet) {
  if (sk && BPF_CORE_READ(sk, __sk_common.skc_dport) != 0)
    emit_segment(OS_RESET_SENT, sk);
  else if (packet)
    emit_refusal(sk, packet);
  return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(os_reset_got, const struct sock* sk) {
  emit_segment(OS_RESET_RECEIVED, sk);
  return 0;
}

/* The victim, in whatever process ran out of memory. */
SEC("tp_btf/mark_victim")
int os_oom_kill(__u64* arguments) {
  struct os_event* event = begin_event(OS_OOM_KILL, OS_EVENT_BARE_BYTES);
  if (!event) return 0;
  unknown_task(&event->task);
  if (victim_is_task) {
    const struct task_struct* victim = (const void*)arguments[0];
    describe_other_task(victim, &event->task);
  } else {
    event->task.pid = (__u32)arguments[0];
  }
  end_event(event);
  return 0;
}

static __always_inline void emit_drop(const struct sk_buff* packet, const void* place, __u32 reason) {
  struct os_flow flow = {};
  if (!describe_packet(packet, &flow)) return;
  struct os_event* event = begin_event(OS_DROP, OS_EVENT_BYTES(drop));
  if (!event) return;
  event->flow = flow;
  unknown_task(&event->task);
  event->drop = (struct os_drop){.place = (__u64)place, .reason = reason};
  end_event(event);
}

/* A packet that was dropped: what went its way is freed elsewhere. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(os_drop, const struct sk_buff* packet, const void* place) {
  __u32 reason = drop_tells_reason ? (__u32)ctx[2] : 0;
  if (reason == 0 || reason != purge_reason) emit_drop(packet, place, reason);
  return 0;
}
