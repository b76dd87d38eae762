// SPDX-License-Identifier: Apache-2.0
#include "export/name_history.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>

#include "export/flow_text.hpp"
#include "support/name_records.hpp"
#include "told_names.hpp"

namespace caprock::exporting {
namespace {

constexpr std::int64_t kMs = 1'000'000;

/// Times in ms.
class Told {
 public:
  Told& operator()(std::int64_t time, std::string_view event, std::string_view name = {},
                   std::string_view addresses = {}) {
    std::vector<std::byte> bytes;
    test::append_names(bytes, time * kMs, event, name, addresses);
    history.take(*pcapng::BlockCursor(bytes).next());
    return *this;
  }

  /// "10:10.0.3.7 shop/a " for each naming of the window.
  std::string in(std::int64_t from, std::int64_t to) const {
    return text_of(history.namings(from * kMs, to * kMs));
  }

  static std::string text_of(const std::vector<Naming>& namings) {
    std::string text;
    for (const Naming& naming : namings)
      text += fmt::format("{}:{} ", naming.begin_ns / kMs,
                          test::names_in(name_blocks({&naming, 1}))[0]);
    return text;
  }

  NameHistory history;
};

}  // namespace

TEST_CASE(
    "name history: an address has its name from the beginning of the window in which it gets it") {
  Told told;
  told(10, "pod-scheduled", "shop/a")(20, "pod-address", "shop/a", "10.0.3.7 fd00::7")(
      30, "pod-ready", "shop/a", "10.0.3.7 fd00::7");
  CHECK(told.in(0, 10).empty());
  CHECK(told.in(0, 11) == "0:10.0.3.7 shop/a 0:fd00::7 shop/a ");
  CHECK(told.in(25, 30) == "25:10.0.3.7 shop/a 25:fd00::7 shop/a ");
}

TEST_CASE("name history: what is gone before the window has no name in it") {
  Told told;
  told(10, "pod-address", "shop/a", "10.0.3.7")(20, "pod-removed", "shop/a");
  CHECK(told.in(19, 100) == "19:10.0.3.7 shop/a ");
  CHECK(told.in(20, 100).empty());
}

TEST_CASE("name history: two pods that have an address in sequence have it each in its time") {
  Told told;
  told(10, "pod-address", "shop/a", "10.0.3.7")(20, "pod-completed", "shop/a")(
      40, "pod-address", "shop/b", "10.0.3.7")(50, "pod-removed", "shop/a");
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/a 40:10.0.3.7 shop/b ");
  CHECK(told.in(30, 100) == "30:10.0.3.7 shop/b ");
  CHECK(told.in(0, 40) == "0:10.0.3.7 shop/a ");
}

TEST_CASE("name history: an address is the new pod's, though the old one is still told of") {
  Told told;
  told(10, "pod-address", "shop/a", "10.0.3.7")(20, "pod-address", "shop/b", "10.0.3.7")(
      25, "pod-not-ready", "shop/a", "10.0.3.7")(30, "pod-removed", "shop/a");
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/a 20:10.0.3.7 shop/b ");
  CHECK(told.in(35, 100) == "35:10.0.3.7 shop/b ");
}

TEST_CASE("name history: what an inventory does not tell again ended with it at the latest") {
  Told told;
  told(10, "pod", "shop/a", "10.0.3.7")(11, "pod", "shop/b", "10.0.3.8")(20, "inventory")(
      20, "pod", "shop/b", "10.0.3.8")(20, "service", "shop/s.svc", "10.96.0.5");
  CHECK(told.in(15, 100) == "15:10.0.3.7 shop/a 15:10.0.3.8 shop/b 15:10.96.0.5 shop/s.svc ");
  CHECK(told.in(25, 100) == "25:10.0.3.8 shop/b 25:10.96.0.5 shop/s.svc ");
  told(30, "inventory")(30, "pod", "shop/a", "10.0.3.7");
  CHECK(told.in(22, 28) == "22:10.0.3.8 shop/b 22:10.96.0.5 shop/s.svc ");
  CHECK(told.in(35, 100) == "35:10.0.3.7 shop/a ");
}

TEST_CASE("name history: of an inventory's pods with one address the last has it") {
  Told told;
  told(10, "inventory")(10, "pod", "shop/old", "10.0.3.7")(10, "pod", "shop/new", "10.0.3.7");
  CHECK(told.in(20, 30) == "20:10.0.3.7 shop/new ");
  told(40, "inventory")(40, "pod", "shop/old", "10.0.3.7")(40, "pod", "shop/new", "10.0.3.7");
  CHECK(told.in(45, 50) == "45:10.0.3.7 shop/new ");
}

TEST_CASE(
    "name history: a pod has its addresses since it was scheduled, as far as nobody else had "
    "them") {
  Told told;
  told(10, "pod-scheduled", "shop/job")(20, "pod-address", "shop/job", "10.0.3.7")(
      20, "pod-completed", "shop/job");
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/job ");
  CHECK(told.in(12, 18) == "12:10.0.3.7 shop/job ");
  CHECK(told.in(20, 100).empty());
  told(15, "pod-scheduled", "shop/b")(30, "pod-address", "shop/b", "10.0.3.7");
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/job 20:10.0.3.7 shop/b ");
  told(35, "pod-scheduled", "shop/c")(40, "pod-address", "shop/c", "10.0.3.7");
  CHECK(told.in(25, 100) == "25:10.0.3.7 shop/b 40:10.0.3.7 shop/c ");
  told(50, "pod-removed", "shop/c")(60, "pod-address", "shop/c", "10.0.3.7");
  CHECK(told.in(55, 60).empty());
}

TEST_CASE("name history: news are told once") {
  Told told;
  told(10, "pod-address", "shop/a", "10.0.3.7")(20, "pod-ready", "shop/a", "10.0.3.7");
  CHECK(Told::text_of(told.history.take_news()) == "10:10.0.3.7 shop/a ");
  told(30, "inventory")(30, "pod", "shop/a", "10.0.3.7");
  CHECK(told.history.take_news().empty());
}

TEST_CASE("name history: what ended may be forgotten, and the rest goes on") {
  Told told;
  told(5, "inventory")(10, "pod-address", "shop/a", "10.0.3.7")(
      10, "pod-address", "shop/b", "10.0.3.8")(20, "pod-removed", "shop/a");
  told.history.forget_ended(19 * kMs);
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/a 0:10.0.3.8 shop/b ");
  told.history.forget_ended(20 * kMs);
  CHECK(told.in(0, 100) == "0:10.0.3.8 shop/b ");
  told(30, "pod-address", "shop/c", "10.0.3.7")(40, "pod-removed", "shop/a")(50, "pod-removed",
                                                                             "shop/b");
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/c 0:10.0.3.8 shop/b ");
  CHECK(told.in(60, 100) == "60:10.0.3.7 shop/c ");
}

TEST_CASE("name history: of an inventory that is not yet complete nothing is forgotten") {
  Told told;
  told(10, "pod-address", "shop/a", "10.0.3.7")(11, "pod-address", "shop/b", "10.0.3.8");
  told(20, "inventory")(20, "pod", "shop/a", "10.0.3.7");
  told.history.take_news();
  told.history.forget_ended(20 * kMs);
  told(20, "pod", "shop/b", "10.0.3.8");
  CHECK(told.history.take_news().empty());
  CHECK(told.in(0, 100) == "0:10.0.3.7 shop/a 0:10.0.3.8 shop/b ");
}

TEST_CASE("name history: other entries tell no names, nor does hostile text") {
  Told told;
  told(10, "container-started")(11, "pod", "shop/a", "nonsense  10.0.3.7.8 \x0a")(12, "pod", {},
                                                                                  "10.0.3.7");
  CHECK(told.in(0, 100).empty());
  std::vector<std::byte> bytes;
  test::append_names(bytes, 13 * kMs, "pod", "shop/a", "10.0.3.7");
  told.history.take({bytes, pcapng::kEnhancedPacket});
  CHECK(told.in(0, 100).empty());
}

}  // namespace caprock::exporting
