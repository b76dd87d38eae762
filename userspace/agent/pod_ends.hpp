// SPDX-License-Identifier: Apache-2.0
// The programs at the pods' ends of their links, for what is sent there past the links.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "capture/attached_devices.hpp"
#include "capture/device_attachment.hpp"
#include "capture/interface_selection.hpp"
#include "capture/map_handles.hpp"
#include "capture/programs.hpp"

namespace caprock::agent {

/// By the ifindexes of the links on the host.
using PodEndSelection = std::map<std::uint32_t, capture::SelectedDevice>;

/// Control-plane thread.
class PodEnds {
 public:
  explicit PodEnds(const capture::Programs& programs) : programs_(&programs), map_(programs) {}

  /// At these and no others. What fails is in the log, and tried again by repair().
  void set(const PodEndSelection& wanted, const capture::AttachOptions& options);

  /// Attaches anew what somebody else has detached, and tries again what failed.
  void repair(const capture::AttachOptions& options);

  /// Leaves everything attached for the next agent.
  void keep();

  /// Forgets what an agent before has said of links that have no such end any more.
  Status remove_stale() const;

  std::map<std::uint32_t, pod_end> attached() const;

  /// "tcx in the pod"; empty: nothing is attached there.
  std::string hooks(std::uint32_t link) const;

 private:
  struct End {
    capture::SelectedDevice selected;
    std::optional<capture::DeviceAttachment> attachment;
  };

  void attach(End& end, const capture::AttachOptions& options);
  void forget(std::map<std::uint32_t, End>::iterator it);

  const capture::Programs* programs_;
  capture::PodEndMap map_;
  std::map<std::uint32_t, End> ends_;
};

}  // namespace caprock::agent
