// SPDX-License-Identifier: Apache-2.0
#include "capture/pins.hpp"

#include <stdlib.h>

#include <algorithm>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace caprock::capture {
namespace {

using Names = std::vector<std::string>;

class Directory {
 public:
  Directory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  std::filesystem::path path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "caprock-test-XXXXXX";
};

Names names(const std::vector<std::filesystem::path>& directories) {
  Names names;
  for (const auto& directory : directories)
    names.push_back(directory.filename());
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE(
    "pins: what was set aside is taken, what has another layout is known as not ours to read") {
  const Directory pins;
  for (const char* name : {"v1", "v1_old_5a", "v1_old_7", "v0", "v2", "v2_old_5a", "v12", "links",
                           "vendor", "v1x", "v"})
    std::filesystem::create_directory(pins.path() / name);
  CHECK(generation_directory(pins.path()).filename() == "v1");
  CHECK(names(old_generation_directories(pins.path())) == Names{"v1_old_5a", "v1_old_7"});
  CHECK(names(foreign_generation_directories(pins.path())) ==
        Names{"v0", "v12", "v2", "v2_old_5a"});
}

TEST_CASE("pins: where there is no directory there are none") {
  CHECK(old_generation_directories("/nowhere").empty());
  CHECK(foreign_generation_directories("/nowhere").empty());
}

}  // namespace caprock::capture
