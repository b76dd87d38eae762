/* SPDX-License-Identifier: GPL-2.0-only */
/* Lays a packet out as a finished pcapng block (abi/block.h). */
#ifndef CAPROCK_BLOCK_BPF_H
#define CAPROCK_BLOCK_BPF_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>

#include "abi/block.h"
#include "abi/filter.h"
#include "lib/compiler.bpf.h"
#include "lib/frame.bpf.h"

enum { VLAN_TAG_BYTES = 4 };

/* What one block says. Lengths in bytes, with the link layer that is put in front of or into the kernel's packet. */
struct block {
  __u32 interface_id;
  __u8 link; /* enum interface_link */
  bool ipv4; /* the type in a synthetic Ethernet header */
  __u64 time_ns;
  __u64 original_bytes;
  __u64 captured_bytes; /* never below the Ethernet and IP headers */
  __u64 dropped;        /* packets lost before this one and not yet told, 0: no option */
};

/* Bytes that the record has of the link layer and the kernel's packet has not. */
static __always_inline __u64 added_bytes(const struct frame* frame, enum interface_link link) {
  if (link == LINK_IP) return ETH_HLEN;
  return frame->vlan_tag ? VLAN_TAG_BYTES : 0;
}

static __always_inline void write_head(const struct block* block, struct epb_head* head) {
  head->type = PCAPNG_EPB;
  head->interface_id = block->interface_id;
  head->time_high = block->time_ns >> 32;
  head->time_low = block->time_ns;
  head->captured_bytes = block->captured_bytes;
  head->original_bytes = block->original_bytes;
}

static __always_inline __u32 epb_flags(const struct frame* frame) {
  return (frame->direction == CAPROCK_INGRESS ? EPB_INBOUND : EPB_OUTBOUND) |
         (frame_segmented(frame) ? EPB_SEGMENTATION_OFFLOAD : 0);
}

/* Writes the options and the trailing length to `at`, `offset` bytes into the block; returns the block's length. */
static __always_inline __u64 write_options(const struct frame* frame, const struct block* block, __u8* at,
                                           __u64 offset) {
  __u64 total = offset + EPB_FLAGS_BYTES + sizeof(__u32);
  *(struct epb_flags_option*)at = (struct epb_flags_option){PCAPNG_EPB_FLAGS, 4, epb_flags(frame)};
  at += EPB_FLAGS_BYTES;
  if (UNLIKELY(block->dropped)) {
    *(struct epb_dropcount_option*)at = (struct epb_dropcount_option){PCAPNG_EPB_DROPCOUNT, 8, block->dropped};
    at += EPB_DROPCOUNT_BYTES;
    total += EPB_DROPCOUNT_BYTES;
  }
  if (total % 8) {
    *(__u32*)at = PCAPNG_OPT_END;
    at += sizeof(__u32);
    total += sizeof(__u32);
  }
  *(__u32*)at = total;
  return total;
}

/* Copies the packet to `to`, at most `most` bytes of it, behind room for the added bytes. */
static __always_inline bool write_packet(const struct frame* frame, const struct block* block, __u8* to, __u64 most) {
  __u64 added = added_bytes(frame, block->link);
  __u64 copied = block->captured_bytes - added;
  if (!IN_RANGE(copied, sizeof(struct iphdr), most)) return false;
  return frame_read(frame, to + added, copied);
}

/* Moves the two MAC addresses to the front of the gap and puts the stripped tag behind them. */
static __always_inline void write_vlan_tag(__u8* packet, __be32 tag) {
  __u32* words = (__u32*)packet;
  words[0] = words[1];
  words[1] = words[2];
  words[2] = words[3];
  words[3] = tag;
}

static __always_inline void write_ethernet(__u8* packet, bool ipv4) {
  __builtin_memset(packet, 0, 2 * ETH_ALEN);
  *(__be16*)(packet + offsetof(struct ethhdr, h_proto)) = ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
}

static __always_inline void write_link_layer(const struct frame* frame, const struct block* block, __u8* packet) {
  if (block->link == LINK_IP)
    write_ethernet(packet, block->ipv4);
  else if (frame->vlan_tag)
    write_vlan_tag(packet, frame->vlan_tag);
}

/* Lays the block out at `to`, where there is room for `most` bytes of packet (a constant multiple of 4) and
 * EPB_MAX_OVERHEAD. Returns its length, 0 when the kernel does not hand out the packet's bytes. */
static __always_inline __u64 block_write(const struct frame* frame, const struct block* block, __u8* to, __u64 most) {
  __u64 padded = (block->captured_bytes + 3) & ~3ULL;
  if (!IN_RANGE(padded, sizeof(__u32), most)) return 0;
  struct epb_head* head = (struct epb_head*)to;
  __u8* packet = to + EPB_HEAD_BYTES;
  __u8* options = packet + padded;
  *(__u32*)(options - sizeof(__u32)) = 0; /* the padding, before the packet's last bytes come to lie on it */
  head->total_bytes = write_options(frame, block, options, EPB_HEAD_BYTES + padded);
  write_head(block, head);
  if (!write_packet(frame, block, packet, most)) return 0;
  write_link_layer(frame, block, packet);
  return head->total_bytes;
}

#endif
