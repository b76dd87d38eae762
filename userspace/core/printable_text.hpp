// SPDX-License-Identifier: Apache-2.0
// Text from outside, for people.
#pragma once

#include <string>
#include <string_view>

namespace caprock {

/// Control characters and what is no UTF-8 as \xNN.
std::string printable_text(std::string_view text);

}  // namespace caprock
