/* SPDX-License-Identifier: GPL-2.0-only */
/* A place in the packet's bytes that only moves forward. */
#ifndef CAPROCK_CURSOR_BPF_H
#define CAPROCK_CURSOR_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "lib/compiler.bpf.h"

enum {
  CURSOR_MAX_OFFSET = 2047, /* headers that begin beyond are not looked for */
  CURSOR_MAX_TAKE = 64,     /* bytes that are taken at once, at the most */
};

/* `left` is what the headers so far promise: take() gives nothing beyond it, nor beyond `end`, where the bytes that can
 * be read directly stop. Once it has given nothing, the cursor is of no further use.
 *
 * It is an offset and no pointer, so that all ways to one place look the same to the verifier, which walks on from
 * there only once. */
struct cursor {
  __u8* data;
  __u8* end;
  __u64 offset;
  __u64 left; /* bytes from `offset` to the end of the innermost header's payload */
};

/* The next `bytes` (a constant) of the packet, or NULL; moves behind them. */
static __always_inline void* cursor_take(struct cursor* cursor, __u64 bytes) {
  __u64 offset = cursor->offset;
  PIN_REGISTER(offset);
  if (bytes > cursor->left || offset > CURSOR_MAX_OFFSET) return NULL;
  __u8* at = cursor->data + offset;
  if (at + bytes > cursor->end) return NULL;
  cursor->left -= bytes;
  cursor->offset = offset + bytes;
  return at;
}

/* Moves over `bytes`; false when there are not so many left. Whether they can be read is for the next take() to say. */
static __always_inline bool cursor_skip(struct cursor* cursor, __u64 bytes) {
  if (bytes > cursor->left) return false;
  cursor->left -= bytes;
  cursor->offset += bytes;
  return true;
}

/* Cuts off what lies behind the next `bytes`: padding, trailers. False when there are fewer. */
static __always_inline bool cursor_limit(struct cursor* cursor, __u64 bytes) {
  if (bytes > cursor->left) return false;
  cursor->left = bytes;
  return true;
}

#endif
