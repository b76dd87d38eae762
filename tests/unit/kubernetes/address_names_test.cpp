// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/address_names.hpp"

#include <catch2/catch_test_macros.hpp>

#include "told_entries.hpp"

using namespace caprock;
using namespace caprock::kubernetes;

TEST_CASE("address names: namespace and name, with an end that tells services from pods") {
  CHECK(names_of(test::ready_pod()) == AddressNames{"shop/frontend-7c9", {"10.0.3.7"}});
  CHECK(names_of(test::service()) == AddressNames{"shop/frontend.svc", {"10.96.0.5"}});
}

TEST_CASE("address names: the addresses of a pod that has ended may be another one's") {
  Pod pod = test::ready_pod();
  for (const char* const phase : {"Succeeded", "Failed"}) {
    pod.phase = phase;
    CHECK(names_of(pod).addresses.empty());
  }
}

TEST_CASE("address names: one that Wireshark would cut keeps what tells it from its siblings") {
  const std::string name = "opentelemetry-collector-gateway-7c9d8f5b6d-x2x7k";
  CHECK(address_name("observability-platform", name) ==
        "observability-platform/opentelemetry-coll..way-7c9d8f5b6d-x2x7k");
  CHECK(address_name(std::string(22, 'n'), std::string(40, 'p')).size() == 63);
  CHECK(address_name(std::string(22, 'n'), std::string(41, 'p')).size() == 63);
}

TEST_CASE("address names: what is no address has no name, and a name no control characters") {
  std::vector<std::byte> out;
  const std::vector<AddressNames> names{{"a", {"10.0.3.7", "nonsense", "", "10.0.3.7.8"}},
                                        {"", {"10.0.3.8"}}};
  write_names(out, names);
  CHECK(test::names_in(out) == std::vector<std::string>{"10.0.3.7 a"});
  CHECK(address_name("a\nb", "c") == "a\\x0ab/c");
  out.clear();
  write_names(out, {});
  CHECK(out.empty());
}

TEST_CASE("address names: many names go into several blocks, each once") {
  std::vector<AddressNames> names;
  for (int i = 0; i < 2500; ++i)
    names.push_back({"pod", {"10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250)}});
  std::vector<std::byte> out;
  write_names(out, names);
  CHECK(test::names_in(out).size() == 2500);
}
