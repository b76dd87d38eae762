/* SPDX-License-Identifier: GPL-2.0-only */
/* The way of a packet, the same for every hook: policy, parse, match, emit; every way out bumps one counter. */
#ifndef CAPROCK_CAPTURE_BPF_H
#define CAPROCK_CAPTURE_BPF_H

#include "lib/count.bpf.h"
#include "lib/emit.bpf.h"
#include "lib/flow.bpf.h"
#include "lib/frame.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/match.bpf.h"
#include "lib/once.bpf.h"
#include "lib/parse.bpf.h"
#include "lib/policy.bpf.h"

/* Parses what can be read directly, or a copy where headers are in pages; where that is not enough, a longer copy. */
static __always_inline enum parse_result parse_frame(struct frame* frame, enum interface_link link,
                                                     struct packet* packet) {
  enum parse_result result = PARSED_CUT;
  frame_copy_headers(frame, FRAME_FEW_BYTES, FRAME_SOME_BYTES, packet->headers);
#pragma clang loop unroll(disable)
  for (int attempt = 0; attempt < 2; attempt++) {
    result = parse_packet(frame->data, frame->end, frame_bytes(frame), link, frame->vlan_tags, &packet->flow);
    if (LIKELY(result != PARSED_CUT)) break;
    if (!frame_copy_headers(frame, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES, packet->headers)) break;
  }
  return result;
}

/* A packet that is to be recorded, and what that takes. */
struct choice {
  __u32 cpu;
  const struct capture_settings* config;
  struct interface_policy policy;
  struct capture_counters* count;
  struct packet* packet;
};

/* Whether the packet is wanted; every no bumps a counter. */
static __always_inline bool choose(struct frame* frame, struct choice* choice) {
  __u32 cpu = bpf_get_smp_processor_id();
  __u32 zero = 0;
  const struct capture_settings* config = bpf_map_lookup_elem(&settings, &zero);
  struct interface_policy policy;
  if (!config || !find_policy(frame->ifindex, &policy)) return false; /* not an interface of the record */
  struct packet* packet = bpf_map_lookup_elem(&packets, &cpu);
  if (UNLIKELY(!packet)) {
    count_late(&policy, frame->direction);
    return false;
  }
  struct capture_counters* count = counters_of(cpu, policy.id, frame->direction);
  if (!count) return false; /* an id that no interface has */
  count->seen++;
  begin_anew(frame, &policy, packet);
  if (policy.mode == INTERFACE_OFF) {
    count->filtered++;
    return false;
  }
  enum parse_result parsed = parse_frame(frame, policy.link, packet);
  if (UNLIKELY(parsed != PARSED)) {
    if (parsed == PARSED_NOT_L4)
      count->not_l4++;
    else
      count->malformed++;
    return false;
  }
  if (!flow_matches(config, &policy, &packet->flow, cpu) || recorded_elsewhere(frame, &policy, packet)) {
    count->filtered++;
    return false;
  }
  count->accepted++;
  *choice = (struct choice){cpu, config, policy, count, packet};
  return true;
}

/* Fills in what the block says of the packet, all but how much of it there is. */
static __always_inline void describe(const struct frame* frame, const struct choice* choice) {
  struct packet* packet = choice->packet;
  __u64 added = added_bytes(frame, choice->policy.link);
  packet->header_bytes = packet->flow.header_bytes + added;
  packet->block.interface_id = choice->policy.id;
  packet->block.link = choice->policy.link;
  packet->block.ipv4 = packet->flow.ipv4;
  packet->block.time_ns = bpf_ktime_get_ns() + choice->config->wall_offset_ns;
  packet->block.original_bytes = frame_bytes(frame) + added;
}

/* Looks at the packet and records it when it is wanted. Never changes it. */
static __always_inline void capture(struct frame* frame) {
  struct choice choice;
  if (!choose(frame, &choice)) return;
  describe(frame, &choice);
  emit(frame, choice.packet, choice.config, choice.count, choice.cpu);
}

#endif
