// SPDX-License-Identifier: Apache-2.0
#include "store/direct_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "recorder.hpp"

namespace caprock::store::test {
namespace {

constexpr std::size_t kBytes = 1 << 20;

/// Memory as the stage has it: whole pages, here with a pattern that tells them apart.
class Pages {
 public:
  Pages() : memory_(new (std::align_val_t{kPageBytes}) std::byte[kBytes]) {
    for (std::size_t i = 0; i < kBytes; ++i)
      memory_[i] = static_cast<std::byte>(i / kPageBytes + i);
  }
  Bytes bytes() const { return {memory_.get(), kBytes}; }

 private:
  struct Release {
    void operator()(std::byte* memory) const {
      operator delete[](memory, std::align_val_t{kPageBytes});
    }
  };
  std::unique_ptr<std::byte[], Release> memory_;
};

struct Fixture {
  TemporaryDirectory directory;
  std::filesystem::path path = directory / "file";
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  std::optional<DirectFile> file = DirectFile::open(fd.get());
  Pages pages;

  Fixture() {
    if (!file) SKIP("this file system has no direct I/O");
  }

  void check_written_twice() const {
    const std::vector<std::byte> content = read_file(path);
    REQUIRE(content.size() == 2 * kBytes);
    CHECK(std::memcmp(content.data(), pages.bytes().data(), kBytes) == 0);
    CHECK(std::memcmp(content.data() + kBytes, pages.bytes().data(), kBytes) == 0);
  }
};

TEST_CASE("direct writer: what it has finished is in the file, from memory pinned or not") {
  const Fixture f;
  DirectWriter writer(*f.file);
  SECTION("pinned") {
    const Bytes memory = f.pages.bytes();
    writer.pin({&memory, 1});
  }
  SECTION("not pinned") {}
  SECTION("other memory pinned") {
    const Pages other;
    const Bytes memory = other.bytes();
    writer.pin({&memory, 1});
    writer.start(memory, 0);
    REQUIRE(writer.finish());
  }
  writer.start(f.pages.bytes(), 0);
  REQUIRE(writer.finish());
  writer.start(f.pages.bytes(), kBytes);
  REQUIRE(writer.finish());
  f.check_written_twice();
}

TEST_CASE("direct writer: a write that the kernel refuses is told, and the next one is done") {
  const Fixture f;
  DirectWriter writer(*f.file);
  writer.start(f.pages.bytes(), 3);  // no device writes from there
  CHECK_FALSE(writer.finish());
  CHECK(errno == EINVAL);
  writer.start(f.pages.bytes(), 0);
  REQUIRE(writer.finish());
  writer.start(f.pages.bytes(), kBytes);
  REQUIRE(writer.finish());
  f.check_written_twice();
}

TEST_CASE("direct writer: mappings of the file see what was written") {
  const Fixture f;
  REQUIRE(::ftruncate(f.fd.get(), 2 * kBytes) == 0);
  DirectWriter writer(*f.file);
  writer.start(f.pages.bytes(), 0);
  REQUIRE(writer.finish());
  const auto mapping = Mapping::shared(f.fd.get(), 2 * kBytes, PROT_READ);
  REQUIRE(mapping);
  CHECK(mapping->data()[kBytes] == std::byte{0});
  writer.start(f.pages.bytes(), kBytes);
  REQUIRE(writer.finish());
  CHECK(std::memcmp(mapping->data() + kBytes, f.pages.bytes().data(), kBytes) == 0);
}

}  // namespace
}  // namespace caprock::store::test
