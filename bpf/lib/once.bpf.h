/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet that the host forwards meets the programs twice, where it comes in and where it goes out, and is recorded
 * once, on links of ROLE_ONCE:
 *
 * - Where it comes in, the program notes its sk_buff, which it keeps until it is sent, and its flow. The one that meets
 *   the same sk_buff on its way out leaves it alone. Without NAT that is all: each packet is recorded where it enters
 *   the host, so that also what the host drops is seen.
 * - When its flow has changed meanwhile, NAT was at work. Then its answers, which come in here and belong to the flow
 *   as it is here, are left for the link that the packet came from, where they go out as answers to what was asked
 *   there: a conversation is in the record with one pair of addresses, that of the side which began it. For this the
 *   flow is put into `translated`.
 *
 * What is sent at the other end of a netkit comes in nowhere, as the kernel has it, when a program there sends it past
 * the host's end: then the packet keeps its socket as well, which no packet of the host has.
 *
 * What comes in for a pod may be sent past the pod's link, to its other end (bpf_redirect_peer): from tc's ingress on,
 * so that the CPU has sent nothing since it took the packet in. There it is recorded if it was not where it came in,
 * for a program may have found the pod by an address that is none of the pod's: see bpf/programs/capture_pod.bpf.c.
 *
 * A note holds as long as the sk_buff does not come in anew, which makes another one of it. Of a packet that came up
 * through a bridge the port is not known any more, and with it whether there is a program: it has to be the last one
 * that the CPU took in. Where the kernel forwards another sk_buff than it took in (fragments put together and taken
 * apart, a frame that a bridge floods), or another CPU goes on with what came up through a bridge, the packet is
 * recorded twice, never lost. */
#ifndef CAPROCK_ONCE_BPF_H
#define CAPROCK_ONCE_BPF_H

#include "lib/compiler.bpf.h"
#include "lib/frame.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/packet.bpf.h"
#include "lib/policy.bpf.h"

enum {
  ARRIVALS_SHIFT = 13, /* log2 of how many sk_buffs are remembered */
};

#define NOT_AT_NETKIT (~0U)

/* Of a packet that is in the record, where it came in. */
struct arrival {
  __u64 skb;     /* the kernel's address of it; 0: none */
  __u32 ifindex; /* of the link */
  __u32 socket;  /* end of the cookie of the packet's, 0: none; or NOT_AT_NETKIT */
  struct flow flow;
};

/* Hash of the address of a sk_buff → the last one of that hash that came in on a link of ROLE_ONCE. Two CPUs may write
 * one element at a time: then the flow is that of another packet, which makes a translation of none, and the packet's
 * answers are recorded on the other of its two links. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << ARRIVALS_SHIFT);
  __type(key, __u32);
  __type(value, struct arrival);
} arrivals SEC(".maps") __weak;

/* The address of the packet's sk_buff becomes a number by a detour through the memory of a map. */
static __always_inline void take_at_hand(void* context, struct packet* packet) { packet->at_hand = (__u64)context; }

/* The place of the packet's sk_buff. */
static __always_inline struct arrival* arrival_of(const struct frame* frame, struct packet* packet) {
  take_at_hand(frame->context, packet);
  __u32 index = READ_ONCE(packet->at_hand) * 0x9e3779b97f4a7c15ULL >> (64 - ARRIVALS_SHIFT);
  return bpf_map_lookup_elem(&arrivals, &index);
}

/* The device, as the kernel has it; 0: none, of what the host sends, and of what was sent into a netkit. */
static __always_inline __u32 came_in_by(const struct frame* frame) {
  return ((const struct __sk_buff*)frame->context)->ingress_ifindex;
}

/* Of each packet, before it is known whether it is wanted: what was known of another one in the same sk_buff is over.
 */
static __always_inline void begin_anew(const struct frame* frame, const struct interface_policy* policy,
                                       struct packet* packet) {
  if (!recorded_once || !(policy->roles & ROLE_ONCE)) return;
  packet->came_in = 0;
  if (frame->direction == CAPROCK_EGRESS) return;
  packet->arrived = 0;
  if (frame->xdp) return; /* it is no sk_buff yet */
  struct arrival* arrival = arrival_of(frame, packet);
  if (arrival && arrival->skb == packet->at_hand) arrival->skb = 0;
  packet->came_in = packet->at_hand;
}

/* At the pod's end of a link: whether the packet was sent there past the link, and is not in the record. */
static __always_inline bool went_past_link(void* context, struct packet* packet) {
  take_at_hand(context, packet);
  if (packet->came_in != packet->at_hand) return false;
  packet->came_in = 0;
  return packet->arrived != packet->at_hand;
}

static __always_inline void note_arrival(const struct frame* frame, struct packet* packet) {
  if (frame->xdp) return;
  struct arrival* arrival = arrival_of(frame, packet);
  if (!arrival) return;
  arrival->ifindex = frame->ifindex;
  arrival->socket = came_in_by(frame) ? NOT_AT_NETKIT : (__u32)bpf_get_socket_cookie(frame->context);
  arrival->flow = packet->flow;
  arrival->skb = packet->at_hand;
  packet->arrived = packet->at_hand;
}

/* Whether all packets that come in by a device are met there, and recorded if they are wanted. */
static __always_inline bool takes_part(__u32 ifindex) {
  struct interface_policy policy;
  return find_policy(ifindex, &policy) && policy.roles & ROLE_ONCE;
}

/* Whether whatever goes out by a device is recorded there: of one flow that NAT makes two, a filter may take one. */
static __always_inline bool records_all(__u32 ifindex) {
  struct interface_policy policy;
  return find_policy(ifindex, &policy) && policy.mode == INTERFACE_ALL;
}

static __always_inline bool same_source(const struct flow* a, const struct flow* b) {
  return a->source.halves[0] == b->source.halves[0] && a->source.halves[1] == b->source.halves[1] &&
         a->source_port == b->source_port;
}

static __always_inline bool same_destination(const struct flow* a, const struct flow* b) {
  return a->destination.halves[0] == b->destination.halves[0] && a->destination.halves[1] == b->destination.halves[1] &&
         a->destination_port == b->destination_port;
}

static __always_inline bool same_flow(const struct flow* a, const struct flow* b) {
  return same_source(a, b) && same_destination(a, b);
}

/* In map memory, as there is little stack left. */
static __always_inline const struct link_flow* link_flow_of(const struct frame* frame, struct packet* packet) {
  const struct flow* flow = &packet->flow;
  bool ingress = frame->direction == CAPROCK_INGRESS;
  struct link_flow* key = &packet->key;
  key->ifindex = frame->ifindex;
  key->near_port = ingress ? flow->source_port : flow->destination_port;
  key->far_port = ingress ? flow->destination_port : flow->source_port;
  __builtin_memcpy(key->near, ingress ? &flow->source : &flow->destination, sizeof key->near);
  __builtin_memcpy(key->far, ingress ? &flow->destination : &flow->source, sizeof key->far);
  key->protocol = flow->protocol;
  return key;
}

/* Of a packet that comes in: whether it will be recorded where it goes out. */
static __always_inline bool is_answer_to_translated(const struct frame* frame, struct packet* packet) {
  if (!packet->flow.ports) return false;
  const __u32* ifindex = bpf_map_lookup_elem(&translated, link_flow_of(frame, packet));
  return ifindex && records_all(*ifindex);
}

/* Of a packet that is recorded where it came in. */
static __always_inline void follow_translation(const struct frame* frame, struct packet* packet,
                                               const struct arrival* arrival) {
  if (!packet->flow.ports || !arrival->flow.ports || same_flow(&arrival->flow, &packet->flow)) return;
  const struct link_flow* key = link_flow_of(frame, packet);
  const __u32* known = bpf_map_lookup_elem(&translated, key);
  if (!known || *known != arrival->ifindex) bpf_map_update_elem(&translated, key, &arrival->ifindex, BPF_ANY);
}

/* The flow is not in the record where it comes from. */
static __always_inline void forget_translation(const struct frame* frame, struct packet* packet) {
  if (!packet->flow.ports) return;
  const struct link_flow* key = link_flow_of(frame, packet);
  if (bpf_map_lookup_elem(&translated, key)) bpf_map_delete_elem(&translated, key);
}

/* Of a packet that came in nowhere, but is in the sk_buff of one that is noted: whether it is that one. A program may
 * have given it another end; a tunnel, which may leave it its socket and sk_buff, changes both. */
static __always_inline bool went_past_host(const struct frame* frame, const struct packet* packet,
                                           const struct arrival* arrival) {
  const struct flow* before = &arrival->flow;
  const struct flow* now = &packet->flow;
  if (!takes_part(arrival->ifindex) || before->protocol != now->protocol) return false;
  __u32 socket = bpf_get_socket_cookie(frame->context);
  if (arrival->socket != socket) return false;
  return socket ? same_source(before, now) || same_destination(before, now) : same_flow(before, now);
}

/* Whether the note that an sk_buff has is of the packet in it. */
static __always_inline bool is_noted(const struct frame* frame, const struct packet* packet,
                                     const struct arrival* arrival) {
  __u32 from = came_in_by(frame);
  if (arrival->skb != packet->at_hand) return false;
  if (!from) return went_past_host(frame, packet, arrival);
  return takes_part(from) && (arrival->ifindex == from || packet->arrived == packet->at_hand);
}

/* Of a packet that goes out: whether it was recorded where it came in. */
static __always_inline bool was_recorded(const struct frame* frame, struct packet* packet) {
  const struct arrival* arrival = arrival_of(frame, packet);
  if (arrival && is_noted(frame, packet, arrival)) {
    follow_translation(frame, packet, arrival);
    return true;
  }
  forget_translation(frame, packet);
  return false;
}

/* Whether another link has the packet in the record, or will have. */
static __always_inline bool recorded_elsewhere(const struct frame* frame, const struct interface_policy* policy,
                                               struct packet* packet) {
  if (!recorded_once || !(policy->roles & ROLE_ONCE)) return false;
  if (frame->direction == CAPROCK_EGRESS) return was_recorded(frame, packet);
  if (is_answer_to_translated(frame, packet)) return true;
  note_arrival(frame, packet);
  return false;
}

#endif
