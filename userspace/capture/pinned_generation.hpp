// SPDX-License-Identifier: Apache-2.0
// What an agent left pinned: the maps that attached programs may still be filling.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "capture/generation.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace caprock::capture {

class PinnedGeneration final : public Generation {
 public:
  /// An error says what is missing or not as this version knows it.
  static Result<PinnedGeneration> open(std::filesystem::path directory);

  int map_fd(std::string_view name) const override;
  Transport transport() const override { return transport_; }
  const StageGeometry& geometry() const override { return geometry_; }
  std::uint64_t instance() const override { return instance_; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  PinnedGeneration() = default;
  Status open_maps();
  Status read_geometry();
  Status read_instance();

  std::filesystem::path directory_;
  std::map<std::string, Fd, std::less<>> maps_;
  Transport transport_ = Transport::kStage;
  StageGeometry geometry_;
  std::uint64_t instance_ = 0;
};

}  // namespace caprock::capture
