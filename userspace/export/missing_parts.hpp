// SPDX-License-Identifier: Apache-2.0
// What a capture file says of the parts of its window that are not in it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/result.hpp"
#include "export/pump.hpp"

namespace caprock::exporting {

/// A journal entry for each line, of that time.
Status tell_missing(Pump& pump, std::span<const std::string> lines, std::int64_t time_ns);

}  // namespace caprock::exporting
