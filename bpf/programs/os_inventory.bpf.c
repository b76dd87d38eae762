/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose the open sockets are, also those from before the agent: an iterator over the files of all processes. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "lib/compiler.bpf.h"
#include "lib/kernel_types.bpf.h"
#include "lib/os_connection.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum { FILE_TYPE = 0170000, FILE_SOCKET = 0140000 }; /* linux/stat.h */

enum { PROTOCOL_MPTCP = 262 }; /* IPPROTO_MPTCP, which older headers have not */

static __always_inline const struct sock* first_subflow(const struct sock* sk) {
  const struct mptcp_sock* connection = (const void*)sk;
  return bpf_core_field_exists(connection->first) ? BPF_CORE_READ(connection, first) : NULL;
}

/* Of UDP with a port, or of TCP and in use: what becomes of one that is closed begins with what is told. */
static __always_inline const struct sock* socket_of(const struct file* file) {
  if ((BPF_CORE_READ(file, f_inode, i_mode) & FILE_TYPE) != FILE_SOCKET) return NULL;
  const struct socket* socket = BPF_CORE_READ(file, private_data);
  const struct sock* sk = BPF_CORE_READ(socket, sk);
  if (!sk) return NULL;
  __u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
  if (family != SOCKET_IPV4 && family != SOCKET_IPV6) return NULL;
  if (is_udp(sk)) return BPF_CORE_READ(sk, __sk_common.skc_num) != 0 ? sk : NULL;
  if (BPF_CORE_READ(sk, sk_protocol) == PROTOCOL_MPTCP) sk = first_subflow(sk);
  return sk && is_tcp(sk) && BPF_CORE_READ(sk, __sk_common.skc_state) != STATE_CLOSE ? sk : NULL;
}

/* Whether the queue is half full: the iterator comes back to the same file then, when the agent has emptied it. */
static __always_inline bool is_filling(void) {
  return bpf_ringbuf_query(&os_events, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&os_events, BPF_RB_RING_SIZE) / 2;
}

__u32 inventory_number; /* the agent counts them from 1 on */

/* A service that systemd listens for has the socket from it, and both have it open: the service is the one that uses
 * it. */
static __always_inline bool is_owned_by_init(const struct os_task* owner, const struct os_task* holder) {
  return owner->pid == 1 && holder->pid != 1;
}

static __always_inline void find_listening(const struct sock* sk, const struct os_task* holder) {
  struct listener_key place = {};
  place_of(sk, &place);
  const struct listener* known = bpf_map_lookup_elem(&os_listeners, &place);
  if (!known || is_owned_by_init(&known->owner, holder)) know_listener(sk, &place, holder);
}

/* A record of its own, unless it has one; false: it has. What is left of another UDP socket is none. */
static __always_inline bool know_holder(const struct sock* sk, const struct os_task* holder) {
  struct socket_record record = {.udp_port = udp_port_of(sk), .inventory = inventory_number, .owner = *holder};
  __u64 key = (__u64)sk;
  if (bpf_map_update_elem(&os_sockets, &key, &record, BPF_NOEXIST) == 0) return true;
  if (record.udp_port == 0 || find_socket(sk)) return false;
  return bpf_map_update_elem(&os_sockets, &key, &record, BPF_ANY) == 0;
}

/* Whether one with a record is to be told. Once in each inventory, however many processes have it open; in the first
 * one only what was there before. Of a UDP socket only while its owner has it: to whom it was left is not known. */
static __always_inline bool is_told_again(struct socket_record* known, const struct os_task* holder) {
  if (is_owned_by_init(&known->owner, holder)) {
    known->owner = *holder;
    known->inventory = inventory_number;
    return true;
  }
  if (known->inventory == inventory_number) return false;
  if (known->udp_port != 0 && known->owner.pid != holder->pid) return false;
  known->inventory = inventory_number;
  return inventory_number != 1;
}

static __always_inline void tell_open(const struct sock* sk, const struct os_task* holder) {
  bool is_new = know_holder(sk, holder);
  struct socket_record* known = find_socket(sk);
  if (!known || !(is_new || is_told_again(known, holder))) return;
  if (is_connected(sk) || is_udp(sk))
    emit_connection(sk, known, &(struct change){.type = OS_OPEN, .now_ns = bpf_ktime_get_ns()});
}

/* Run for all open files, at the start and now and then: whose the sockets are. What is known from their begin is known
 * better. */
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
