// SPDX-License-Identifier: Apache-2.0
#include "pcapng/validator.hpp"

#include <array>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/writer.hpp"

namespace caprock::pcapng {
namespace {

const std::array<std::byte, 5> kCaptured{};

/// Section, interface with snaplen 16, one packet; the packet's place.
struct File {
  std::vector<std::byte> bytes;
  std::size_t interface = 0;
  std::size_t packet = 0;
};

File small_file(const Packet& packet = {
                    .captured = kCaptured, .original_bytes = 5, .flags = 1, .dropped = 2}) {
  File file;
  Writer writer(file.bytes);
  writer.section_header({.user_application = "test"});
  file.interface = file.bytes.size();
  writer.interface_description({.name = "eth0", .snaplen = 16});
  file.packet = file.bytes.size();
  writer.packet(packet);
  return file;
}

std::string faults_of(Bytes file) {
  std::string text;
  for (const Fault& fault : validate(file))
    text += std::to_string(fault.offset) + " " + std::string(fault.what) + "; ";
  return text;
}

std::string at(std::size_t offset, const std::string& what) {
  return std::to_string(offset) + " " + what + "; ";
}

}  // namespace

TEST_CASE("validator: what our writer writes breaks no rule") {
  File file = small_file();
  Writer writer(file.bytes);
  writer.name_resolution(std::array{NameEntry{std::span(kCaptured).first<4>(), "a"}});
  writer.journal_entry(std::array{JournalField{"MESSAGE", "x"}});
  writer.interface_statistics({});
  CHECK(faults_of(file.bytes).empty());
}

TEST_CASE("validator: a file that does not begin with a section header is faulty") {
  const File file = small_file();
  CHECK(validate(Bytes(file.bytes).subspan(file.interface)).size() == 2);
}

TEST_CASE("validator: a packet of an unknown interface is faulty") {
  const File file = small_file({.interface_id = 1, .captured = kCaptured, .original_bytes = 5});
  CHECK(faults_of(file.bytes) == at(file.packet, "its interface is not described"));
}

TEST_CASE("validator: interfaces are those of the packet's own section") {
  File file = small_file();
  Writer writer(file.bytes);
  writer.section_header({});
  const std::size_t packet = file.bytes.size();
  writer.packet({});
  CHECK(faults_of(file.bytes) == at(packet, "its interface is not described"));
}

TEST_CASE("validator: captured lengths keep to the snaplen and the original length") {
  const std::array<std::byte, 17> long_packet{};
  const File longer = small_file({.captured = long_packet, .original_bytes = 17});
  CHECK(faults_of(longer.bytes) == at(longer.packet, "it captured more than the snaplen"));
  const File more = small_file({.captured = kCaptured, .original_bytes = 4});
  CHECK(faults_of(more.bytes) == at(more.packet, "it captured more than there was"));
}

TEST_CASE("validator: options keep to their lengths") {
  File file = small_file();
  const std::size_t options = file.packet + sizeof(PacketHead) + 8;
  put(file.bytes, options, OptionHead{kPacketFlags, 3});
  CHECK(faults_of(file.bytes) == at(file.packet, "an option has the wrong length"));
  put(file.bytes, options, OptionHead{kComment, 60000});
  CHECK(faults_of(file.bytes) == at(file.packet, "its options are malformed"));
}

TEST_CASE("validator: a fault that hides the next block is the last one") {
  File file = small_file();
  file.bytes.resize(file.bytes.size() - 4);
  CHECK(faults_of(file.bytes) == at(file.packet, "the block reaches beyond the end"));
}

}  // namespace caprock::pcapng
