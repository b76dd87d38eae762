/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that the kernel drops, and queues that are full, at tracepoints that know the kernel's types (BTF). */
#define POINTERS_HAVE_TYPES
#include <linux/bpf.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lib/kernel_types.bpf.h"
#include "lib/os_emit.bpf.h"
#include "lib/os_maps.bpf.h"
#include "lib/os_packet.bpf.h"
#include "lib/os_read.bpf.h"
#include "lib/os_socket.bpf.h"
#include "lib/os_task.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter" /* a tracepoint gives what it gives */

char LICENSE[] SEC("license") = "GPL";

const volatile bool drop_tells_reason = false; /* kernel 5.17 and later */
/* Reasons of their own event or none, 0: the kernel has it not. */
const volatile __u32 reason_purge = 0; /* what is left in a socket's queue at its end: no drop */
const volatile __u32 reason_tcp_checksum = 0;
const volatile __u32 reason_udp_checksum = 0;
const volatile __u32 reason_listen_overflow = 0;
/* Of this one some are no drops: those of functions that end what they are done with that way. */
const volatile __u32 reason_not_specified = 0;
const volatile struct {
  __u64 begin;
  __u64 end;
} done_with[3] = {};                               /* the kernel's text; 0: not known */
const volatile bool overflow_tells_packet = false; /* kernel 6.10 and later */

enum { MEMORY_LIMIT = 2 };   /* of sysctl_mem */
enum { FOR_OTHER_HOST = 3 }; /* PACKET_OTHERHOST, linux/if_packet.h */

static __always_inline bool is_done_with(__u64 place) {
  for (int i = 0; i < 3; ++i)
    if (place >= done_with[i].begin && place < done_with[i].end) return true;
  return false;
}

static __always_inline __u32 network_of_packet(const struct sk_buff* packet) {
  const struct net_device* device = READ(packet, dev);
  if (!device) return 0;
  const struct net* network = READ(device, nd_net.net);
  return READ(network, ns.inum);
}

/* The device's where it is the one that the packet came by: other things are kept there of a packet that waits in a
 * queue. Else the socket's, of what goes out. */
static __always_inline __u32 network_of_dropped(const struct sk_buff* packet) {
  const struct net_device* device = READ(packet, dev);
  if (device && READ(packet, skb_iif) != 0 && READ(device, ifindex) == READ(packet, skb_iif))
    return network_of_packet(packet);
  const struct sock* sk = READ(packet, sk);
  return sk ? network_of(sk) : 0;
}

static __always_inline void describe_place(const struct sk_buff* packet, struct os_task* task) {
  unknown_task(task);
  task->network = network_of_dropped(packet);
}

/* A cause has half of what is told in a second, so that a flood of one, such as a port scan, hides no other. */
static __always_inline bool take_share(struct os_count* count, __u64 now_ns, __u32 cause) {
  __u32 key = cause & 255;
  struct drop_share* share = bpf_map_lookup_elem(&os_drop_shares, &key);
  if (!share) return true;
  __u64 second = now_ns / NS_PER_SECOND;
  if (share->second != second) *share = (struct drop_share){.second = second};
  if (share->told >= count->limit - count->limit / 2) return false;
  share->told++;
  return true;
}

/* Its reason, of which the upper half is a subsystem; where the kernel tells none, its place in the kernel's text. */
static __always_inline __u32 cause_of(const void* place, __u32 reason) {
  bool told = reason != 0 && reason != reason_not_specified;
  return told ? reason + (reason >> 16) * 67 : (__u32)(__u64)place >> 4;
}

static __always_inline void emit_drop(const struct sk_buff* packet, const struct os_flow* flow, const void* place,
                                      __u32 reason) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct os_count* count = admit(OS_DROP, now_ns);
  if (!count) return;
  if (!take_share(count, now_ns, cause_of(place, reason))) {
    __sync_fetch_and_add(&count->suppressed, 1);
    return;
  }
  struct os_event* event = begin_admitted(count, now_ns, OS_DROP, OS_EVENT_BYTES(drop));
  if (!event) return;
  event->flow = *flow;
  describe_place(packet, &event->task);
  event->drop = (struct os_drop){.place = (__u64)place, .reason = reason};
  end_event(event);
}

static __always_inline void emit_bad_checksum(const struct sk_buff* packet, const struct os_flow* flow) {
  struct os_event* event = begin_event(OS_BAD_CHECKSUM, OS_EVENT_BARE_BYTES);
  if (!event) return;
  event->flow = *flow;
  describe_place(packet, &event->task);
  end_event(event);
}

/* The last packet of a handshake, which is the listener's to take. */
static __always_inline void emit_listen_overflow(const struct sk_buff* packet, const struct os_flow* flow) {
  struct os_event* event = begin_event(OS_LISTEN_OVERFLOW, OS_EVENT_BYTES(queue));
  if (!event) return;
  event->flow = *flow;
  turn_flow(&event->flow);
  event->flow.direction = OS_INBOUND;
  struct listener_key place = {.network = network_of_packet(packet), .port = event->flow.local_port};
  __builtin_memcpy(place.address, event->flow.local, sizeof place.address);
  const struct listener* listener = find_listener(&place);
  if (listener)
    event->task = listener->owner;
  else
    unknown_task(&event->task);
  event->queue = (struct os_queue){.kind = OS_QUEUE_ACCEPT};
  end_event(event);
}

/* A packet that was dropped: what went its way is freed elsewhere. What a promiscuous device saw for others is no drop.
 */
SEC("tp_btf/kfree_skb")
int BPF_PROG(os_drop, const struct sk_buff* packet, const void* place) {
  __u32 reason = drop_tells_reason ? (__u32)ctx[2] : 0;
  if (reason != 0 && reason == reason_purge) return 0;
  if (reason != 0 && reason == reason_not_specified && is_done_with((__u64)place)) return 0;
  if (READ_BITFIELD(packet, pkt_type) == FOR_OTHER_HOST) return 0;
  struct os_flow flow = {};
  if (!describe_packet(packet, &flow)) return 0;
  if (reason != 0 && (reason == reason_tcp_checksum || reason == reason_udp_checksum))
    emit_bad_checksum(packet, &flow);
  else if (reason != 0 && reason == reason_listen_overflow)
    emit_listen_overflow(packet, &flow);
  else
    emit_drop(packet, &flow, place, reason);
  return 0;
}

/* A datagram that finds no room. The socket alone would not say who sent it. */
SEC("tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(os_udp_overflow, int code, const struct sock* sk) {
  struct os_event* event = begin_event(OS_UDP_OVERFLOW, OS_EVENT_BYTES(queue));
  if (!event) return 0;
  describe_flow(sk, IPPROTO_UDP, &event->flow);
  if (overflow_tells_packet) {
    const struct sk_buff* packet = (const void*)ctx[2];
    if (describe_packet(packet, &event->flow)) turn_flow(&event->flow);
  }
  describe_owner(sk, &event->task);
  if (code == -ENOMEM)
    event->queue = (struct os_queue){
        .used = READ(sk, sk_backlog.rmem_alloc.counter),
        .limit = READ(sk, sk_rcvbuf),
        .kind = OS_QUEUE_RECEIVE,
    };
  else
    event->queue = (struct os_queue){.kind = OS_QUEUE_MEMORY};
  end_event(event);
  return 0;
}

SEC("tp_btf/sock_exceed_buf_limit")
int BPF_PROG(os_memory_limit, const struct sock* sk, const struct proto* protocol, long allocated) {
  __u16 number = READ(sk, sk_protocol);
  if (number != IPPROTO_TCP && number != IPPROTO_UDP) return 0;
  struct os_event* event = begin_event(OS_MEMORY_LIMIT, OS_EVENT_BYTES(queue));
  if (!event) return 0;
  describe_socket(sk, number, event);
  const long* limits = READ(protocol, sysctl_mem);
  long limit = 0;
  bpf_probe_read_kernel(&limit, sizeof limit, limits + MEMORY_LIMIT);
  event->queue = (struct os_queue){.used = allocated, .limit = limit};
  end_event(event);
  return 0;
}
