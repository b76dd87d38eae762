// SPDX-License-Identifier: Apache-2.0
// Packets and events of flows, as blocks of a record.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/byte_span.hpp"
#include "export/packet_flow.hpp"
#include "pcapng/note.hpp"
#include "pcapng/writer.hpp"

namespace caprock::test {

enum Direction : std::uint32_t { kInbound = 1, kOutbound = 2 };

struct FlowPacket {
  std::int64_t time_ns = 0;
  std::uint32_t bytes = 100;  // original; the headers alone are captured
  std::uint32_t interface_id = 0;
  Direction direction = kInbound;
};

inline std::vector<std::byte> headers_of(const exporting::Flow& flow) {
  constexpr std::size_t kIpv4 = 12;  // in a mapped address
  std::vector<std::byte> frame(14 + 20 + 8);
  const auto put16 = [&](std::size_t at, std::uint16_t value) { put(frame, at, htons(value)); };
  put16(12, 0x0800);
  frame[14] = std::byte{0x45};
  frame[23] = std::byte{flow.protocol};
  std::copy_n(flow.source.address.begin() + kIpv4, 4, frame.begin() + 26);
  std::copy_n(flow.destination.address.begin() + kIpv4, 4, frame.begin() + 30);
  put16(34, flow.source.port);
  put16(36, flow.destination.port);
  return frame;
}

inline void append_packet(std::vector<std::byte>& out, const exporting::Flow& flow,
                          const FlowPacket& packet) {
  pcapng::Writer(out).packet({.interface_id = packet.interface_id,
                              .time_ns = packet.time_ns,
                              .captured = headers_of(flow),
                              .original_bytes = packet.bytes,
                              .flags = packet.direction,
                              .dropped = 0});
}

/// An event of the operating system, with these fields more.
inline void append_event(std::vector<std::byte>& out, std::int64_t time_ns, std::string_view event,
                         std::vector<pcapng::JournalField> fields) {
  fields.insert(fields.begin(), {{"CAPROCK_LAYER", "os"}, {"CAPROCK_EVENT", event}});
  pcapng::write_note(out, time_ns, "", fields);
}

}  // namespace caprock::test
