// SPDX-License-Identifier: Apache-2.0
// From a specification to the contents of the filter maps.
#pragma once

#include <vector>

#include "core/endpoint.hpp"
#include "core/result.hpp"
#include "filter/filter_state.hpp"
#include "filter/specification.hpp"

namespace caprock::filter {

/// Pure. Nested CIDRs are resolved so that the longest match has the last word: in the tries
/// nothing lies within an excluded prefix. An exact address carries the verdict of the CIDRs around
/// it. `own` are the endpoints whose connections are left out; Unix sockets among them are skipped.
/// Refuses what does not fit into the maps twice (old and new side by side while one filter follows
/// another).
Result<FilterState> compile(const Specification& specification, const std::vector<Endpoint>& own);

/// Whether protocols alone decide, so that programs need not look at addresses and ports, but for
/// what links of INTERFACE_TARGETS ask.
bool takes_everything(const FilterState& state);

}  // namespace caprock::filter
