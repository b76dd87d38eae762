/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The pcapng Enhanced Packet Block as the BPF programs lay it out, in the byte order of the machine.
 * Source: draft-ietf-opsawg-pcapng, sections 4.3 and 4.3.1.
 *
 *   struct epb_head | packet, padded to 4 with zeros | epb_flags [epb_dropcount] [opt_endofopt] | total length
 *
 * A block is a multiple of 8 bytes long: opt_endofopt, which a writer may leave out, is there only where it takes
 * those 4 bytes to get there.
 */
#ifndef CAPROCK_ABI_BLOCK_H
#define CAPROCK_ABI_BLOCK_H

#include <linux/types.h>

#include "static_assert.h"

enum {
  PCAPNG_EPB = 6,
  PCAPNG_OPT_END = 0,
  PCAPNG_EPB_FLAGS = 2,
  PCAPNG_EPB_DROPCOUNT = 4,
};

/* epb_flags */
enum {
  EPB_INBOUND = 1 << 0,
  EPB_OUTBOUND = 2 << 0,
  EPB_SEGMENTATION_OFFLOAD = 1 << 11, /* a GSO or GRO packet: longer than the wire's packets */
};

struct epb_head {
  __u32 type; /* PCAPNG_EPB */
  __u32 total_bytes;
  __u32 interface_id;
  __u32 time_high; /* ns since the epoch (if_tsresol 9) */
  __u32 time_low;
  __u32 captured_bytes;
  __u32 original_bytes;
};

struct epb_flags_option {
  __u16 code;  /* PCAPNG_EPB_FLAGS */
  __u16 bytes; /* 4 */
  __u32 flags;
};

struct epb_dropcount_option {
  __u16 code;  /* PCAPNG_EPB_DROPCOUNT */
  __u16 bytes; /* 8 */
  __u64 packets;
} __attribute__((packed, aligned(4)));

enum {
  EPB_HEAD_BYTES = 28,
  EPB_FLAGS_BYTES = 8,      /* option header and value */
  EPB_DROPCOUNT_BYTES = 12, /* option header and value */
  /* All but the packet: head, both options, end of options, trailing length, and 3 bytes of padding, rounded up. */
  EPB_MAX_OVERHEAD = 64,
};

ABI_STATIC_ASSERT(sizeof(struct epb_head) == EPB_HEAD_BYTES, "epb_head is the wire format");

#endif
