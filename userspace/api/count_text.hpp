// SPDX-License-Identifier: Apache-2.0
// Large counts for people.
#pragma once

#include <string>

namespace caprock::api {

/// "0", "950", "12.3k", "4.56M": whole below ten thousand, three figures above.
std::string count_text(double count);

}  // namespace caprock::api
