/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Sizes that the BPF programs and the agent must agree on. */
#ifndef CAPROCK_ABI_LIMITS_H
#define CAPROCK_ABI_LIMITS_H

enum {
  CAPROCK_MAX_INTERFACES = 4096, /* dense interface ids 0…4095, as in the file's IDBs */
  CAPROCK_LOW_IFINDEXES = 16384, /* below, a policy is in an array besides */
  CAPROCK_MAX_SNAPLEN = 262144,  /* bytes of one packet at the most; the IDBs' snaplen */
  CAPROCK_MIN_SNAPLEN = 64,      /* the headers of an ordinary packet; less is taken as this */
  CAPROCK_MAX_ADDRESSES = 65536, /* entries of each address map */
  CAPROCK_MAX_PORTS = 65536,
  CAPROCK_OWN_PORTS = 4, /* TCP ports on which caprock itself may listen */
  CAPROCK_TUNNEL_PORTS = 2,
  CAPROCK_MAX_TRANSLATED = 65536, /* flows that NAT made of others; older ones make room */
  CAPROCK_DIRECTIONS = 2,
};

enum caprock_direction {
  CAPROCK_INGRESS = 0,
  CAPROCK_EGRESS = 1,
};

#endif
