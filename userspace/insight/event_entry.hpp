// SPDX-License-Identifier: Apache-2.0
// An event of the operating system as an entry of the record: docs/formats/events.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/os_event.h"

#include "insight/container.hpp"
#include "insight/kernel_names.hpp"

namespace caprock::insight {

/// What is known of an event beside its record; empty: not known.
struct EventContext {
  std::string comm;  // of an out-of-memory kill's victim
  ContainerIdentity container = {};
  std::string namespace_name = {};  // of the pod
  std::string pod = {};
};

/// Appends the journal block of an event to `out`. `record`: as long as its type says.
void write_event_entry(std::vector<std::byte>& out, const os_event& event, std::int64_t wall_ns,
                       const EventContext& context, const KernelNames& names);

/// Appends a block that says how many events of a type are not in the record.
void write_suppressed_entry(std::vector<std::byte>& out, std::uint32_t type, std::uint64_t events,
                            std::int64_t wall_ns);

/// Appends a block that says how often the kernel did not call the programs of a hook.
void write_skipped_entry(std::vector<std::byte>& out, const std::string& hook, std::uint64_t calls,
                         std::int64_t wall_ns);

/// Appends a block that says where the record of events begins, or ends.
void write_border_entry(std::vector<std::byte>& out, bool begins, std::int64_t wall_ns);

/// Appends a block that says which addresses a network namespace has; none: nobody is in it. `own`:
/// it is the agent's.
void write_addresses_entry(std::vector<std::byte>& out, std::uint32_t network,
                           const std::vector<std::string>& addresses, bool own,
                           std::int64_t wall_ns);

}  // namespace caprock::insight
