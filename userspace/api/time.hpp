// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace caprock::api {

/// A point of wall time; JSON: RFC 3339, null when there is none.
struct Time {
  std::int64_t ns = 0;  // since the epoch; 0: none

  bool operator==(const Time&) const = default;
};

}  // namespace caprock::api
