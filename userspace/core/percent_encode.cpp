// SPDX-License-Identifier: Apache-2.0
#include "core/percent_encode.hpp"

#include <fmt/format.h>

namespace caprock {
namespace {

constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

}  // namespace

std::string percent_encode(std::string_view text, std::string_view also_plain) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        kUnreserved.find(c) != kUnreserved.npos || also_plain.find(c) != also_plain.npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace caprock
