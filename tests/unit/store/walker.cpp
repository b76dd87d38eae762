// SPDX-License-Identifier: Apache-2.0
#include "walker.hpp"

#include <fmt/format.h>

#include "pcapng/reader.hpp"

namespace caprock::store::test {
namespace {

class Walker {
 public:
  explicit Walker(Bytes file) : file_(file), cursor_(file) {}

  WalkedFile run() {
    while (result_.fault.empty()) {
      const std::uint64_t offset = cursor_.offset();
      const auto block = cursor_.next();
      if (!block) break;
      take(*block, offset);
    }
    if (cursor_.fault()) fail(cursor_.fault()->offset, cursor_.fault()->what);
    return std::move(result_);
  }

 private:
  void fail(std::uint64_t offset, std::string_view what) {
    result_.fault = fmt::format("at {}: {}", offset, what);
  }

  void take(const pcapng::Block& block, std::uint64_t offset) {
    if (block.bytes.size() % 8 != 0) return fail(offset, "a block is no multiple of 8");
    if (offset == 0 && block.type != pcapng::kSectionHeader)
      return fail(offset, "no section header");
    if (block.type == pcapng::kSectionHeader) begin_section();
    if (block.type == pcapng::kInterfaceDescription) ++interfaces_;
    if (block.type == kSegmentFootType) result_.feet.push_back(load<SegmentFoot>(block.bytes));
    if (block.type == pcapng::kEnhancedPacket) take_packet(block, offset);
  }

  void begin_section() {
    ++result_.sections;
    interfaces_ = 0;
  }

  void take_packet(const pcapng::Block& block, std::uint64_t offset) {
    const auto packet = pcapng::as_packet(block);
    if (!packet) return fail(offset, "a broken packet");
    if (packet->interface_id >= interfaces_)
      return fail(offset, "a packet of an unknown interface");
    result_.packet_times.push_back(static_cast<std::int64_t>(packet->time));
    result_.dropped += packet->dropped();
  }

  Bytes file_;
  pcapng::BlockCursor cursor_;
  std::size_t interfaces_ = 0;
  WalkedFile result_;
};

}  // namespace

WalkedFile walk(Bytes file) {
  return Walker(file).run();
}

}  // namespace caprock::store::test
