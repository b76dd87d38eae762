// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace caprock::capture {

/// What a loaded BPF program is called; "id 42" where the kernel does not say.
std::string program_name(std::uint32_t id);

}  // namespace caprock::capture
