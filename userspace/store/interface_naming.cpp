// SPDX-License-Identifier: Apache-2.0
#include "store/interface_naming.hpp"

#include <span>
#include <string>

#include "store/format.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

template <class T>
void append(std::vector<std::byte>& out, const T& part) {
  const auto bytes = std::as_bytes(std::span(&part, 1));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

void write_interface_naming(std::vector<std::byte>& out, std::uint32_t id,
                            const InterfaceRecord& record) {
  std::vector<std::byte> description;
  write_interface(description, record, true);
  const auto total = static_cast<std::uint32_t>(sizeof(InterfaceNamingHead) + description.size() +
                                                sizeof(InterfaceNamingTail));
  append(out, InterfaceNamingHead{kInterfaceNamingType, total, id, 0});
  out.insert(out.end(), description.begin(), description.end());
  append(out, InterfaceNamingTail{0, total});
}

std::optional<InterfaceNaming> as_interface_naming(const pcapng::Block& block) {
  constexpr std::size_t kFrame = sizeof(InterfaceNamingHead) + sizeof(InterfaceNamingTail);
  if (block.type != kInterfaceNamingType || block.bytes.size() < kFrame) return std::nullopt;
  const Bytes inside =
      block.bytes.subspan(sizeof(InterfaceNamingHead), block.bytes.size() - kFrame);
  const auto description = pcapng::BlockCursor(inside).next();
  const auto interface = description ? pcapng::as_interface(*description) : std::nullopt;
  if (!interface) return std::nullopt;
  return InterfaceNaming{
      .id = load<InterfaceNamingHead>(block.bytes).interface_id,
      .record = {std::string(interface->name()), std::string(interface->description())}};
}

}  // namespace caprock::store
