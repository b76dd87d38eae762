// SPDX-License-Identifier: Apache-2.0
#include "export/file_frame.hpp"

#include <sys/utsname.h>

#include <array>
#include <string>

#include "export/pcap_format.hpp"
#include "pcapng/writer.hpp"
#include "store/format.hpp"

namespace caprock::exporting {
namespace {

void put_pcap_head(std::vector<std::byte>& out, std::uint32_t magic, std::uint32_t snaplen) {
  const pcap::FileHead head{.magic = magic,
                            .snaplen = snaplen == 0 ? store::kSnaplen : snaplen,
                            .link_type = pcapng::kLinkTypeEthernet};
  const auto bytes = std::as_bytes(std::span(&head, 1));
  out.assign(bytes.begin(), bytes.end());
}

void put_section_header(std::vector<std::byte>& out) {
  utsname system{};
  ::uname(&system);
  const std::string operating_system = std::string(system.sysname) + " " + system.release;
  pcapng::Writer(out).section_header({.hardware = system.machine,
                                      .operating_system = operating_system,
                                      .user_application = "caprock " CAPROCK_VERSION});
}

}  // namespace

std::vector<std::byte> file_head(Format format, std::uint32_t snaplen) {
  std::vector<std::byte> out;
  if (format == Format::kPcapng) put_section_header(out);
  if (format == Format::kPcap) put_pcap_head(out, pcap::kMagicMicroseconds, snaplen);
  if (format == Format::kPcapNs) put_pcap_head(out, pcap::kMagicNanoseconds, snaplen);
  return out;
}

std::vector<std::byte> interface_blocks(std::span<const InterfaceRecord> interfaces,
                                        const std::string& prefix) {
  std::vector<std::byte> out;
  pcapng::Writer writer(out);
  for (const InterfaceRecord& record : interfaces) {
    const std::string name = record.name.empty() ? "" : prefix + record.name;
    writer.interface_description(
        {.name = name, .description = record.description, .snaplen = store::kSnaplen});
  }
  return out;
}

std::vector<std::byte> statistics_blocks(const Figures& figures) {
  std::vector<std::byte> out;
  pcapng::Writer writer(out);
  for (std::uint32_t id = 0; id < figures.interfaces.size(); ++id) {
    const Figures::PerInterface& interface = figures.interfaces[id];
    writer.interface_statistics({.interface_id = id,
                                 .time_ns = figures.last_ns,
                                 .received = interface.packets + interface.dropped,
                                 .dropped = interface.dropped});
  }
  return out;
}

}  // namespace caprock::exporting
