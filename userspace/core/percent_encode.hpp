// SPDX-License-Identifier: Apache-2.0
// Text as a part of a URL (RFC 3986, section 2).
#pragma once

#include <string>
#include <string_view>

namespace caprock {

/// `text` with everything but unreserved characters and those of `also_plain` as %XX.
std::string percent_encode(std::string_view text, std::string_view also_plain = {});

}  // namespace caprock
