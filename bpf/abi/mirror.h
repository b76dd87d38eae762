/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The way of a mirror port's packets to the agent by AF_XDP.
 *
 * Map `mirror_sockets` is an XSKMAP; its index is port * CAPROCK_PORT_QUEUES + receive queue, the port being that of
 * the interface's policy. While the agent has no socket there, and for packets that a socket does not take, the way is
 * the stage.
 *
 * A packet for a socket has its block's head right in front, as XDP metadata: the agent completes the block in place,
 *
 *   XDP_PACKET_HEADROOM, of it struct mirror_head last | packet | MIRROR_TAIL_BYTES
 *
 * in a frame of MIRROR_FRAME_BYTES of its memory.
 *
 * Map `mirror_counts` is an mmapable array: interface id → what became of the redirected packets, in the terms of
 * abi/counters.h, of which the agent adds to written, original_bytes, captured_bytes, lost and lost_reported. At rest,
 * over all CPUs, redirected = written + lost there.
 */
#ifndef CAPROCK_ABI_MIRROR_H
#define CAPROCK_ABI_MIRROR_H

#include <linux/types.h>

#include "block.h"
#include "static_assert.h"

struct mirror_head {
  __u32 dropped;         /* packets lost before this one and not yet told */
  struct epb_head block; /* all but total_bytes */
};

enum {
  CAPROCK_MIRROR_PORTS = 64,
  CAPROCK_PORT_QUEUES = 64, /* that may have a socket */
  MIRROR_FRAME_BYTES = 2048,
  MIRROR_HEADROOM_BYTES = 256, /* XDP_PACKET_HEADROOM */
  MIRROR_TAIL_BYTES = EPB_MAX_OVERHEAD - EPB_HEAD_BYTES,
  MIRROR_PACKET_BYTES = MIRROR_FRAME_BYTES - MIRROR_HEADROOM_BYTES - MIRROR_TAIL_BYTES, /* longer ones: the stage */
};

ABI_STATIC_ASSERT(sizeof(struct mirror_head) == 32, "the most metadata that kernels before 6.5 take");

#endif
