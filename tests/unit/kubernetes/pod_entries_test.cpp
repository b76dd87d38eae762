// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/pod_entries.hpp"

#include <catch2/catch_test_macros.hpp>

#include "told_entries.hpp"

using namespace caprock;
using namespace caprock::kubernetes;
using test::Cluster;
using Messages = std::vector<std::string>;

namespace {

const std::string kId(64, 'a');

/// A pod that is ready, and was told of.
Cluster with_ready_pod() {
  Cluster cluster;
  cluster.set(test::ready_pod());
  cluster.take();
  return cluster;
}

}  // namespace

TEST_CASE("pod entries: a pod's life reads as sentences") {
  Cluster cluster;
  Pod pod = test::pod();
  cluster.set(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 was scheduled to node n1"});
  pod.addresses = {"10.0.3.7", "fd00::7"};
  cluster.set(pod);
  CHECK(cluster.take_messages() ==
        Messages{"pod shop/frontend-7c9 has addresses 10.0.3.7 fd00::7"});
  pod.phase = "Running";
  pod.containers[0].id = kId;
  pod.containers[0].state = Container::State::kRunning;
  cluster.set(pod);
  CHECK(cluster.take_messages() ==
        Messages{"container app of pod shop/frontend-7c9 started: nginx:1.25"});
  pod.ready = true;
  cluster.set(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 is ready"});
  pod.deleting = true;
  cluster.set(pod);
  pod.ready = false;
  cluster.set(pod);
  cluster.remove(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 is being deleted",
                                            "pod shop/frontend-7c9 is not ready any more",
                                            "pod shop/frontend-7c9 is gone"});
}

TEST_CASE("pod entries: that a pod is to end before its time is told, and who wants it") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  pod.eviction = "EvictionByEvictionAPI";
  pod.eviction_message = "Eviction API: evicting";
  cluster.set(pod);
  const auto entry = cluster.take_only();
  CHECK(entry.at("MESSAGE") ==
        "pod shop/frontend-7c9 is being evicted: EvictionByEvictionAPI: "
        "Eviction API: evicting");
  CHECK(entry.at("CAPROCK_EVENT") == "pod-evicting");
  CHECK(entry.at("CAPROCK_REASON") == "EvictionByEvictionAPI");
  pod.eviction_message = "Eviction API: evicting again";
  cluster.set(pod);
  CHECK(cluster.take().empty());
  pod.deleting = true;
  cluster.set(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 is being deleted"});
}

TEST_CASE("pod entries: what did not change is not told") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  pod.annotations["caprock.io/capture"] = "true";
  cluster.set(pod);
  CHECK(cluster.take().empty());
}

TEST_CASE("pod entries: fields say which pod, where, whose, and its addresses' name") {
  Cluster cluster;
  cluster.set(test::pod());
  auto entry = cluster.take_only();
  CHECK(entry["__REALTIME_TIMESTAMP"] == "1795341600000000");
  CHECK(entry["SYSLOG_IDENTIFIER"] == "caprock");
  CHECK(entry["CAPROCK_LAYER"] == "kubernetes");
  CHECK(entry["CAPROCK_EVENT"] == "pod-scheduled");
  CHECK(entry["CAPROCK_NAMESPACE"] == "shop");
  CHECK(entry["CAPROCK_POD"] == "frontend-7c9");
  CHECK(entry["CAPROCK_POD_UID"] == "uid-frontend-7c9");
  CHECK(entry["CAPROCK_NODE"] == "n1");
  CHECK(entry["CAPROCK_OWNER"] == "ReplicaSet/frontend");
  CHECK(entry["CAPROCK_LABELS"] == "app=frontend");
  CHECK(entry["CAPROCK_NAME"] == "shop/frontend-7c9");
  CHECK_FALSE(entry.contains("CAPROCK_ADDRESSES"));
  cluster.remove(test::ready_pod());
  entry = cluster.take_only();
  CHECK(entry["CAPROCK_NAME"] == "shop/frontend-7c9");
  CHECK_FALSE(entry.contains("CAPROCK_ADDRESSES"));
}

TEST_CASE("pod entries: a container that is out of memory is an error, seen or not") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  SECTION("at its end") {
    pod.containers[0].state = Container::State::kTerminated;
    pod.containers[0].reason = "OOMKilled";
    pod.containers[0].exit_code = 137;
  }
  SECTION("as it waits for its next start") {
    pod.containers[0].state = Container::State::kWaiting;
    pod.containers[0].last_end_reason = "OOMKilled";
    pod.containers[0].last_end_code = 137;
  }
  cluster.set(pod);
  auto entry = cluster.take_only();
  CHECK(entry["MESSAGE"] ==
        "container app of pod shop/frontend-7c9 was killed, as its memory ran out: OOMKilled, "
        "exit code 137");
  CHECK(entry["PRIORITY"] == "3");
  CHECK(entry["CAPROCK_EVENT"] == "container-ended");
  CHECK(entry["CAPROCK_REASON"] == "OOMKilled");
  CHECK(entry["EXIT_STATUS"] == "137");
  CHECK(entry["CAPROCK_CONTAINER"] == kId);
  CHECK(entry["CAPROCK_CONTAINER_NAME"] == "app");
}

TEST_CASE("pod entries: a restart tells how often, and why") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  pod.containers[0].id = std::string(64, 'b');
  pod.containers[0].restarts = 3;
  pod.containers[0].last_end_reason = "Error";
  pod.containers[0].last_end_code = 1;
  cluster.set(pod);
  auto entry = cluster.take_only();
  CHECK(entry["MESSAGE"] ==
        "container app of pod shop/frontend-7c9 restarted, 3 times so far; its last end: Error, "
        "exit code 1");
  CHECK(entry["CAPROCK_EVENT"] == "container-restarted");
  CHECK(entry["CAPROCK_RESTARTS"] == "3");
  CHECK(entry["CAPROCK_CONTAINER"] == pod.containers[0].id);
}

TEST_CASE("pod entries: a container that waits tells so, but not at first") {
  Cluster cluster;
  Pod pod = test::pod();
  pod.containers[0].reason = "ContainerCreating";
  cluster.set(pod);
  cluster.take();
  pod.containers[0].reason = "ImagePullBackOff";
  pod.containers[0].message = "Back-off pulling image \"ngnix\"";
  cluster.set(pod);
  auto entry = cluster.take_only();
  CHECK(entry["MESSAGE"] ==
        "container app of pod shop/frontend-7c9 is waiting: ImagePullBackOff: Back-off pulling "
        "image \"ngnix\"");
  CHECK(entry["PRIORITY"] == "4");
  cluster.set(pod);
  CHECK(cluster.take().empty());
}

TEST_CASE("pod entries: the end of a pod is completion, failure or eviction") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  SECTION("completion") {
    pod.phase = "Succeeded";
    cluster.set(pod);
    auto entry = test::entries_of(cluster.take()).at(0);
    CHECK(entry["MESSAGE"] == "pod shop/frontend-7c9 has completed");
    CHECK(entry["CAPROCK_NAME"] == "shop/frontend-7c9");
    CHECK_FALSE(entry.contains("CAPROCK_ADDRESSES"));  // which others may have from now on
  }
  SECTION("eviction") {
    pod.phase = "Failed";
    pod.reason = "Evicted";
    pod.message = "The node was low on resource: memory.";
    cluster.set(pod);
    auto entry = test::entries_of(cluster.take()).at(0);
    CHECK(entry["MESSAGE"] ==
          "pod shop/frontend-7c9 was evicted: Evicted: The node was low on resource: memory.");
    CHECK(entry["CAPROCK_EVENT"] == "pod-evicted");
  }
  SECTION("failure") {
    pod.phase = "Failed";
    cluster.set(pod);
    CHECK(test::entries_of(cluster.take()).at(0)["CAPROCK_EVENT"] == "pod-failed");
  }
}

TEST_CASE("pod entries: text from outside cannot pass for a field, a line or a colour") {
  Cluster cluster = with_ready_pod();
  Pod pod = test::ready_pod();
  pod.containers[0].state = Container::State::kWaiting;
  pod.containers[0].reason = "X\nCAPROCK_LOST=999\nPRIORITY=0";
  pod.containers[0].message = "\x1b[31m" + std::string(100'000, 'x') + "\xff";
  cluster.set(pod);
  auto entry = cluster.take_only();
  CHECK(entry["CAPROCK_REASON"] == "X\\x0aCAPROCK_LOST=999\\x0aPRIORITY=0");
  CHECK(entry["PRIORITY"] == "4");
  CHECK_FALSE(entry.contains("CAPROCK_LOST"));
  CHECK(entry["CAPROCK_DETAIL"].starts_with("\\x1b[31mx"));
  CHECK(entry["CAPROCK_DETAIL"].size() < 1100);
  CHECK(entry["MESSAGE"].size() < 1100);
}
