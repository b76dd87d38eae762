// SPDX-License-Identifier: Apache-2.0
// What became of every packet that the programs met.
#pragma once

#include <cstdint>

#include "capture/counters.hpp"
#include "core/interface_list.hpp"
#include "store/account_entry.hpp"

namespace caprock::agent {

/// Over all interfaces and CPUs. Adds up while no program counts. Control-plane thread.
store::Account account_of(const capture::Counters& counters, const InterfaceList& interfaces);

}  // namespace caprock::agent
