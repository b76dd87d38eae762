// SPDX-License-Identifier: Apache-2.0
// A pcap-filter expression, as tcpdump takes it, compiled by libpcap.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/byte_span.hpp"
#include "core/result.hpp"

struct bpf_program;

namespace caprock::exporting {

/// Matches Ethernet packets; without an expression, all. matches() may run in several threads at a
/// time.
class PcapFilter {
 public:
  PcapFilter() = default;

  /// Fails with libpcap's words on what is wrong with the expression. An empty one matches
  /// everything.
  static Result<PcapFilter> compile(const std::string& expression);

  bool takes_all() const { return program_ == nullptr; }

  bool matches(Bytes captured, std::uint32_t original_bytes) const;

 private:
  struct FreeProgram {
    void operator()(bpf_program* program) const;
  };

  explicit PcapFilter(std::unique_ptr<bpf_program, FreeProgram> program)
      : program_(std::move(program)) {}

  std::unique_ptr<bpf_program, FreeProgram> program_;
};

}  // namespace caprock::exporting
