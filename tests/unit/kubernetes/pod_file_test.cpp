// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/pod_file.hpp"

#include <fstream>

#include <catch2/catch_test_macros.hpp>

#include "core/text_file.hpp"
#include "support/temporary_file.hpp"

using namespace caprock;
using namespace caprock::kubernetes;

TEST_CASE("pod file: what a filter and a search for links need is as it was") {
  const test::TemporaryFile file;
  Pod front;
  front.uid = "f00";
  front.namespace_name = "shop";
  front.name = "front";
  front.node = "node-1";
  front.labels = {{"app", "front"}};
  front.annotations = {{"caprock.io/capture", "true"}};
  front.phase = "Running";
  front.addresses = {"10.0.0.7", "fd00::7"};
  front.host_address = "192.168.0.1";
  Pod proxy = front;
  proxy.uid = "f01";
  proxy.host_network = true;
  proxy.deleting = true;
  proxy.static_uid = "0123456789abcdef0123456789abcdef";
  REQUIRE(replace_text(file.path(), list_text({{"f00", front}, {"f01", proxy}})));
  const auto read = read_pods(file.path());
  REQUIRE(read);
  CHECK(*read == std::vector{front, proxy});
}

TEST_CASE("pod file: none is no pods, and one that is broken is named") {
  CHECK(read_pods("/nonexistent/pods.json")->empty());
  const test::TemporaryFile file;
  std::ofstream(file.path()) << "{\"items\": 7";
  const auto read = read_pods(file.path());
  REQUIRE_FALSE(read);
  CHECK(read.error().message().ends_with(
      ": not a list of pods; it is written anew when the API server has told them"));
}
