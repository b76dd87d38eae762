/* SPDX-License-Identifier: GPL-2.0-only */
/* What is recorded on the interface of a packet. */
#ifndef CAPROCK_POLICY_BPF_H
#define CAPROCK_POLICY_BPF_H

#include <stdbool.h>

#include "lib/compiler.bpf.h"
#include "lib/maps.bpf.h"

/* Copies the policy, as its place would be one of two maps: everything behind would be verified once for each. */
static __always_inline bool find_policy(__u32 ifindex, struct interface_policy* policy) {
  const struct interface_policy* found = bpf_map_lookup_elem(&if_policy_low, &ifindex);
  if (found) *policy = READ_ONCE(*found);
  if (LIKELY(found && policy->roles)) return true;
  found = bpf_map_lookup_elem(&if_policy, &ifindex);
  if (found) *policy = READ_ONCE(*found);
  return found;
}

#endif
