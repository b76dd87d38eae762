/* SPDX-License-Identifier: GPL-2.0-only */
/* Hands an accepted packet to the lane, over the transport that the loader chose. */
#ifndef CAPROCK_EMIT_BPF_H
#define CAPROCK_EMIT_BPF_H

#include "lib/count.bpf.h"
#include "lib/emit_result.bpf.h"
#include "lib/emit_ringbuf.bpf.h"
#include "lib/emit_stage.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/overload.bpf.h"
#include "lib/packet.bpf.h"

/* Decides how much of the packet the record gets while `used` bytes of the queue are taken. */
static __always_inline void cut(struct packet* packet, const struct capture_settings* config, __u64 used) {
  __u64 wanted = config->snaplen;
  if (wanted < CAPROCK_MIN_SNAPLEN) wanted = CAPROCK_MIN_SNAPLEN;
  if (wanted > CAPROCK_MAX_SNAPLEN) wanted = CAPROCK_MAX_SNAPLEN;
  if (wanted > packet->block.original_bytes) wanted = packet->block.original_bytes;
  __u64 limit = overload_limit(config, used, packet->header_bytes);
  packet->truncated = limit < wanted;
  packet->block.captured_bytes = packet->truncated ? limit : wanted;
}

static __always_inline enum emit_result emit_stage(const struct frame* frame, struct packet* packet,
                                                   const struct capture_settings* config, struct stage_head* head,
                                                   __u32 cpu) {
  struct stage_state state = {.cpu = cpu, .head = head->position};
  state.tail = stage_find_tail(head, cpu, state.head);
  cut(packet, config, stage_used(&state));
  __u64 position = 0;
  enum emit_result result = packet->block.captured_bytes <= ORDINARY_PACKET_BYTES
                                ? stage_put(frame, &packet->block, &state, ORDINARY_PACKET_BYTES, &position)
                                : stage_put(frame, &packet->block, &state, CAPROCK_MAX_SNAPLEN, &position);
  if (result == EMITTED) stage_publish(head, &state, position);
  return result;
}

static __always_inline enum emit_result emit_ringbuf(const struct frame* frame, struct packet* packet,
                                                     const struct capture_settings* config, struct stage_head* head,
                                                     __u32 cpu) {
  void* ring = bpf_map_lookup_elem(&rings, &cpu);
  if (!ring) return EMIT_FULL;
  __u64 used = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
  cut(packet, config, used);
  enum emit_result result = ringbuf_put(frame, &packet->block, ring);
  if (result == EMITTED) wake_lane(head, cpu, used);
  return result;
}

/* Packets lost that no packet has told yet. What was handed over stays so when another hook goes on counting; it is in
 * a cache line that packets of an interface without a loss are spared. */
static __always_inline __u64 untold(const struct capture_counters* count) {
  __u64 lost = count->lost - count->lost_reported;
  return UNLIKELY(lost) ? lost - count->lost_handed : 0;
}

static __always_inline void emit(const struct frame* frame, struct packet* packet,
                                 const struct capture_settings* config, struct capture_counters* count, __u32 cpu) {
  struct stage_head* head = bpf_map_lookup_elem(&stage_head, &cpu);
  if (!head) return;
  packet->block.dropped = untold(count);
  enum emit_result result =
      ringbuf_transport ? emit_ringbuf(frame, packet, config, head, cpu) : emit_stage(frame, packet, config, head, cpu);
  if (LIKELY(result == EMITTED))
    count_written(count, packet);
  else if (result == EMIT_FULL)
    count->lost++;
  else
    count->unreadable++;
}

#endif
