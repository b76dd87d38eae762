/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of this CPU for one interface and direction: nobody else writes them, so plain additions do. */
#ifndef CAPROCK_COUNT_BPF_H
#define CAPROCK_COUNT_BPF_H

#include "lib/compiler.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/packet.bpf.h"
#include "lib/policy.bpf.h"
#include "lib/settings.bpf.h"

static __always_inline struct capture_counters* counters_of(__u32 cpu, __u32 interface_id,
                                                            enum caprock_direction direction) {
  __u32 index = (cpu * CAPROCK_MAX_INTERFACES + interface_id) * CAPROCK_DIRECTIONS + direction;
  return bpf_map_lookup_elem(&counters, &index);
}

/* On a CPU that came online after the load, which has no memory of its own here: nothing of the packet can be looked
 * at, so all that is not left out with its interface is lost. */
static __always_inline void count_late(const struct interface_policy* policy, enum caprock_direction direction) {
  struct capture_counters* count = counters_of(cpu_slots, policy->id, direction);
  if (!count) return;
  __sync_fetch_and_add(&count->seen, 1);
  if (policy->mode == INTERFACE_OFF) {
    __sync_fetch_and_add(&count->filtered, 1);
    return;
  }
  __sync_fetch_and_add(&count->accepted, 1);
  __sync_fetch_and_add(&count->lost, 1);
}

static __always_inline void count_written(struct capture_counters* count, const struct packet* packet) {
  count->written++;
  count->original_bytes += packet->block.original_bytes;
  count->captured_bytes += packet->block.captured_bytes;
  count->lost_reported += packet->block.dropped;
  if (UNLIKELY(packet->truncated)) count->truncated++; /* in the other cache line */
}

#endif
