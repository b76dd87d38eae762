/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up bytes before packets: how much of a packet is copied as its CPU's queue fills. */
#ifndef CAPROCK_OVERLOAD_BPF_H
#define CAPROCK_OVERLOAD_BPF_H

#include "abi/filter.h"
#include "abi/limits.h"
#include "abi/stage.h"
#include "lib/settings.bpf.h"

/* Bytes of a packet at the most while `used` bytes of the queue are taken; `header_bytes`: those to the end of L4. */
static __always_inline __u64 overload_limit(const struct capture_settings* config, __u64 used, __u64 header_bytes) {
  __u64 eighth = queue_bytes / 8;
  if (used < eighth * STAGE_SHORT_EIGHTHS || config->flags & SETTINGS_DROP_ON_OVERLOAD) return CAPROCK_MAX_SNAPLEN;
  if (used < eighth * STAGE_BRIEF_EIGHTHS) return STAGE_SHORT_BYTES;
  if (used < eighth * STAGE_HEADERS_EIGHTHS) return STAGE_BRIEF_BYTES;
  return header_bytes;
}

#endif
