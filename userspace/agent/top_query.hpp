// SPDX-License-Identifier: Apache-2.0
// What is asked of GET /api/v1/top.
#pragma once

#include <cstddef>
#include <string>

#include "api/top.hpp"
#include "core/quantity.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

namespace caprock::agent {

struct TopQuery {
  Nanoseconds window = std::chrono::seconds(2);
  std::string by = std::string(api::kByProcess);
  std::string sort = "bytes";
  std::size_t limit = 100;  // rows
};

/// By the request's parameters window, by, sort and limit. Refuses what is out of bounds.
Result<TopQuery> parse_top_query(const http::Request& request);

}  // namespace caprock::agent
