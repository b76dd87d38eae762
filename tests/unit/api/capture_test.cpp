// SPDX-License-Identifier: Apache-2.0
#include "api/capture.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;
using namespace caprock::api;

using Assignments = std::vector<std::string>;

TEST_CASE("capture document: what can be changed has the configuration's names") {
  CaptureDocument document;
  document.regex = "^front";
  document.namespaces = {"shop"};
  const std::string text = to_json_text(document);
  for (const char* part :
       {R"("regex": "^front")", R"("namespaces": [)", R"("shop")", R"("excludedNamespaces": [])",
        R"("labelSelector": "")", R"("raw": {)", R"("enabled": true)", R"("changed": false)"}) {
    CAPTURE(part);
    CHECK(text.find(part) != text.npos);
  }
}

TEST_CASE("capture document: a merge patch comes to assignments") {
  const auto assignments = assignments_of(
      R"({"namespaces": ["shop", "bank"], "regex": "a\"b", "raw": {"enabled": false}})");
  REQUIRE(assignments);
  CHECK(*assignments == Assignments{R"(tap.namespaces=["shop","bank"])", R"(tap.regex="a\"b")",
                                    "tap.capture.raw.enabled=false"});
  CHECK(assignments_of("{}")->empty());
}

TEST_CASE("capture document: what is no change is refused") {
  CHECK(assignments_of("nonsense").error().message() == "the change is no JSON");
  CHECK(assignments_of("[]").error().message() == "the change must be an object");
  CHECK(assignments_of(R"({"raw": true})").error().message() == "/raw must be an object");
  CHECK(assignments_of(R"({"namespace": "x"})").error().message() ==
        "there is no /namespace to change; GET shows what there is");
  CHECK(assignments_of(R"({"changed": true})").error().message() ==
        "there is no /changed to change; GET shows what there is");
}
