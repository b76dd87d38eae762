// SPDX-License-Identifier: Apache-2.0
// Reads name resolution blocks back.
#pragma once

#include <arpa/inet.h>

#include <string>
#include <vector>

#include "pcapng/reader.hpp"

namespace caprock::test {

/// "10.0.3.7 shop/a" for each record of the block, if it is one.
inline std::vector<std::string> names_in(const pcapng::Block& block) {
  std::vector<std::string> names;
  if (block.type != pcapng::kNameResolution) return names;
  pcapng::OptionCursor records(block.bytes.subspan(8, block.bytes.size() - 12));
  while (const auto record = records.next()) {
    const bool ipv4 = record->code == pcapng::kNameIpv4;
    char address[INET6_ADDRSTRLEN];
    ::inet_ntop(ipv4 ? AF_INET : AF_INET6, record->value.data(), address, sizeof address);
    const auto* const name = reinterpret_cast<const char*>(record->value.data()) + (ipv4 ? 4 : 16);
    names.push_back(std::string(address) + ' ' + name);
  }
  return names;
}

/// Of all blocks.
inline std::vector<std::string> names_in(Bytes blocks) {
  std::vector<std::string> all;
  pcapng::BlockCursor cursor(blocks);
  while (const auto block = cursor.next()) {
    const auto names = names_in(*block);
    all.insert(all.end(), names.begin(), names.end());
  }
  return all;
}

}  // namespace caprock::test
