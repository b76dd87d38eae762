/* SPDX-License-Identifier: GPL-2.0-only */
/* From an event to its record: a limit per type, a count for every way out. */
#ifndef CAPROCK_OS_EMIT_BPF_H
#define CAPROCK_OS_EMIT_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "abi/os_event.h"
#include "lib/compiler.bpf.h"
#include "lib/os_maps.bpf.h"

enum { NS_PER_SECOND = 1000000000 };

/* Bytes of a record whose union has only this part. */
#define OS_EVENT_BYTES(part) (offsetof(struct os_event, part) + sizeof(((struct os_event*)0)->part))
#define OS_EVENT_BARE_BYTES offsetof(struct os_event, exec)

/* Atomic, as a program may be interrupted by another one of the same CPU.
 *
 * Where an event of the type is to be counted, if it is wanted at all and under its limit; NULL if not. */
static __always_inline struct os_count* admit(enum os_event_type type, __u64 now_ns) {
  __u32 key = type;
  struct os_count* count = bpf_map_lookup_elem(&os_counts, &key);
  if (!count || count->limit == 0) return NULL;
  __u64 second = now_ns / NS_PER_SECOND;
  if (count->second != second) {
    count->second = second;
    count->in_second = 0;
  }
  if (count->in_second >= count->limit) {
    __sync_fetch_and_add(&count->suppressed, 1);
    return NULL;
  }
  return count;
}

/* Room for a record of `bytes` (a constant) with its time and type, where `count` has admitted it; NULL: no room, and
 * counted. */
static __always_inline struct os_event* begin_admitted(struct os_count* count, __u64 now_ns, enum os_event_type type,
                                                       __u64 bytes) {
  struct os_event* event = bpf_ringbuf_reserve(&os_events, bytes, 0);
  if (!event) {
    __sync_fetch_and_add(&count->lost, 1);
    return NULL;
  }
  count->in_second++;
  __sync_fetch_and_add(&count->recorded, 1);
  event->time_ns = now_ns;
  event->type = type;
  event->bytes = bytes;
  __builtin_memset(&event->flow, 0, sizeof event->flow);
  return event;
}

/* As that; NULL also where it is not wanted, or above its limit. */
static __always_inline struct os_event* begin_event_at(__u64 now_ns, enum os_event_type type, __u64 bytes) {
  struct os_count* count = admit(type, now_ns);
  return count ? begin_admitted(count, now_ns, type, bytes) : NULL;
}

static __always_inline struct os_event* begin_event(enum os_event_type type, __u64 bytes) {
  return begin_event_at(bpf_ktime_get_ns(), type, bytes);
}

/* The agent looks by itself many times a second: waking it for each record would be dearer than the record. */
static __always_inline void end_event(struct os_event* event) { bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP); }

#endif
