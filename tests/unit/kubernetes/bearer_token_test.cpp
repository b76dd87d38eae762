// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/bearer_token.hpp"

#include <unistd.h>

#include <fstream>

#include <catch2/catch_test_macros.hpp>

using caprock::kubernetes::BearerToken;
using namespace std::chrono_literals;

namespace {

class TokenFile {
 public:
  explicit TokenFile(const std::string& text)
      : path(std::filesystem::temp_directory_path() /
             ("caprock-bearer-" + std::to_string(::getpid()))) {
    write(text);
  }
  ~TokenFile() { std::filesystem::remove(path); }
  void write(const std::string& text) const { std::ofstream(path) << text; }

  std::filesystem::path path;
};

}  // namespace

TEST_CASE("bearer token: a file is read again once it has aged") {
  const TokenFile file("one\n");
  BearerToken fresh("", file.path, 1h);
  BearerToken aged("", file.path, 0ms);
  CHECK(*fresh.current() == "one");
  CHECK(*aged.current() == "one");
  file.write("two\n");
  CHECK(*fresh.current() == "one");
  CHECK(*aged.current() == "two");
}

TEST_CASE("bearer token: one that was refused is read again at once") {
  const TokenFile file("one");
  BearerToken token("", file.path, 1h);
  CHECK(*token.current() == "one");
  CHECK_FALSE(token.renew("one"));  // the same
  file.write("two");
  CHECK(token.renew("one"));
  CHECK(*token.current() == "two");
  CHECK_FALSE(token.renew("two"));
  CHECK_FALSE(BearerToken("fixed", {}, 1h).renew("fixed"));
}

TEST_CASE("bearer token: to who was refused the one before there is another one already") {
  const TokenFile file("one");
  BearerToken token("", file.path, 1h);
  CHECK(*token.current() == "one");
  file.write("two");
  CHECK(token.renew("one"));
  file.write("three");  // not read: nobody was refused with two
  CHECK(token.renew("one"));
  CHECK(*token.current() == "two");
}

TEST_CASE("bearer token: while the file is missing or empty the last one is used") {
  const TokenFile file("one");
  BearerToken token("", file.path, 0ms);
  CHECK(*token.current() == "one");
  file.write("");
  CHECK(*token.current() == "one");
  std::filesystem::remove(file.path);
  CHECK(*token.current() == "one");
  const auto never = BearerToken("", file.path, 0ms).current();
  REQUIRE_FALSE(never);
  CHECK(never.error().message() ==
        file.path.string() + ": cannot be read: No such file or directory");
}
