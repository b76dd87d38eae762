// SPDX-License-Identifier: Apache-2.0
#include "store/ring_file.hpp"

#include <sys/mman.h>

#include <algorithm>

#include "recorder.hpp"

namespace caprock::store {
namespace {

using test::kMebibyte;

std::unique_ptr<RingFile> map_ring(const std::filesystem::path& path) {
  auto fd = RingFile::open_descriptor(path);
  REQUIRE(fd);
  auto file = RingFile::map(*std::move(fd), path, {kMebibyte, 16});
  REQUIRE(file);
  return *std::move(file);
}

std::size_t resident_pages(Bytes bytes) {
  std::vector<unsigned char> pages(bytes.size() / kPageBytes);
  REQUIRE(::mincore(const_cast<std::byte*>(bytes.data()), bytes.size(), pages.data()) == 0);
  return static_cast<std::size_t>(
      std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; }));
}

TEST_CASE("ring file: while it is recorded into, a page that has to be read brings no others") {
  const test::TemporaryDirectory directory;
  const auto file = map_ring(directory / "ring.pcapng");
  file->expect_writes();
  REQUIRE(file->prepare(0));
  const MutableBytes segment = file->segment(0);
  std::ranges::fill(segment, std::byte{0x5A});
  REQUIRE(file->sync());
  file->evict(0);
  if (resident_pages(segment) != 0) SKIP("the file system keeps the pages");
  segment[kMebibyte / 2] = std::byte{1};
  CHECK(resident_pages(segment) == 1);
}

}  // namespace
}  // namespace caprock::store
