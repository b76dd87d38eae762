// SPDX-License-Identifier: Apache-2.0
// The rules of the pcapng format that a reader may rely on, checked block by block.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pcapng/reader.hpp"

namespace caprock::pcapng {

/// Knows the section and its interfaces; feed it the blocks in order.
class Validator {
 public:
  /// What is wrong with the block where it stands, in the first rule it breaks; nothing if all is
  /// well.
  std::optional<std::string_view> check(const Block& block);

  /// Interfaces of the section so far.
  std::size_t interfaces() const { return snaplens_.size(); }

 private:
  std::optional<std::string_view> check_section(const Block& block);
  std::optional<std::string_view> check_interface(const Block& block);
  std::optional<std::string_view> check_packet(const Block& block) const;
  std::optional<std::string_view> check_statistics(const Block& block) const;

  bool in_section_ = false;
  std::vector<std::uint32_t> snaplens_;
};

/// All faults of a file, up to `limit`. One that keeps the next block from being found is the last.
std::vector<Fault> validate(Bytes file, std::size_t limit = 100);

}  // namespace caprock::pcapng
