/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What happened to every packet, per CPU, interface and direction.
 *
 * Map `counters` is an mmapable array; its index is
 *   (CPU slot * CAPROCK_MAX_INTERFACES + interface id) * CAPROCK_DIRECTIONS + direction.
 * The slot behind the last is that of all CPUs that came online after the maps were made: what they handle is lost.
 * Only the programs of that CPU write an element, but for that slot, whose elements are changed atomically. They never
 * go back, and at rest seen = not_l4 + filtered + accepted + malformed   and   accepted = written + lost + unreadable +
 * redirected.
 */
#ifndef CAPROCK_ABI_COUNTERS_H
#define CAPROCK_ABI_COUNTERS_H

#include <linux/types.h>

#include "static_assert.h"

struct capture_counters {
  /* A cache line of what an ordinary packet has to do with. */
  __u64 seen;           /* packets that met the program */
  __u64 filtered;       /* TCP or UDP, left out by a filter map, or recorded on another interface */
  __u64 accepted;       /* chosen for the record */
  __u64 written;        /* in the stage as a block, whole or truncated */
  __u64 original_bytes; /* of the written packets, before any cut */
  __u64 captured_bytes; /* of the written packets, in the file */
  __u64 lost;           /* accepted, but the stage was full */
  __u64 lost_reported;  /* of the lost ones, those that an epb_dropcount has told */

  __u64 truncated;  /* of the written ones, shortened because the stage was filling (not by the snaplen) */
  __u64 not_l4;     /* neither TCP nor UDP nor an ICMP error about one */
  __u64 malformed;  /* headers cut off or contradicting each other */
  __u64 unreadable; /* accepted, but the kernel would not hand out the bytes */
  /* Of a mirror port (abi/mirror.h), whose agent goes on counting. */
  __u64 redirected;  /* accepted, and on their way to a socket */
  __u64 lost_handed; /* of the lost ones, those that the head of a redirected packet tells */
  __u64 reserved[2];
};

ABI_STATIC_ASSERT(sizeof(struct capture_counters) == 128, "two cache lines");

#endif
