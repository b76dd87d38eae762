/* SPDX-License-Identifier: GPL-2.0-only */
/* The signal to the lane that a CPU's queue is worth a visit before its timer runs out. */
#ifndef CAPROCK_WAKE_BPF_H
#define CAPROCK_WAKE_BPF_H

#include "lib/compiler.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/settings.bpf.h"

static __always_inline void send_signal(struct stage_head* head, __u32 cpu) {
  void* ring = bpf_map_lookup_elem(&wake, &cpu);
  if (!ring) return;
  __u64 wakeups = ++head->wakeups;
  bpf_ringbuf_output(ring, &wakeups, sizeof wakeups, BPF_RB_FORCE_WAKEUP);
}

static __always_inline bool wake_mark_reached(__u64 unread_bytes) {
  return unread_bytes >= queue_bytes / 8 * STAGE_WAKE_EIGHTHS;
}

/* Signals once when the unread bytes reach the mark, and again only after they have been below it. */
static __always_inline void wake_lane(struct stage_head* head, __u32 cpu, __u64 unread_bytes) {
  __u64 above = wake_mark_reached(unread_bytes);
  if (LIKELY(head->signalled == above)) return;
  head->signalled = above;
  if (above) send_signal(head, cpu);
}

#endif
