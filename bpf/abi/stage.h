/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The stage: per CPU a ring of segments in map memory, filled by the programs of that CPU and emptied by one lane.
 *
 * Map `stage` is an mmapable array. Its value is one segment of 1 << stage_shift bytes; CPU slot c owns the elements
 * c * stage_segments … (c + 1) * stage_segments - 1; stage_segments is a power of two.
 *
 * A position is a 64-bit count that never goes back: (segment number << stage_shift) | offset. Segment number n lives
 * in the CPU's element n & (stage_segments - 1). Blocks follow one another without gaps from offset 0; a block starts
 * only where the largest one of its size class would fit, so that none crosses a segment. When the programs move on to
 * the next segment they leave the offset behind its last block in the last 8 bytes of the segment (stage_end_offset)
 * before they publish a position in the next one. A segment may be written again once the tail has left it.
 *
 * Two mmapable arrays hold the positions, one element per CPU slot: `stage_head` is written by programs only (the
 * agent maps it read-only), `stage_tail` by the agent only. (Not BPF_F_RDONLY_PROG: the kernel refuses a writable
 * mapping of such a map.)
 */
#ifndef CAPROCK_ABI_STAGE_H
#define CAPROCK_ABI_STAGE_H

#include <linux/types.h>

#include "static_assert.h"

struct stage_head {
  __u64 position;     /* behind the last whole block; published last, with release order */
  __u64 wakeups;      /* signals sent to the lane */
  __u64 signalled;    /* 1 from the signal until the fill is below the mark again */
  __u64 tail;         /* as the programs last looked it up */
  __u64 reserved[12]; /* a cache line pair of its own */
};

struct stage_tail {
  __u64 position; /* behind the last block that is in the file */
  __u64 reserved[15];
};

enum {
  STAGE_MIN_SHIFT = 19, /* 512 KiB: a block of CAPROCK_MAX_SNAPLEN and the end offset fit twice over */
  STAGE_MAX_SHIFT = 22, /* 4 MiB: the value limit of kernel 5.10 */
  STAGE_MIN_SEGMENTS = 4,
  STAGE_END_BYTES = 8, /* stage_end_offset, a __u64, at the very end of a segment */
  /* Fill of a CPU's stage, in eighths, at which the lane is called, and at which less of a packet is copied (overload
   * policy truncate). */
  STAGE_WAKE_EIGHTHS = 1,
  STAGE_SHORT_EIGHTHS = 4,   /* from here at most STAGE_SHORT_BYTES */
  STAGE_BRIEF_EIGHTHS = 6,   /* from here at most STAGE_BRIEF_BYTES */
  STAGE_HEADERS_EIGHTHS = 7, /* from here the headers to the end of L4 */
  STAGE_SHORT_BYTES = 1600,
  STAGE_BRIEF_BYTES = 256,
};

ABI_STATIC_ASSERT(sizeof(struct stage_head) == 128, "two cache lines");
ABI_STATIC_ASSERT(sizeof(struct stage_tail) == 128, "two cache lines");

#endif
