// SPDX-License-Identifier: Apache-2.0
#include "core/pod_directory.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock;

namespace {

PodIdentity pod(int number) {
  const std::string text = std::to_string(number);
  return {"uid-" + text, "shop", "pod-" + text};
}

}  // namespace

TEST_CASE("pod directory: a pod is found by its containers, the earlier ones too, and its uid") {
  PodDirectory directory;
  directory.set(pod(1), {"a", ""}, "uid-1");
  directory.set(pod(1), {"b"}, "uid-1");
  directory.set(pod(2), {"c"}, "uid-2");
  CHECK(directory.find("a", "") == pod(1));
  CHECK(directory.find("b", "uid-2") == pod(1));
  CHECK(directory.find("d", "uid-2") == pod(2));
  CHECK_FALSE(directory.find("d", ""));
  CHECK_FALSE(directory.find("", ""));
}

TEST_CASE(
    "pod directory: a static pod is found by its cgroup's uid, whichever object stands for it") {
  PodDirectory directory;
  directory.set(pod(1), {}, "hash");
  CHECK(directory.find("", "hash") == pod(1));
  directory.remove("uid-1");
  directory.set(pod(2), {}, "hash");
  CHECK(directory.find("", "hash") == pod(2));
  for (int i = 3; i < 2000; ++i) {
    directory.set(pod(i), {}, pod(i).uid);
    directory.remove(pod(i).uid);
  }
  CHECK(directory.find("", "hash") == pod(2));
}

TEST_CASE("pod directory: a pod that is gone is known for a while, and then not any more") {
  PodDirectory directory;
  const int most = PodDirectory::kMostGone;
  for (int i = 0; i <= 100'000; ++i) {
    directory.set(pod(i), {"container-" + std::to_string(i)}, pod(i).uid);
    directory.remove("uid-" + std::to_string(i));
    directory.remove("uid-" + std::to_string(i));
  }
  CHECK(directory.find("", "uid-100000") == pod(100'000));
  CHECK(directory.find("container-" + std::to_string(100'001 - most), ""));
  CHECK_FALSE(directory.find("container-" + std::to_string(100'000 - most), ""));
  CHECK_FALSE(directory.find("", "uid-0"));
}

TEST_CASE("pod directory: a container that starts again and again takes no more and more memory") {
  PodDirectory directory;
  for (int i = 0; i < 1000; ++i)
    directory.set(pod(1), {std::to_string(i)}, "uid-1");
  CHECK(directory.find("999", ""));
  CHECK(directory.find("990", ""));
  CHECK_FALSE(directory.find("0", ""));
}

TEST_CASE("pod directory: one that comes back is not gone") {
  PodDirectory directory;
  directory.set(pod(1), {}, "uid-1");
  directory.remove("uid-1");
  directory.set(pod(1), {}, "uid-1");
  for (int i = 2; i < 2000; ++i) {
    directory.set(pod(i), {}, pod(i).uid);
    directory.remove("uid-" + std::to_string(i));
  }
  CHECK(directory.find("", "uid-1") == pod(1));
}
