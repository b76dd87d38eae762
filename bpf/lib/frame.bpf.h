/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet as its hook hands it over: the one place where tc and XDP differ. */
#ifndef CAPROCK_FRAME_BPF_H
#define CAPROCK_FRAME_BPF_H

#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "abi/limits.h"
#include "lib/compiler.bpf.h"
#include "lib/settings.bpf.h"

struct frame {
  void* context; /* struct __sk_buff or struct xdp_md */
  __u8* data;    /* what can be read directly: the packet's linear part, or a copy of its first bytes */
  __u8* end;
  bool xdp;
  enum caprock_direction direction;
  __u32 ifindex;
  __u32 vlan_tags; /* that are not in the bytes: 0 or 1 */
  __be32 vlan_tag; /* the outermost tag when it is not in the bytes: protocol, then TCI; 0: none */
};

enum {
  FRAME_SHORT_BYTES = 128,  /* up to here a packet is copied without a helper */
  FRAME_FEW_BYTES = 54,     /* Ethernet, IPv4 and TCP: whoever lets us read fewer has the headers in pages */
  FRAME_SOME_BYTES = 128,   /* hold the headers of an ordinary packet */
  FRAME_HEADER_BYTES = 512, /* headers beyond are not looked for in the paged part of a packet */
  XDP_LOAD_MAX_BYTES = 65535,
  XDP_LOAD_PART_BYTES = 60000,
};

/* Length of the packet, without the tag that is not in its bytes. */
static __always_inline __u64 frame_bytes(const struct frame* frame) {
  if (!frame->xdp) return ((struct __sk_buff*)frame->context)->len;
  return has_xdp_load_bytes ? bpf_xdp_get_buff_len(frame->context) : frame->end - frame->data;
}

/* A GSO or GRO packet: as late as can be, since the kernel keeps that in a cache line of its own. */
static __always_inline bool frame_segmented(const struct frame* frame) {
  return !frame->xdp && ((struct __sk_buff*)frame->context)->gso_size > 0;
}

/* The kernel copies up to 65535 bytes at once. Two parts, neither of them small: a bound of 1 old verifiers lose. */
static __always_inline bool xdp_read(void* context, __u8* to, __u64 bytes) {
  if (bytes <= XDP_LOAD_MAX_BYTES) return bpf_xdp_load_bytes(context, 0, to, bytes) == 0;
  __u64 rest = bytes - XDP_LOAD_PART_BYTES;
  if (!IN_RANGE(rest, XDP_LOAD_MAX_BYTES + 1 - XDP_LOAD_PART_BYTES, XDP_LOAD_MAX_BYTES)) return false;
  return bpf_xdp_load_bytes(context, 0, to, XDP_LOAD_PART_BYTES) == 0 &&
         bpf_xdp_load_bytes(context, XDP_LOAD_PART_BYTES, to + XDP_LOAD_PART_BYTES, rest) == 0;
}

/* Copies the first `bytes` of a packet, which has so many; false when the kernel does not hand them out. */
static __always_inline bool frame_load(const struct frame* frame, __u8* to, __u64 bytes) {
  if (!frame->xdp) return bpf_skb_load_bytes(frame->context, 0, to, bytes) == 0;
  if (has_xdp_load_bytes) return xdp_read(frame->context, to, bytes);
  return bpf_probe_read_kernel(to, bytes, frame->data) == 0;
}

static __always_inline bool copy_word(__u8* to, const __u8* from, const __u8* end) {
  PIN_REGISTER(from);
  if (from + sizeof(__u64) > end) return false;
  *(__u64*)to = *(const __u64*)from;
  return true;
}

/* Copies `bytes` word by word, first the last one, which the one before may overlap; false when not all can be read
 * directly. Counts down to a constant, as old verifiers do not see the end of a loop that counts up to `bytes`. */
static __always_inline bool frame_copy(const struct frame* frame, __u8* to, __u64 bytes) {
  if (!IN_RANGE(bytes, 2 * sizeof(__u64), FRAME_SHORT_BYTES)) return false;
  __s64 left = bytes - sizeof(__u64);
  if (!copy_word(to + left, frame->data + left, frame->end)) return false;
#pragma clang loop unroll(disable)
  for (__u64 at = 0; left > 0; at += sizeof(__u64)) {
    if (!copy_word(to + at, frame->data + at, frame->end)) return false;
    left -= sizeof(__u64);
    PIN_REGISTER(left);
  }
  return true;
}

/* As frame_load(); spares short packets the helper, whose call and return cost more than the copy. Not where it goes to
 * a ring buffer: the loop in each of its size classes would make old verifiers take seconds. */
static __always_inline bool frame_read(const struct frame* frame, __u8* to, __u64 bytes) {
  if (!ringbuf_transport && bytes <= FRAME_SHORT_BYTES && frame_copy(frame, to, bytes)) return true;
  return frame_load(frame, to, bytes);
}

/* Goes on with a copy of the first bytes, at most `most` (a constant), where fewer than `enough` can be read; false
 * when nothing is gained. To make more readable with bpf_skb_pull_data() would be several times as dear: as a rule
 * that reallocates the packet's linear part. */
static __always_inline bool frame_copy_headers(struct frame* frame, __u64 enough, __u64 most, __u8* copy) {
  if (frame->xdp) return false;
  __u64 readable = frame->end - frame->data;
  __u64 bytes = frame_bytes(frame);
  if (LIKELY(readable >= enough) || readable >= bytes) return false;
  if (bytes > most) bytes = most;
  if (!IN_RANGE(bytes, sizeof(struct iphdr), most) || !frame_load(frame, copy, bytes)) return false;
  frame->data = copy;
  frame->end = copy + bytes;
  return true;
}

#endif
