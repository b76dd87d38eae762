/* SPDX-License-Identifier: GPL-2.0-only */
/* The stage as the way to the lane: abi/stage.h is the protocol. */
#ifndef CAPROCK_EMIT_STAGE_BPF_H
#define CAPROCK_EMIT_STAGE_BPF_H

#include "lib/block.bpf.h"
#include "lib/compiler.bpf.h"
#include "lib/emit_result.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/settings.bpf.h"
#include "lib/wake.bpf.h"

/* Positions at the time of a packet: the head is ours, the tail may have moved on since. */
struct stage_state {
  __u32 cpu;
  __u64 head;
  __u64 tail;
};

/* The tail for a head at `position`. Where it was last will do as long as even from there the lane need not be called:
 * that spares most packets a cache line. */
static __always_inline __u64 stage_find_tail(struct stage_head* head, __u32 cpu, __u64 position) {
  if (LIKELY(!wake_mark_reached(position - head->tail))) return head->tail;
  const struct stage_tail* tail = bpf_map_lookup_elem(&stage_tail, &cpu);
  if (tail) head->tail = READ_ONCE(tail->position);
  return head->tail;
}

static __always_inline __u8* stage_segment(__u32 cpu, __u64 number) {
  __u32 index = cpu * stage_segments + (number & (stage_segments - 1));
  return bpf_map_lookup_elem(&stage, &index);
}

/* Bytes that cannot be written: the tail's segment counts whole until the tail has left it. */
static __always_inline __u64 stage_used(const struct stage_state* state) {
  return state->head - (state->tail >> stage_shift << stage_shift);
}

/* Leaves the mark of where segment `number` ends; false when there is no free segment behind it. */
static __always_inline bool close_segment(const struct stage_state* state, __u64 number, __u64 end) {
  if (number + 1 - (state->tail >> stage_shift) >= stage_segments) return false;
  __u8* segment = stage_segment(state->cpu, number);
  if (!segment) return false;
  *(__u64*)(segment + (1ULL << stage_shift) - STAGE_END_BYTES) = end;
  return true;
}

/* Writes a block of a packet of at most `most` bytes (a constant); on EMITTED *head is the position behind it. */
static __always_inline enum emit_result stage_put(const struct frame* frame, const struct block* block,
                                                  const struct stage_state* state, __u64 most, __u64* head) {
  __u64 segment_bytes = 1ULL << stage_shift;
  __u64 number = state->head >> stage_shift;
  __u64 offset = state->head & (segment_bytes - 1);
  PIN_REGISTER(offset);
  if (UNLIKELY(offset > segment_bytes - STAGE_END_BYTES - EPB_MAX_OVERHEAD - most)) {
    if (!close_segment(state, number, offset)) return EMIT_FULL;
    number++;
    offset = 0;
  }
  __u8* segment = stage_segment(state->cpu, number);
  if (!segment) return EMIT_FULL;
  __u64 bytes = block_write(frame, block, segment + offset, most);
  if (!bytes) return EMIT_UNREADABLE;
  *head = (number << stage_shift) + offset + bytes;
  return EMITTED;
}

static __always_inline void stage_publish(struct stage_head* head, const struct stage_state* state, __u64 position) {
  store_release(&head->position, position);
  wake_lane(head, state->cpu, position - stage_find_tail(head, state->cpu, position));
}

#endif
