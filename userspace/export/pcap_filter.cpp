// SPDX-License-Identifier: Apache-2.0
#include "export/pcap_filter.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include "store/format.hpp"

namespace caprock::exporting {

void PcapFilter::FreeProgram::operator()(bpf_program* program) const {
  ::pcap_freecode(program);
  delete program;
}

Result<PcapFilter> PcapFilter::compile(const std::string& expression) {
  constexpr int kOptimize = 1;
  if (expression.empty()) return PcapFilter();
  const std::unique_ptr<pcap_t, decltype(&::pcap_close)> handle(
      ::pcap_open_dead(DLT_EN10MB, store::kSnaplen), &::pcap_close);
  if (!handle) return Error("libpcap has no memory for the filter");
  std::unique_ptr<bpf_program, FreeProgram> program(new bpf_program{});
  if (::pcap_compile(handle.get(), program.get(), expression.c_str(), kOptimize,
                     PCAP_NETMASK_UNKNOWN) != 0) {
    return Error(fmt::format("filter \"{}\": {}; see pcap-filter(7)", expression,
                             ::pcap_geterr(handle.get())));
  }
  return PcapFilter(std::move(program));
}

bool PcapFilter::matches(Bytes captured, std::uint32_t original_bytes) const {
  if (!program_) return true;
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(captured.size());
  header.len = original_bytes;
  return ::pcap_offline_filter(program_.get(), &header,
                               reinterpret_cast<const u_char*>(captured.data())) != 0;
}

}  // namespace caprock::exporting
