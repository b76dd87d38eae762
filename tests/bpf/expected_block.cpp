// SPDX-License-Identifier: Apache-2.0
#include "expected_block.hpp"

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

template <class T>
void append(ByteVector& bytes, T value) {
  bytes.resize(bytes.size() + sizeof value);
  put(MutableBytes(bytes), bytes.size() - sizeof value, value);
}

void append32(ByteVector& bytes, std::size_t value) {
  append(bytes, static_cast<std::uint32_t>(value));
}

void append_option(ByteVector& bytes, std::uint16_t code, std::uint16_t length) {
  append(bytes, code);
  append(bytes, length);
}

}  // namespace

ByteVector block_bytes(const ExpectedBlock& expected, const ByteVector& actual) {
  REQUIRE(actual.size() >= 28);
  const std::size_t captured = expected.packet.size();
  ByteVector bytes;
  append32(bytes, 6);  // Enhanced Packet Block
  append32(bytes, 0);  // total length, below
  append32(bytes, expected.interface_id);
  append32(bytes, load<std::uint32_t>(actual, 12));
  append32(bytes, load<std::uint32_t>(actual, 16));
  append32(bytes, captured);
  append32(bytes, expected.original_bytes == 0 ? captured : expected.original_bytes);
  bytes.insert(bytes.end(), expected.packet.begin(), expected.packet.end());
  bytes.resize(round_up(bytes.size(), 4));
  append_option(bytes, 2, 4);
  append32(bytes, expected.flags);
  if (expected.dropped > 0) {
    append_option(bytes, 4, 8);
    append(bytes, expected.dropped);
  }
  if (bytes.size() % 8 == 0) append_option(bytes, 0, 0);
  append32(bytes, bytes.size() + 4);
  put(MutableBytes(bytes), 4, static_cast<std::uint32_t>(bytes.size()));
  return bytes;
}

std::uint64_t block_time(const ByteVector& block) {
  return std::uint64_t{load<std::uint32_t>(block, 12)} << 32 | load<std::uint32_t>(block, 16);
}

std::uint32_t captured_bytes(const ByteVector& block) {
  return load<std::uint32_t>(block, 20);
}

}  // namespace caprock::test
