// SPDX-License-Identifier: Apache-2.0
// What the kernel and its processes call things, for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace caprock::insight {

/// Control characters and what is no UTF-8 as \xNN.
std::string printable_text(std::string_view text);

/// A command line: as printable_text(), arguments with spaces or quotes in quotes. `arguments`:
/// each ends with a 0.
std::string printable_command(const unsigned char* arguments, std::size_t bytes);

/// "10.0.0.1:80", "[fd00::1]:80".
std::string printable_endpoint(const unsigned char (&address)[16], std::uint16_t port);

}  // namespace caprock::insight
