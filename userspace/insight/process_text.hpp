// SPDX-License-Identifier: Apache-2.0
// Command lines and ends of flows as the kernel hands them over, for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace caprock::insight {

/// A command line: as core/printable_text.hpp says, arguments with spaces or quotes in quotes.
/// `arguments`: each ends with a 0.
std::string printable_command(const unsigned char* arguments, std::size_t bytes);

/// "10.0.0.1:80", "[fd00::1]:80".
std::string printable_endpoint(const unsigned char (&address)[16], std::uint16_t port);

}  // namespace caprock::insight
