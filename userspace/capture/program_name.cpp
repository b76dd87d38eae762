// SPDX-License-Identifier: Apache-2.0
#include "capture/program_name.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include "core/fd.hpp"

namespace caprock::capture {

std::string program_name(std::uint32_t id) {
  const Fd program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  __u32 info_bytes = sizeof info;
  if (!program || bpf_prog_get_info_by_fd(program.get(), &info, &info_bytes) != 0)
    return fmt::format("id {}", id);
  return info.name;
}

}  // namespace caprock::capture
