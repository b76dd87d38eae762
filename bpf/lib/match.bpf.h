/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a flow is wanted, cheapest question first. The maps and flags are explained in abi/filter.h. */
#ifndef CAPROCK_MATCH_BPF_H
#define CAPROCK_MATCH_BPF_H

#include <linux/in.h>

#include "lib/address.bpf.h"
#include "lib/flow.bpf.h"
#include "lib/maps.bpf.h"

static __always_inline bool protocol_wanted(const struct capture_settings* config, __u8 protocol) {
  return config->flags & (protocol == IPPROTO_TCP ? SETTINGS_TCP : SETTINGS_UDP);
}

static __always_inline bool is_own_port(const struct capture_settings* config, __u16 port) {
#pragma unroll
  for (int i = 0; i < CAPROCK_OWN_PORTS; i++)
    if (config->own_ports[i] == port) return true;
  return false;
}

static __always_inline bool is_own_endpoint(const struct capture_settings* config, const union address* address,
                                            __u16 port) {
  if (!is_own_port(config, port)) return false;
  struct endpoint_key key = {.port = port};
  __builtin_memcpy(key.address, address, sizeof key.address);
  return bpf_map_lookup_elem(&own_endpoint, &key);
}

static __always_inline bool is_own(const struct capture_settings* config, const struct flow* flow) {
  if (!(config->flags & SETTINGS_OWN_PORTS) || flow->protocol != IPPROTO_TCP || !flow->ports) return false;
  return is_own_endpoint(config, &flow->source, flow->source_port) ||
         is_own_endpoint(config, &flow->destination, flow->destination_port);
}

/* Flags of both addresses (enum address_flag). */
static __always_inline __u32 flow_flags(const struct capture_settings* config, const struct flow* flow, __u32 cpu) {
  if (!(config->flags & SETTINGS_ADDRESSES)) return 0;
  return address_flags(config, &flow->source, flow->ipv4, cpu) |
         address_flags(config, &flow->destination, flow->ipv4, cpu);
}

static __always_inline bool is_tunnel(const struct capture_settings* config, const struct flow* flow) {
  if (flow->protocol != IPPROTO_UDP || !flow->ports || !flow->destination_port) return false;
#pragma unroll
  for (int i = 0; i < CAPROCK_TUNNEL_PORTS; i++)
    if (config->tunnel_ports[i] == flow->destination_port) return true;
  return false;
}

static __always_inline bool addresses_match(const struct capture_settings* config, __u32 flags) {
  if (flags & ADDRESS_EXCLUDED) return false;
  return flags & ADDRESS_INCLUDED || !(config->flags & SETTINGS_ONLY_ADDRESSES);
}

static __always_inline __u32 port_flags(__u16 port) {
  const struct port_verdict* verdict = bpf_map_lookup_elem(&ports, &port);
  return verdict ? verdict->flags : 0;
}

/* A fragment without ports is judged by the rest: it belongs to a packet that may have been recorded. */
static __always_inline bool ports_match(const struct capture_settings* config, const struct flow* flow) {
  if (!flow->ports) return true;
  if (!(config->flags & SETTINGS_PORTS)) return !(config->flags & SETTINGS_ONLY_PORTS);
  __u32 flags = port_flags(flow->source_port) | port_flags(flow->destination_port);
  if (flags & PORT_EXCLUDED) return false;
  return flags & PORT_INCLUDED || !(config->flags & SETTINGS_ONLY_PORTS);
}

static __always_inline bool flow_matches(const struct capture_settings* config, const struct interface_policy* policy,
                                         const struct flow* flow, __u32 cpu) {
  if (!protocol_wanted(config, flow->protocol) || is_own(config, flow)) return false;
  if (policy->roles & ROLE_SHARED && is_tunnel(config, flow)) return false;
  if (policy->mode == INTERFACE_ALL) return true;
  __u32 flags = flow_flags(config, flow, cpu);
  if (policy->mode == INTERFACE_TARGETS && !(flags & ADDRESS_TARGET)) return false;
  return addresses_match(config, flags) && ports_match(config, flow);
}

#endif
