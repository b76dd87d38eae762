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
  bool xdp;
  bool segmented; /* a GSO or GRO packet */
  enum caprock_direction direction;
  __u32 ifindex;
  __be32 vlan_tag; /* the outermost tag when it is not in the bytes: protocol, then TCI; 0: none */
};

enum {
  FRAME_FEW_BYTES = 54,     /* Ethernet, IPv4 and TCP: whoever lets us read fewer has the headers in pages */
  FRAME_SOME_BYTES = 128,   /* hold the headers of an ordinary packet */
  FRAME_HEADER_BYTES = 512, /* headers beyond are not looked for in the paged part of a packet */
  XDP_LOAD_MAX_BYTES = 65535,
  XDP_LOAD_PART_BYTES = 60000,
};

static __always_inline __u8* frame_data(const struct frame* frame) {
  return frame->xdp ? (void*)(long)((struct xdp_md*)frame->context)->data
                    : (void*)(long)((struct __sk_buff*)frame->context)->data;
}

static __always_inline __u8* frame_end(const struct frame* frame) {
  return frame->xdp ? (void*)(long)((struct xdp_md*)frame->context)->data_end
                    : (void*)(long)((struct __sk_buff*)frame->context)->data_end;
}

/* Length of the packet, without the tag that is not in its bytes. */
static __always_inline __u64 frame_bytes(const struct frame* frame) {
  if (!frame->xdp) return ((struct __sk_buff*)frame->context)->len;
  return has_xdp_load_bytes ? bpf_xdp_get_buff_len(frame->context) : frame_end(frame) - frame_data(frame);
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
static __always_inline bool frame_read(const struct frame* frame, __u8* to, __u64 bytes) {
  if (!frame->xdp) return bpf_skb_load_bytes(frame->context, 0, to, bytes) == 0;
  if (has_xdp_load_bytes) return xdp_read(frame->context, to, bytes);
  return bpf_probe_read_kernel(to, bytes, frame_data(frame)) == 0;
}

/* Where the parser reads: the part of the packet that can be read directly, or a copy of its first bytes. */
struct window {
  __u8* data;
  __u8* end;
};

static __always_inline struct window frame_window(const struct frame* frame) {
  return (struct window){frame_data(frame), frame_end(frame)};
}

/* Copies the first bytes of the packet to `copy`, at most `most` (a constant), where fewer than `enough` can be read
 * directly; whether there is a new window now. To make more readable with bpf_skb_pull_data() would be several times as
 * dear: as a rule that reallocates the packet's linear part. */
static __always_inline bool frame_copy_headers(const struct frame* frame, __u64 enough, __u64 most, __u8* copy,
                                               struct window* window) {
  if (frame->xdp) return false;
  __u64 readable = frame_end(frame) - frame_data(frame);
  __u64 bytes = frame_bytes(frame);
  if (LIKELY(readable >= enough) || readable >= bytes) return false;
  if (bytes > most) bytes = most;
  if (!IN_RANGE(bytes, sizeof(struct iphdr), most) || !frame_read(frame, copy, bytes)) return false;
  *window = (struct window){copy, copy + bytes};
  return true;
}

#endif
