// SPDX-License-Identifier: Apache-2.0
#include "core/label_selector.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;

namespace {

using Labels = std::map<std::string, std::string>;

bool selects(std::string_view text, const Labels& labels) {
  const auto selector = LabelSelector::parse(text);
  REQUIRE(selector);
  return selector->matches(labels);
}

}  // namespace

TEST_CASE("label selector: means what kubectl -l means") {
  const Labels web = {{"app", "web"}, {"env", "prod"}, {"example.com/canary", ""}};
  struct Row {
    std::string_view text;
    bool selected;
  };
  for (const auto& [text, selected] : {
           Row{"", true},
           Row{" ", true},
           Row{"app=web", true},
           Row{"app==web", true},
           Row{"app = web , env = prod", true},
           Row{"app=web,env=test", false},
           Row{"app!=web", false},
           Row{"tier!=db", true},
           Row{"env in (test, prod)", true},
           Row{"env in (test)", false},
           Row{"env notin (test,stage)", true},
           Row{"env notin (prod)", false},
           Row{"tier notin (db)", true},
           Row{"app", true},
           Row{"tier", false},
           Row{"!tier", true},
           Row{"!app", false},
           Row{"example.com/canary", true},
           Row{"example.com/canary=", true},
           Row{"env in (test,prod),app in (web),!tier", true},
       }) {
    CAPTURE(text);
    CHECK(selects(text, web) == selected);
  }
}

TEST_CASE("label selector: a requirement that is none is named") {
  for (const std::string_view text : {"app=web,=x", "a in test", "a in (x", "a b", "a=b c", "a=(b)",
                                      "a ~ b", "app=web,", ",", "!"}) {
    CAPTURE(text);
    const auto selector = LabelSelector::parse(text);
    CHECK_FALSE(selector);
  }
  CHECK(LabelSelector::parse("app=web,env ~ x").error().message().starts_with("\"env ~ x\" is no"));
}
