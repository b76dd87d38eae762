// SPDX-License-Identifier: Apache-2.0
// Any bytes as a pcapng file: reader and validator read all of it and nothing else.
#include <cstdint>

#include "pcapng/validator.hpp"

namespace {

using namespace caprock;

std::size_t walk_options(Bytes options) {
  std::size_t bytes = 0;
  pcapng::OptionCursor cursor(options);
  while (const auto option = cursor.next()) {
    for (const std::byte byte : option->value)
      bytes += byte == std::byte{};
  }
  return bytes + pcapng::text_option(options, pcapng::kComment).size();
}

std::size_t walk_block(const pcapng::Block& block) {
  std::size_t bytes = 0;
  if (const auto section = pcapng::as_section_header(block))
    bytes += walk_options(section->options);
  if (const auto interface = pcapng::as_interface(block)) bytes += walk_options(interface->options);
  if (const auto statistics = pcapng::as_statistics(block))
    bytes += walk_options(statistics->options);
  if (const auto packet = pcapng::as_packet(block)) {
    bytes += walk_options(packet->options) + packet->dropped() + packet->flags();
    for (const std::byte byte : packet->captured)
      bytes += byte == std::byte{};
  }
  return bytes + (pcapng::block_time_ns(block) ? 1 : 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file(reinterpret_cast<const std::byte*>(data), size);
  [[maybe_unused]] volatile std::size_t sum = pcapng::validate(file).size();
  pcapng::BlockCursor cursor(file);
  while (const auto block = cursor.next())
    sum = sum + walk_block(*block);
  return 0;
}
