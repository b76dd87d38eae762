/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF ring buffer as the way to the lane: a record starts with one block, whose length tells where it ends. */
#ifndef CAPROCK_EMIT_RINGBUF_BPF_H
#define CAPROCK_EMIT_RINGBUF_BPF_H

#include "lib/block.bpf.h"
#include "lib/emit_result.bpf.h"

/* Writes a block of a packet of at most `most` bytes: a constant, as old kernels reserve constant sizes only. */
static __always_inline enum emit_result ringbuf_put_class(const struct frame* frame, const struct block* block,
                                                          void* ring, __u64 most) {
  __u8* record = bpf_ringbuf_reserve(ring, most + EPB_MAX_OVERHEAD, 0);
  if (!record) return EMIT_FULL;
  if (!block_write(frame, block, record, most)) {
    bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
    return EMIT_UNREADABLE;
  }
  bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
  return EMITTED;
}

static __always_inline enum emit_result ringbuf_put(const struct frame* frame, const struct block* block, void* ring) {
  __u64 bytes = block->captured_bytes;
  if (bytes <= 192) return ringbuf_put_class(frame, block, ring, 192);
  if (bytes <= 1600) return ringbuf_put_class(frame, block, ring, 1600);
  if (bytes <= 4096) return ringbuf_put_class(frame, block, ring, 4096);
  if (bytes <= 16384) return ringbuf_put_class(frame, block, ring, 16384);
  if (bytes <= ORDINARY_PACKET_BYTES) return ringbuf_put_class(frame, block, ring, ORDINARY_PACKET_BYTES);
  return ringbuf_put_class(frame, block, ring, CAPROCK_MAX_SNAPLEN);
}

#endif
