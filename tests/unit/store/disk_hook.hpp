// SPDX-License-Identifier: Apache-2.0
// What is written through a descriptor in this executable: noted, and failing where a test wants it to.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <set>

namespace caprock::store::test {

inline constexpr off_t kNowhere = -1;

/// Where nothing can be written.
extern std::atomic<off_t> g_bad_offset;

/// Where writes began since the last call.
std::set<off_t> take_written();

}  // namespace caprock::store::test
