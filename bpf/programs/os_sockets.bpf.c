/* SPDX-License-Identifier: GPL-2.0-only */
/* Who opens sockets, and what becomes of them: at tracepoints that know the kernel's types (BTF). */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/compiler.bpf.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_connection.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

/* In the process that connects. */
static __always_inline void begin_connect(const struct sock* sk) {
  __u64 key = (__u64)sk;
  struct socket_record record = {.begun_ns = bpf_ktime_get_ns()};
  describe_task(&record.owner);
  bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY);
  emit_connection(OS_CONNECT, sk, &record, 0, false);
}

/* Where a packet arrives, in whatever process: the socket is taken for the listener's. */
static __always_inline void begin_accepted(const struct sock* sk) {
  struct socket_record* known = find_socket(sk); /* accepted early, or connected at once from both sides */
  if (known) {
    known->established_ns = bpf_ktime_get_ns();
    emit_connection(OS_ESTABLISHED, sk, known, known->begun_ns, known->begun_ns == 0);
    return;
  }
  struct socket_record record = {.established_ns = bpf_ktime_get_ns(), .unclaimed = 1};
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

/* Where the record of a UDP socket is, another one may have been: what the inventory found with this process is this one's. */
static __always_inline void use_udp(const struct sock* sk) {
  const struct socket_record* record = find_socket(sk);
  if (!record || record->inventory == 0 || record->owner.pid != bpf_get_current_pid_tgid() >> 32) begin_bound(sk);
}

/* Where no probe tells who binds a socket and who accepts one: the first that sends by it, or asks for what came. */
static __always_inline void use_socket(struct sock* sk) {
  __u16 family = sk->__sk_common.skc_family;
  if (family != SOCKET_IPV4 && family != SOCKET_IPV6) return;
  if (bpf_sk_storage_get(&os_used, sk, NULL, 0)) return;
  bpf_sk_storage_get(&os_used, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
  const struct socket_record* record = find_socket(sk);
  if (is_udp(sk))
    use_udp(sk);
  else if (record && record->unclaimed)
    claim(sk);
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

enum { FILE_TYPE = 0170000, FILE_SOCKET = 0140000 }; /* linux/stat.h */

enum { PROTOCOL_MPTCP = 262 }; /* IPPROTO_MPTCP, which older headers have not */

static __always_inline const struct sock* first_subflow(const struct sock* sk) {
  const struct mptcp_sock* connection = (const void*)sk;
  return bpf_core_field_exists(connection->first) ? BPF_CORE_READ(connection, first) : NULL;
}

/* Of TCP, or of UDP with a port. */
static __always_inline const struct sock* socket_of(const struct file* file) {
  if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET) return NULL;
  const struct socket* socket = BPF_CORE_READ(file, private_data);
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk) return NULL;
  __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  if (family != SOCKET_IPV4 && family != SOCKET_IPV6) return NULL;
  if (is_udp(sk)) return BPF_CORE_READ(sk, __sk_common.skc_num) != 0 ? sk : NULL;
  __u16 protocol = BPF_CORE_READ(sk, sk_protocol);
  if (protocol == PROTOCOL_MPTCP) return first_subflow(sk);
  return protocol == IPPROTO_TCP ? sk : NULL;
}

/* Whether the queue is half full: the iterator comes back to the same file then, when the agent has emptied it. */
static __always_inline bool is_filling(void) {
  return bpf_ringbuf_query(&os_events, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&os_events, BPF_RB_RING_SIZE) / 2;
}

__u32 inventory_number; /* the agent counts them from 1 on */

static __always_inline void find_listening(const struct sock* sk, const struct os_task* holder) {
  struct listener_key place = {};
  place_of(sk, &place);
  if (!bpf_map_lookup_elem(&os_listeners, &place)) know_listener(sk, &place, holder);
}

/* Told once in each inventory, however many processes have it open; in the first one only what was there before. Of a UDP
 * socket only while its owner has it: to whom it was left is not known. */
static __always_inline void tell_open(const struct sock* sk, const struct os_task* holder) {
  struct socket_record record = {.owner = *holder, .inventory = inventory_number};
  __u64 key = (__u64)sk;
  bool is_new = bpf_map_update_elem(&os_sockets, &key, &record, BPF_NOEXIST) == 0;
  struct socket_record* known = is_new ? NULL : find_socket(sk);
  if (known && known->inventory == inventory_number) return;
  if (known && is_udp(sk) && known->owner.pid != holder->pid) return;
  if (known) known->inventory = inventory_number;
  if (!is_new && (!known || inventory_number == 1)) return;
  bool has_flow = BPF_CORE_READ(sk, __sk_common.skc_dport) != 0 || is_udp(sk);
  if (has_flow) emit_connection(OS_OPEN, sk, known ? known : &record, 0, false);
}

/* Run for all open files, at the start and now and then: whose the sockets are. What is known from their begin is known better. */
SEC("iter/task_file")
int os_inventory(struct bpf_iter__task_file* found) {
  if (is_filling()) return 1;
  const struct task_struct* task = found->task;
  const struct file* file = found->file;
  if (!task || !file) return 0;
  PIN_REGISTER(task); /* or addresses of fields would be computed in front of the check */
  PIN_REGISTER(file);
  const struct sock* sk = socket_of(file);
  if (!sk) return 0;
  struct os_task holder = {};
  describe_other_task(task, &holder);
  if (BPF_CORE_READ(sk, __sk_common.skc_state) == STATE_LISTEN) find_listening(sk, &holder);
  tell_open(sk, &holder);
  return 0;
}
