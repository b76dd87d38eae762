// SPDX-License-Identifier: Apache-2.0
// A device that hands over what is not addressed to it, too: also while no agent runs.
#pragma once

#include <filesystem>
#include <set>
#include <utility>

#include "capture/device.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace caprock::capture {

/// A device that was not promiscuous is made so by its flag, and a pin (an empty map
/// promiscuous_<ifindex>) says that it is to be taken back; both stay when the process is killed,
/// and the next agent goes on with them. A device that somebody else has made so is left alone.
/// There, and where no pin can be made, the mode is held by a packet socket, which ends with the
/// process. Taken back at the end of its life, but for keep(). Control-plane thread.
class PromiscuousMode {
 public:
  static Result<PromiscuousMode> set(const Device& device,
                                     const std::filesystem::path& pin_directory);

  PromiscuousMode(PromiscuousMode&& other) noexcept { *this = std::move(other); }
  PromiscuousMode& operator=(PromiscuousMode&& other) noexcept;
  ~PromiscuousMode();

  /// For the next agent.
  void keep() { pin_.clear(); }

 private:
  explicit PromiscuousMode(Fd membership) : membership_(std::move(membership)) {}
  explicit PromiscuousMode(std::filesystem::path pin) : pin_(std::move(pin)) {}

  Fd membership_;
  std::filesystem::path pin_;
};

/// Of all devices but those with these ifindexes, what agents before us left.
Status end_promiscuous_modes(const std::filesystem::path& pin_directory,
                             const std::set<std::uint32_t>& but);

}  // namespace caprock::capture
