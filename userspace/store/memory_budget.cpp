// SPDX-License-Identifier: Apache-2.0
#include "store/memory_budget.hpp"

#include "core/memory_limit.hpp"

namespace caprock::store {

std::uint64_t default_page_budget() {
  return memory_limit_bytes() / 4;
}

}  // namespace caprock::store
