// SPDX-License-Identifier: Apache-2.0
#include "agent/file_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch_test_macros.hpp>

#include "core/fd.hpp"
#include "core/text_file.hpp"
#include "support/temporary_file.hpp"

using namespace caprock;
using namespace caprock::agent;

namespace {

std::string text_of(const std::filesystem::path& file) {
  const auto text = read_text(file, 100);
  return text ? *text : text.error().message();
}

}  // namespace

TEST_CASE("file writer: the file has the last text, and who wants it waits for it") {
  const test::TemporaryFile file;
  FileWriter writer(file.path());
  CHECK(writer.finish());
  for (const char* const text : {"one", "", "three"}) {
    writer.replace(text);
    REQUIRE(writer.finish());
    CHECK_FALSE(writer.busy());
    CHECK(text_of(file.path()) == text);
  }
  CHECK_FALSE(std::filesystem::exists(file.path().string() + ".new"));
}

TEST_CASE("file writer: who has a text written does not wait for the disk") {
  const test::TemporaryFile file;
  const std::string fresh = file.path().string() + ".new";
  REQUIRE(::mkfifo(fresh.c_str(), 0600) == 0);  // opened for writing it waits for a reader
  FileWriter writer(file.path());
  writer.replace("one");
  CHECK(writer.busy());
  const Fd reader(::open(fresh.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(writer.finish());
}

TEST_CASE("file writer: what could not be written is told once, with the file") {
  FileWriter writer("/nonexistent/pods.json");
  writer.replace("one");
  const Status written = writer.finish();
  REQUIRE_FALSE(written);
  CHECK(written.error().message().starts_with("/nonexistent/pods.json.new: "));
  CHECK(writer.finish());
}
