// SPDX-License-Identifier: Apache-2.0
// Puts a filter in force.
#pragma once

#include <vector>

#include "abi/filter.h"

#include "capture/bpf_map.hpp"
#include "capture/map_handles.hpp"
#include "capture/programs.hpp"
#include "core/endpoint.hpp"
#include "core/result.hpp"
#include "filter/filter_state.hpp"
#include "filter/specification.hpp"
#include "filter/transition.hpp"

namespace caprock::filter {

/// The one writer of the filter maps. `programs` must outlive it. Control-plane thread.
class Applier {
 public:
  explicit Applier(const capture::Programs& programs);

  /// Writes what is different from what is in force (transition.hpp: nothing that both take is
  /// missed meanwhile). `own`: endpoints on which caprock listens, to be left out. After a refusal
  /// the filter in force is unchanged; after a failed write it takes at least what both take.
  Status apply(const Specification& specification, const std::vector<Endpoint>& own);

  /// The policy that suits the filter in force, to be published after apply(): whether interfaces
  /// need the tables at all.
  interface_mode mode() const { return mode_; }

 private:
  Result<FilterState> read() const;
  Status write(const FilterState& wanted) const;
  Status write(const std::vector<TableEntry>& entries) const;

  capture::SettingsMap settings_;
  std::vector<capture::BpfMap> tables_;  // index = Table
  interface_mode mode_ = INTERFACE_MATCH;
};

}  // namespace caprock::filter
