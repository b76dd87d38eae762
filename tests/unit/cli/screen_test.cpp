// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.hpp"

#include <catch2/catch_test_macros.hpp>

using caprock::cli::cut_page;

TEST_CASE("screen: of a page that does not fit the beginning of each line is shown") {
  CHECK(cut_page("one\ntwo\nthree\n", {4, 80}) == "one\ntwo\nthree\n");
  CHECK(cut_page("one\ntwo\nthree\n", {3, 2}) == "on\ntw\n");
  CHECK(cut_page("", {4, 80}).empty());
}

TEST_CASE("screen: a line is cut between characters, not within one") {
  CHECK(cut_page("äöü\n", {4, 2}) == "äö\n");
  CHECK(cut_page("äöü\n", {4, 3}) == "äöü\n");
}
