/* SPDX-License-Identifier: GPL-2.0-only */
/* What the address maps say of an address, remembered per CPU: a known flow costs no lookup in hash or trie. */
#ifndef CAPROCK_ADDRESS_BPF_H
#define CAPROCK_ADDRESS_BPF_H

#include "lib/compiler.bpf.h"
#include "lib/flow.bpf.h"
#include "lib/maps.bpf.h"

enum {
  ADDRESS_MEMO_SHIFT = 10, /* log2 of the addresses that a CPU remembers, of 32 bytes each */
};

struct address_memo {
  union address address;
  __u32 generation; /* of the settings under which it was looked up */
  __u32 flags;      /* enum address_flag, 0 too where no map knows the address */
  __u64 reserved;
};

/* CPU slot << ADDRESS_MEMO_SHIFT | hash of an address → the last address of that hash, and its flags. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << ADDRESS_MEMO_SHIFT);
  __type(key, __u32);
  __type(value, struct address_memo);
} addr_memo SEC(".maps") __weak;

static __always_inline __u32 look_up_ipv4(const struct capture_settings* config, __be32 address) {
  const struct address_verdict* verdict = bpf_map_lookup_elem(&addr4, &address);
  if (!verdict && config->flags & SETTINGS_CIDR4) {
    struct cidr4_key key = {.prefix_bits = 32};
    __builtin_memcpy(key.bytes, &address, sizeof key.bytes);
    verdict = bpf_map_lookup_elem(&cidr4, &key);
  }
  return verdict ? verdict->flags : 0;
}

static __always_inline __u32 look_up_ipv6(const struct capture_settings* config, const union address* address) {
  const struct address_verdict* verdict = bpf_map_lookup_elem(&addr6, &address->v6);
  if (!verdict && config->flags & SETTINGS_CIDR6) {
    struct cidr6_key key = {.prefix_bits = 128};
    __builtin_memcpy(key.bytes, address, sizeof key.bytes);
    verdict = bpf_map_lookup_elem(&cidr6, &key);
  }
  return verdict ? verdict->flags : 0;
}

static __always_inline struct address_memo* memo_of(const union address* address, __u32 cpu) {
  __u32 words = address->words[0] ^ address->words[1] ^ address->words[2] ^ address->words[3];
  __u32 hash = words * 0x9e3779b1U >> (32 - ADDRESS_MEMO_SHIFT);
  __u32 index = cpu << ADDRESS_MEMO_SHIFT | hash;
  return bpf_map_lookup_elem(&addr_memo, &index);
}

static __always_inline bool same_address(const union address* a, const union address* b) {
  return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

/* Flags of an address (enum address_flag). */
static __always_inline __u32 address_flags(const struct capture_settings* config, const union address* address,
                                           bool ipv4, __u32 cpu) {
  __u32 generation = READ_ONCE(config->generation); /* before the lookup: what it finds is of this one at the least */
  struct address_memo* memo = memo_of(address, cpu);
  if (!memo) return 0;
  if (LIKELY(memo->generation == generation && same_address(&memo->address, address))) return memo->flags;
  __u32 flags = ipv4 ? look_up_ipv4(config, address->words[3]) : look_up_ipv6(config, address);
  memo->address = *address;
  memo->generation = generation;
  memo->flags = flags;
  return flags;
}

#endif
