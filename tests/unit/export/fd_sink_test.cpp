// SPDX-License-Identifier: Apache-2.0
#include "export/fd_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

#include "core/fd.hpp"
#include "support/temporary_file.hpp"

namespace caprock::exporting {
namespace {

const std::vector<std::byte> kBytes(100'000, std::byte{7});

}  // namespace

TEST_CASE("fd sink: a file holds what was written, and no space beyond it") {
  const test::TemporaryFile file;
  const Fd fd(::open(file.path().c_str(), O_WRONLY));
  struct stat status {};
  {
    FdSink sink(fd.get(), "out");
    REQUIRE(sink.write(kBytes));
    REQUIRE(sink.write(kBytes));
  }
  REQUIRE(::fstat(fd.get(), &status) == 0);
  CHECK(status.st_size == 200'000);
  CHECK(status.st_blocks * 512 < 1'000'000);
}

TEST_CASE("fd sink: what a file has behind the place that is written to stays there") {
  const test::TemporaryFile file(std::vector<std::byte>(300'000, std::byte{9}));
  const Fd fd(::open(file.path().c_str(), O_WRONLY));
  {
    FdSink sink(fd.get(), "out");
    REQUIRE(sink.write(kBytes));
  }
  const std::vector<std::byte> bytes = file.read();
  CHECK(bytes.size() == 300'000);
  CHECK(bytes[99'999] == std::byte{7});
  CHECK(bytes[100'000] == std::byte{9});
}

TEST_CASE("fd sink: what somebody else appends meanwhile stays there") {
  const test::TemporaryFile file;
  const Fd fd(::open(file.path().c_str(), O_WRONLY));
  {
    FdSink sink(fd.get(), "out");
    REQUIRE(sink.write(kBytes));
    const Fd other(::open(file.path().c_str(), O_WRONLY | O_APPEND));
    REQUIRE(::write(other.get(), "more", 4) == 4);
  }
  CHECK(file.read().size() == 100'004);
}

TEST_CASE("fd sink: an error names the file") {
  const Fd fd(::open("/dev/full", O_WRONLY));
  FdSink sink(fd.get(), "capture.pcapng");
  const auto written = sink.write(kBytes);
  REQUIRE_FALSE(written);
  CHECK(written.error().message() == "capture.pcapng: No space left on device");
}

}  // namespace caprock::exporting
