/* SPDX-License-Identifier: GPL-2.0-only */
/* How it went with an accepted packet. */
#ifndef CAPROCK_EMIT_RESULT_BPF_H
#define CAPROCK_EMIT_RESULT_BPF_H

enum emit_result {
  EMITTED,
  EMIT_FULL,       /* no room for it: lost */
  EMIT_UNREADABLE, /* the kernel does not hand out its bytes */
};

/* Packets up to here fit into the smaller of two room classes: every one but BIG TCP, with tags and Ethernet header. */
enum { ORDINARY_PACKET_BYTES = 65536 + 64 };

#endif
