// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <unistd.h>

#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock::insight;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("container: every runtime's cgroup names its id") {
  const std::string path =
      GENERATE(as<std::string>{},
               "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1a2b.slice/"
               "cri-containerd-" +
                   kId + ".scope",
               "0::/kubepods/besteffort/pod8e1f4c2a-0000-4000-8000-0123456789ab/" + kId,
               "0::/kubepods.slice/crio-" + kId + ".scope/container", "4:memory:/docker/" + kId,
               "0::/machine.slice/libpod-" + kId + ".scope");
  CHECK(container_in(path) == kId);
}

TEST_CASE("container: other paths name none") {
  const std::string path = GENERATE(as<std::string>{}, "", "0::/", "0::/user.slice/user-1000.slice",
                                    "0::/docker/" + kId + "0", "0::/docker/" + kId.substr(1));
  CHECK(container_in(path).empty());
}

TEST_CASE("container: a process that is gone, or in no container, has none") {
  Containers containers;
  CHECK(containers.of(7, 1 << 30).empty());
  CHECK(containers.of(7, static_cast<std::uint32_t>(getpid())).empty());
  CHECK(Containers::of(1 << 30).empty());
}
