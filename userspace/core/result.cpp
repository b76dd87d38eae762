// SPDX-License-Identifier: Apache-2.0
#include "core/result.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace caprock {

Error Error::from_errno(std::string_view what) { return from_errno(what, errno); }

Error Error::from_errno(std::string_view what, int code) {
  char buffer[128];
  return Error(fmt::format("{}: {}", what, strerror_r(code, buffer, sizeof buffer)));
}

Error Error::context(std::string_view what) && { return Error(fmt::format("{}: {}", what, message_)); }

Error Error::context(std::string_view what) const& { return Error(fmt::format("{}: {}", what, message_)); }

}  // namespace caprock
