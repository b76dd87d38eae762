// SPDX-License-Identifier: Apache-2.0
#include "config/reference.hpp"

#include <regex>

#include <catch2/catch_test_macros.hpp>

#include "config/config.hpp"
#include "config/ignored_key.hpp"
#include "config/key.hpp"
#include "temporary_file.hpp"

using namespace caprock;
using namespace caprock::config;
using caprock::test::TemporaryFile;

TEST_CASE("config: the default file sets nothing") {
  const TemporaryFile file(default_file());
  const auto result = load(file.path(), {});
  REQUIRE(result);
  CHECK(result->config == Config{});
}

TEST_CASE("config: every key of the default file, switched on, has its default") {
  const std::string text = std::regex_replace(default_file(), std::regex("#(\\w+: )"), "$1");
  REQUIRE(text != default_file());
  const TemporaryFile file(text);
  const auto result = load(file.path(), {});
  if (!result) FAIL(result.error().message());
  CHECK(result->config == Config{});
}

TEST_CASE("config: no key is used and ignored at once, nor below one that is ignored") {
  for (const auto path : ignored_keys()) {
    CAPTURE(path);
    CHECK(find_key(path) == nullptr);
    CHECK_FALSE(is_section(path));
  }
}

TEST_CASE("config: file and reference name every key") {
  const auto markdown = reference();
  for (const auto& key : keys()) {
    CAPTURE(key.path);
    CHECK(markdown.find("`" + std::string(key.path) + "`") != markdown.npos);
  }
}
