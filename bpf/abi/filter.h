/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* The filter maps: what of the traffic is recorded. All of them change live, written by the agent, read by programs. */
#ifndef CAPROCK_ABI_FILTER_H
#define CAPROCK_ABI_FILTER_H

#include <linux/types.h>

#include "limits.h"

/* Map `if_policy`, a hash: ifindex (__u32) → what to do on that interface. No entry: nothing is recorded there.
 *
 * Map `if_policy_low`, an array: the same again for an ifindex below CAPROCK_LOW_IFINDEXES, which saves the programs
 * the hash. An element without a role says nothing: then the hash decides. */
struct interface_policy {
  __u32 id;   /* dense interface id: index of the IDB in the file */
  __u8 mode;  /* enum interface_mode */
  __u8 link;  /* enum interface_link */
  __u8 roles; /* enum interface_role; 0 in an array element that has no interface */
  __u8 port;  /* number of the mirror port, 0 where it is none: see abi/mirror.h */
};

enum interface_mode {
  INTERFACE_OFF = 0,     /* count as filtered */
  INTERFACE_ALL = 1,     /* every TCP and UDP packet of the protocols wanted: no address or port is looked up */
  INTERFACE_MATCH = 2,   /* protocol, addresses and ports decide */
  INTERFACE_TARGETS = 3, /* as INTERFACE_MATCH, and an address has to be ADDRESS_TARGET */
};

enum interface_role {
  ROLE_INTERFACE = 1 << 0, /* of every policy */
  /* A packet that comes in here and goes out on another device of this role is recorded on one of the two: see
   * bpf/lib/once.bpf.h. Also of devices without a program whose ports, or whose device below, have one, as packets
   * that came in there say that they came from here (bridges, VLANs). */
  ROLE_ONCE = 1 << 1,
  ROLE_SHARED = 1 << 2, /* of many pods (a NIC, an overlay): what goes to `tunnel_ports` is left out */
};

enum interface_link {
  LINK_ETHERNET = 0,
  LINK_IP = 1, /* no link layer: a synthetic Ethernet header is put in front */
};

/* Map `settings`, an array of one. */
struct capture_settings {
  __u64 wall_offset_ns;               /* added to the monotonic clock gives the time since the epoch */
  __u32 snaplen;                      /* bytes of a packet at the most, CAPROCK_MIN_SNAPLEN…CAPROCK_MAX_SNAPLEN */
  __u32 flags;                        /* enum settings_flag */
  __u16 own_ports[CAPROCK_OWN_PORTS]; /* TCP, on which caprock listens, host byte order, 0: none; see own_endpoint */
  /* Another one whenever an address map has changed: what the programs remember of addresses is void then. 0 only while
   * those maps are empty. */
  __u32 generation;
  /* UDP, host byte order, 0: none; of overlays (VXLAN, Geneve) whose devices are recorded. On links of ROLE_SHARED,
   * what goes there is left out. */
  __u16 tunnel_ports[CAPROCK_TUNNEL_PORTS];
};

enum settings_flag {
  SETTINGS_TCP = 1 << 0,
  SETTINGS_UDP = 1 << 1,
  SETTINGS_DROP_ON_OVERLOAD = 1 << 2, /* never shorten a packet: whole or lost */
  SETTINGS_ADDRESSES = 1 << 3,        /* one of the address maps has entries */
  SETTINGS_CIDR4 = 1 << 4,            /* cidr4 has entries */
  SETTINGS_CIDR6 = 1 << 5,            /* cidr6 has entries */
  SETTINGS_ONLY_ADDRESSES = 1 << 6,   /* record only packets of which an address is ADDRESS_INCLUDED */
  SETTINGS_PORTS = 1 << 7,            /* ports has entries */
  SETTINGS_ONLY_PORTS = 1 << 8,       /* record only packets of which a port is PORT_INCLUDED */
  SETTINGS_OWN_PORTS = 1 << 9,        /* own_ports has entries */
};

/* Value of the maps `addr4` (hash of __be32), `addr6` (hash of struct addr6_key), `cidr4`, `cidr6` (LPM tries).
 * An exact address is looked up first and, where found, decides alone; the agent therefore gives it the verdict of the
 * CIDRs around it as well. Exclusion wins: the agent resolves nested CIDRs so that the longest match says it all. */
struct address_verdict {
  __u32 flags; /* enum address_flag */
};

enum address_flag {
  ADDRESS_INCLUDED = 1 << 0,
  ADDRESS_EXCLUDED = 1 << 1, /* a packet from or to it is left out, whatever else matches */
  ADDRESS_TARGET = 1 << 2,   /* wanted on links of INTERFACE_TARGETS */
};

struct addr6_key {
  __u8 bytes[16];
};

struct cidr4_key {
  __u32 prefix_bits;
  __u8 bytes[4];
};

struct cidr6_key {
  __u32 prefix_bits;
  __u8 bytes[16];
};

/* Map `ports`, a hash: port (__u16, host byte order) → flags. A packet matches by its source or destination port. */
struct port_verdict {
  __u32 flags; /* enum port_flag */
};

enum port_flag {
  PORT_INCLUDED = 1 << 0,
  PORT_EXCLUDED = 1 << 1,
};

/* Map `own_endpoint`, a hash: an address and TCP port on which caprock itself listens → 1. IPv4 as ::ffff:a.b.c.d. */
struct endpoint_key {
  __u8 address[16];
  __u16 port; /* host byte order */
  __u16 reserved;
};

/* Map `translated`, an LRU hash: a flow that NAT made of another one, as it is on the link that it leaves the host by →
 * ifindex (__u32) of the device that the other one came in by. Both are recorded there, in both directions. */
struct link_flow {
  __u32 ifindex;
  __u16 near_port; /* host byte order; the near end is the one that the link leads to */
  __u16 far_port;
  __u8 near[16]; /* IPv4 as ::ffff:a.b.c.d */
  __u8 far[16];
  __u32 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

/* Map `pod_ends`, a hash: a device inside a pod, at which bpf/programs/capture_pod.bpf.c looks for what comes past the
 * pod's link → ifindex (__u32) of that link, the other end, as what it is recorded. */
struct pod_end {
  __u32 network; /* inode of the pod's network namespace */
  __u32 ifindex; /* there */
};

#endif
