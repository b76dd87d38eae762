/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What an agent leaves to the next one in pinned maps, beside stage, counters and filter maps. The programs do not
 * read it. */
#ifndef CAPROCK_ABI_GENERATION_H
#define CAPROCK_ABI_GENERATION_H

#include <linux/types.h>

#include "static_assert.h"

enum {
  /* Of all that stays in pinned maps (every header in bpf/abi). Another number with each change, for an agent to know
   * whether it understands what it finds. */
  CAPROCK_LAYOUT = 1,
  CAPROCK_RECORD_NAME_BYTES = 16,
  CAPROCK_RECORD_TEXT_BYTES = 240,
};

/* Map `generation`, an array of one. */
struct capture_generation {
  __u64 instance; /* of the sources of these maps, in the run heads of the file: ns since boot of their creation */
};

/* Map `ring_base`, an array of one: where in a ring the packets begin that the counters of these maps are about. */
struct ring_base {
  __u64 ring_id; /* 0: what of them is in a ring cannot be told */
  __u64 packets; /* that its lanes had ever taken, without those of these maps and of the ones set aside */
  __u32 lanes;   /* of which these are the sum, and all that there were since */
  __u32 reserved;
};

/* Map `if_record`, a hash: interface id (__u32) → what the file says of it, of every id that blocks in the stage may
 * carry. Both are cut off where they do not fit; a 0 ends them where they do. */
struct interface_record {
  char name[CAPROCK_RECORD_NAME_BYTES];
  char description[CAPROCK_RECORD_TEXT_BYTES];
};

ABI_STATIC_ASSERT(sizeof(struct ring_base) == 24, "no padding");
ABI_STATIC_ASSERT(sizeof(struct interface_record) == 256, "no padding");

#endif
