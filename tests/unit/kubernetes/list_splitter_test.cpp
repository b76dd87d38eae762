// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/list_splitter.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock;
using caprock::kubernetes::ListSplitter;
using nlohmann::json;

namespace {

struct Split {
  std::vector<json> items;
  Result<json> frame = Error("");
};

/// Fed in pieces of `piece` bytes.
Split split(const std::string& list, std::size_t piece) {
  Split split;
  ListSplitter splitter([&](const json& item) -> Status {
    split.items.push_back(item);
    return {};
  });
  for (std::size_t at = 0; at < list.size(); at += piece)
    if (const Status fed = splitter.feed(list.substr(at, piece)); !fed) {
      split.frame = fed.error();
      return split;
    }
  split.frame = splitter.finish();
  return split;
}

}  // namespace

TEST_CASE("list splitter: objects come one by one, and the rest as a list without them") {
  const auto piece = GENERATE(1U, 2U, 7U, 10000U);
  const json item = {{"items", {1, 2}}, {"text", "\"}],{[\\"}, {"metadata", {{"items", {{}}}}}};
  const json list = {{"items", {item, json::object(), item}},
                     {"kind", "items"},
                     {"metadata", {{"continue", "x"}, {"other", {{"items", {1}}}}}},
                     {"other", {{{"a", 1}}}}};
  const auto found = split(list.dump(GENERATE(-1, 2)), piece);
  CHECK(found.items == std::vector<json>{item, json::object(), item});
  REQUIRE(found.frame);
  auto rest = list;
  rest["items"] = json::array();
  CHECK(*found.frame == rest);
}

TEST_CASE("list splitter: a list may have no items") {
  const auto* list =
      GENERATE(R"({"items":null,"a":[1]})", R"({"items":[],"a":[1]})", R"({"a":[1]})");
  const auto found = split(list, 3);
  CHECK(found.items.empty());
  REQUIRE(found.frame);
  CHECK((*found.frame)["a"] == json{1});
}

TEST_CASE("list splitter: what is cut off or no JSON is told") {
  CHECK(split(R"({"items":[{"a":1},{"b)", 3).frame.error().message() == "the list is cut off");
  CHECK(split(R"({"items":[{"a":1}])", 3).frame.error().message() == "the list is cut off");
  CHECK(split("", 3).frame.error().message() == "the list is not JSON");
  CHECK(split("<html>", 3).frame.error().message() == "the list is not JSON");
  CHECK(split("]", 3).frame.error().message() == "the list is not JSON");
  CHECK(split(R"({"items":[{a}]})", 3).frame.error().message() ==
        "an object of the list is not JSON");
}

TEST_CASE("list splitter: it does not take in what would never end") {
  const std::string endless(9 << 20, 'x');
  CHECK(split("{\"items\":[{\"a\":\"" + endless, 4096).frame.error().message() ==
        "an object of the list is too long");
  CHECK(split(endless, 4096).frame.error().message() == "the answer is no list of objects");
}
