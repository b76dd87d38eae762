// SPDX-License-Identifier: Apache-2.0
#include "insight/container.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock::insight;
namespace fs = std::filesystem;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kOther(64, 'f');
const std::string kUid = "8e1f4c2a-0000-4000-8000-0123456789ab";
const std::string kUidInSlice = "8e1f4c2a_0000_4000_8000_0123456789ab";
const std::string kOtherUid = "11111111-2222-4333-8444-555555555555";

os_task task_of(std::uint32_t pid, std::uint64_t start_ns) {
  os_task task{};
  task.pid = pid;
  task.cgroup = 1;
  task.start_ns = start_ns;
  return task;
}

/// Processes that started 1234 and 2345 hundredths of a second after boot.
const os_task kFirst = task_of(500, 12'345'678'901);
const os_task kSecond = task_of(500, 23'450'000'000);

/// A folder with what proc(5) says of processes, where there are cgroups of version 1.
class ProcFolder {
 public:
  ProcFolder() { fs::create_directories(path_); }
  ~ProcFolder() { fs::remove_all(path_); }
  std::string path() const { return path_; }

  void put(int pid, char state, int start, const std::string& container) const {
    const fs::path folder = path_ / std::to_string(pid);
    fs::create_directory(folder);
    std::ofstream(folder / "cgroup")
        << "4:memory:/" << (container.empty() ? "" : "docker/") << container << "\n0::/\n";
    std::ofstream(folder / "stat")
        << pid << " (a) b) " << state << " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 " << start
        << " 20\n";
  }
  void remove(int pid) const { fs::remove_all(path_ / std::to_string(pid)); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("caprock-proc-" + std::to_string(getpid()));
};

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
  CHECK(containers.of(task_of(1 << 30, 0)) == ContainerIdentity{});
  CHECK(containers.of(task_of(static_cast<std::uint32_t>(getpid()), 0)) == ContainerIdentity{});
  CHECK(containers.of(1 << 30) == ContainerIdentity{});
}

TEST_CASE("container: a process keeps its container when it has ended, with cgroups of version 1") {
  const ProcFolder proc;
  Containers containers(proc.path());
  proc.put(500, 'S', 1234, kId);
  CHECK(containers.of(kFirst).container == kId);
  proc.put(500, 'Z', 1234, "");
  CHECK(containers.of(kFirst).container == kId);
  proc.remove(500);
  CHECK(containers.of(kFirst).container == kId);
}

TEST_CASE("container: a process that ends while it is read keeps its container") {
  const ProcFolder proc;
  Containers containers(proc.path());
  proc.put(500, 'S', 1234, kId);
  CHECK(containers.of(kFirst).container == kId);
  proc.remove(500);
  std::filesystem::create_directories(proc.path() +
                                      "/500/stat");  // is opened, and fails to be read
  CHECK(containers.of(kFirst).container == kId);
}

TEST_CASE("container: of two processes of one number each has its own") {
  const ProcFolder proc;
  Containers containers(proc.path());
  proc.put(500, 'S', 2345, kId);
  CHECK(containers.of(kFirst) == ContainerIdentity{});
  CHECK(containers.of(kSecond).container == kId);
  proc.put(500, 'S', 3456, kOther);
  CHECK(containers.of(kSecond).container == kId);
}

TEST_CASE("container: a process that leaves its container has none") {
  const ProcFolder proc;
  Containers containers(proc.path());
  proc.put(500, 'S', 1234, kId);
  CHECK(containers.of(kFirst).container == kId);
  proc.put(500, 'S', 1234, "");
  CHECK(containers.of(kFirst) == ContainerIdentity{});
}
