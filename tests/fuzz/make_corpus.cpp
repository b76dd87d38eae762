// SPDX-License-Identifier: Apache-2.0
// Makes the seeds of the fuzz targets in <folder>/<target>: one file that has everything, and
// nothing wrong.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "pcapng/writer.hpp"

namespace {

using namespace caprock;

std::vector<std::byte> capture_file() {
  std::vector<std::byte> bytes;
  pcapng::Writer writer(bytes);
  const std::array<std::byte, 4> address{};
  const std::array<std::byte, 60> frame{};
  writer.section_header(
      {.hardware = "x86_64", .operating_system = "Linux", .user_application = "caprock"});
  writer.interface_description({.name = "eth0", .description = "uplink", .snaplen = 4096});
  writer.name_resolution(std::array{pcapng::NameEntry{address, "shop/cart"}});
  writer.packet({.time_ns = 1'000'000'000,
                 .captured = frame,
                 .original_bytes = 60,
                 .flags = 1,
                 .dropped = 3,
                 .comment = "late"});
  writer.journal_entry(std::array{pcapng::JournalField{"__REALTIME_TIMESTAMP", "1000000"},
                                  pcapng::JournalField{"MESSAGE", "two\nlines"}});
  writer.interface_statistics({.received = 4, .dropped = 3});
  return bytes;
}

void write_seed(const std::filesystem::path& folder, const std::vector<std::byte>& bytes) {
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / "seed", std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_corpus FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  write_seed(folder / "pcapng", capture_file());
  write_seed(folder / "ring_view", {});
  write_seed(folder / "recovery", {});
  return 0;
}
