// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <unistd.h>

#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock::insight;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kOther(64, 'f');
const std::string kUid = "8e1f4c2a-0000-4000-8000-0123456789ab";
const std::string kUidInSlice = "8e1f4c2a_0000_4000_8000_0123456789ab";
const std::string kOtherUid = "11111111-2222-4333-8444-555555555555";

}  // namespace

TEST_CASE("container: every runtime's cgroup names its id") {
  const std::string path = GENERATE(
      as<std::string>{}, "4:memory:/docker/" + kId, "0::/system.slice/docker-" + kId + ".scope",
      "0::/machine.slice/libpod-" + kId + ".scope",
      "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId +
          ".scope/container",
      "0::/system.slice/containerd.service/" + kId);
  CHECK(container_in(path) == ContainerIdentity{kId, ""});
}

TEST_CASE("container: a pod's cgroup names container and pod, with every driver and runtime") {
  const std::string path = GENERATE(
      as<std::string>{},
      "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidInSlice +
          ".slice/cri-containerd-" + kId + ".scope",
      "0::/kubepods.slice/kubepods-pod" + kUidInSlice + ".slice/crio-" + kId + ".scope/container",
      "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kUidInSlice +
          ".slice/docker-" + kId + ".scope",
      "0::/kubepods/besteffort/pod" + kUid + "/" + kId, "0::/kubepods/pod" + kUid + "/crio-" + kId,
      "7:cpu,cpuacct:/kubepods/burstable/pod" + kUid + "/" + kId,
      "0::/docker/" + kOther + "/kubelet/kubepods/burstable/pod" + kUid + "/" + kId,
      "0::/docker/" + kOther +
          "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
          "kubelet-kubepods-burstable-pod" +
          kUidInSlice + ".slice/cri-containerd-" + kId + ".scope",
      "0::/kubepods/pod" + kUid + "/" + kId + "/docker/" + kOther,
      "0::/kubepods/pod" + kOtherUid + "/" + kOther + "/kubelet/kubepods/pod" + kUid + "/" + kId);
  CHECK(container_in(path) == ContainerIdentity{kId, kUid});
}

TEST_CASE("container: a pod is known before it has a container, a static one by its hash") {
  CHECK(container_in("0::/kubepods/burstable/pod" + kUid) == ContainerIdentity{"", kUid});
  CHECK(container_in("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
                     "pod0123456789abcdef0123456789abcdef.slice/cri-containerd-" +
                     kId + ".scope") == ContainerIdentity{kId, "0123456789abcdef0123456789abcdef"});
}

TEST_CASE("container: other paths name none") {
  const std::string path = GENERATE(
      as<std::string>{}, "", "0::/", "0::/user.slice/user-1000.slice", "0::/docker/" + kId + "0",
      "0::/docker/" + kId.substr(1), "0::/kubepods/pod" + kUid + "0", "0::/kubepods/pod",
      "0::/user-pod" + kUidInSlice + ".slice", "0::/podman-" + kUid, "-pod.slice", ".slice");
  CHECK(container_in(path) == ContainerIdentity{});
}

TEST_CASE("container: a process that is gone, or in no container, has none") {
  Containers containers;
  CHECK(containers.of(7, 1 << 30) == ContainerIdentity{});
  CHECK(containers.of(7, static_cast<std::uint32_t>(getpid())) == ContainerIdentity{});
  CHECK(Containers::of(1 << 30) == ContainerIdentity{});
}
