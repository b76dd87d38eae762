// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/cluster_journal.hpp"

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "told_entries.hpp"

using namespace caprock;
using namespace caprock::kubernetes;
using test::Cluster;
using Messages = std::vector<std::string>;
using Names = std::vector<std::string>;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Node node() {
  Node made;
  made.name = "n1";
  made.addresses = {"192.0.2.1"};
  made.conditions = {{"Ready", "True", "KubeletReady", "kubelet is posting ready status"}};
  return made;
}

EntryCounts counts_of(const ClusterJournal& journal, std::string_view type) {
  const auto all = journal.status();
  return std::ranges::find(all, type, &EntryStatus::type)->counts;
}

}  // namespace

TEST_CASE("cluster journal: what the first list has is there, and did not just happen") {
  Cluster cluster(false);
  cluster.set(test::ready_pod());
  auto entry = cluster.take_only();
  CHECK(entry["CAPROCK_EVENT"] == "pod");
  CHECK(entry["MESSAGE"] == "pod shop/frontend-7c9 is there: Running, ready, 10.0.3.7");
  CHECK(entry["CAPROCK_CONTAINERS"] == "app=" + std::string(64, 'a'));
  cluster.set(test::service());
  CHECK(cluster.take_messages() == Messages{"service shop/frontend is there: ClusterIP 10.96.0.5, "
                                            "http 80/TCP to 8080"});
}

TEST_CASE("cluster journal: services come, change and go") {
  Cluster cluster;
  Service service = test::service();
  cluster.set(service);
  service.type = "NodePort";
  service.ports[0].node_port = 30080;
  cluster.set(service);
  cluster.remove(service);
  CHECK(cluster.take_messages() ==
        Messages{"service shop/frontend was created: ClusterIP 10.96.0.5, http 80/TCP to 8080",
                 "service shop/frontend has changed: NodePort 10.96.0.5, http 80/TCP to 8080, node "
                 "port 30080",
                 "service shop/frontend is gone"});
}

TEST_CASE("cluster journal: a pod of this node becomes an endpoint as it gets ready") {
  Cluster cluster;
  cluster.set(test::service());
  Service other = test::service("backend");
  other.selector = {{"app", "backend"}};
  cluster.set(other);
  Service elsewhere = test::service("elsewhere");
  elsewhere.namespace_name = "test";
  cluster.set(elsewhere);
  Service by_hand = test::service("by-hand");
  by_hand.selector.clear();
  cluster.set(by_hand);
  Pod pod = test::ready_pod();
  pod.ready = false;
  cluster.set(pod);
  cluster.take();
  pod.ready = true;
  cluster.set(pod);
  CHECK(cluster.take_messages() ==
        Messages{"pod shop/frontend-7c9 is ready",
                 "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is ready"});
  pod.deleting = true;
  cluster.set(pod);
  CHECK(cluster.take_messages() ==
        Messages{"pod shop/frontend-7c9 is being deleted",
                 "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is gone"});
  cluster.remove(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 is gone"});
}

TEST_CASE("cluster journal: where a service wants pods that are not ready they are its endpoints") {
  Cluster cluster;
  Service headless = test::service();
  headless.unready_too = true;
  cluster.set(headless);
  Pod pod = test::pod();
  cluster.set(pod);
  cluster.take();
  pod.addresses = {"10.0.3.7"};
  cluster.set(pod);
  CHECK(cluster.take_messages().back() ==
        "service shop/frontend: endpoint 10.0.3.7 of pod "
        "shop/frontend-7c9 is there, though not ready");
  pod.phase = "Running";
  pod.ready = true;
  cluster.set(pod);
  pod.ready = false;
  pod.deleting = true;
  cluster.set(pod);
  CHECK(cluster.take_messages() == Messages{"pod shop/frontend-7c9 is ready",
                                            "pod shop/frontend-7c9 is being deleted",
                                            "pod shop/frontend-7c9 is not ready any more"});
  headless.unready_too = false;
  cluster.set(headless);
  CHECK(cluster.take_messages().back() ==
        "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is gone");
  headless.unready_too = true;
  cluster.set(headless);
  pod.phase = "Succeeded";
  cluster.take();
  cluster.set(pod);
  CHECK(cluster.take_messages().back() ==
        "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is gone");
}

TEST_CASE("cluster journal: a service's selector decides which pods stand behind it") {
  Cluster cluster;
  cluster.set(test::ready_pod());
  Service service = test::service();
  cluster.take();
  cluster.set(service);
  CHECK(cluster.take_messages().back() ==
        "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is ready");
  service.selector["track"] = "canary";
  cluster.set(service);
  CHECK(cluster.take_messages().back() ==
        "service shop/frontend: endpoint 10.0.3.7 of pod shop/frontend-7c9 is gone");
}

TEST_CASE("cluster journal: the node's conditions, and whether it takes pods") {
  Cluster cluster;
  cluster.set(node());
  CHECK(cluster.take_messages() == Messages{"node n1 is there: 192.0.2.1"});
  Node changed = node();
  changed.conditions[0].message = "kubelet is posting ready status again";
  cluster.set(changed);
  CHECK(cluster.take().empty());
  changed.conditions[0].status = "False";
  changed.conditions[0].reason = "KubeletNotReady";
  changed.conditions[0].message = "container runtime is down";
  changed.unschedulable = true;
  cluster.set(changed);
  CHECK(cluster.take_messages() ==
        Messages{"node n1 was cordoned",
                 "node n1 has condition Ready False: KubeletNotReady: container runtime is down"});
}

TEST_CASE("cluster journal: an event is told with the words of who tells it") {
  Cluster cluster;
  Event event;
  event.object_kind = "Pod";
  event.object_namespace = "shop";
  event.object_name = "frontend-7c9";
  event.object_uid = "uid-frontend-7c9";
  event.type = "Warning";
  event.reason = "BackOff";
  event.message = "Back-off restarting failed container";
  event.component = "kubelet";
  event.count = 7;
  event.time_ns = 1'795'341'599'000'000'000;
  cluster.journal.on_event(cluster.out, event, cluster.now_ns);
  auto entry = cluster.take_only();
  CHECK(entry["MESSAGE"] ==
        "kubelet about pod shop/frontend-7c9: BackOff: Back-off restarting failed container (7 "
        "times)");
  CHECK(entry["PRIORITY"] == "4");
  CHECK(entry["CAPROCK_OBJECT"] == "Pod/frontend-7c9");
  CHECK(entry["CAPROCK_POD_UID"] == "uid-frontend-7c9");
  CHECK(entry["CAPROCK_EVENT_TYPE"] == "Warning");
  CHECK(entry["CAPROCK_COUNT"] == "7");
  CHECK(entry["CAPROCK_OCCURRED_US"] == "1795341599000000");
}

TEST_CASE("cluster journal: names stand behind the entries that bring them") {
  Cluster cluster;
  Pod pod = test::pod();
  cluster.set(pod);
  CHECK(test::names_in(cluster.take()).empty());
  pod.addresses = {"10.0.3.7", "fd00::7"};
  cluster.set(pod);
  CHECK(test::names_in(cluster.take()) ==
        Names{"10.0.3.7 shop/frontend-7c9", "fd00::7 shop/frontend-7c9"});
  pod.ready = true;
  cluster.set(pod);
  CHECK(test::names_in(cluster.take()).empty());
  cluster.set(test::service());
  CHECK(test::names_in(cluster.take()) == Names{"10.96.0.5 shop/frontend.svc"});
  cluster.set(node());
  CHECK(test::names_in(cluster.take()) == Names{"192.0.2.1 n1"});
}

TEST_CASE("cluster journal: a pod that is told of only as it has ended had its addresses") {
  Cluster cluster;
  Pod job = test::pod("job-1");
  cluster.set(job);
  cluster.take();
  job.phase = "Succeeded";
  job.addresses = {"10.0.3.8"};
  cluster.set(job);
  const auto told = cluster.take();
  CHECK(test::names_in(told) == Names{"10.0.3.8 shop/job-1"});
  auto entries = test::entries_of(told);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0]["MESSAGE"] == "pod shop/job-1 has address 10.0.3.8");
  CHECK(entries[0]["CAPROCK_ADDRESSES"] == "10.0.3.8");
  CHECK(entries[1]["MESSAGE"] == "pod shop/job-1 has completed");
  CHECK_FALSE(entries[1].contains("CAPROCK_ADDRESSES"));
  cluster.set(job);
  CHECK(cluster.take().empty());
}

TEST_CASE(
    "cluster journal: an address that is another pod's by now is not told of one that has ended") {
  Cluster cluster;
  Pod job = test::pod("job-1");
  cluster.set(job);
  cluster.set(test::ready_pod("heir", "10.0.3.8"));
  cluster.take();
  job.phase = "Failed";
  job.addresses = {"10.0.3.8"};
  cluster.set(job);
  const auto told = cluster.take();
  CHECK(test::names_in(told).empty());
  CHECK(test::entries_of(told).size() == 1);
}

TEST_CASE("cluster journal: a pod on the host's network gives its node no other name") {
  Cluster cluster;
  Pod pod = test::ready_pod("kube-proxy-x2x7k", "192.0.2.1");
  pod.host_network = true;
  cluster.set(pod);
  const auto told = cluster.take();
  CHECK(test::names_in(told).empty());
  for (const auto& entry : test::entries_of(told))
    CHECK_FALSE(entry.contains("CAPROCK_NAME"));
}

TEST_CASE("cluster journal: an inventory tells all that is there, and its names") {
  Cluster cluster;
  cluster.namespaces["shop"] = {"shop", {}};
  cluster.set(node());
  cluster.set(test::service());
  // Its address is the next one's already.
  Pod old = test::ready_pod("z-old", "10.0.3.7");
  old.deleting = true;
  cluster.set(old);
  cluster.set(test::ready_pod("a-new", "10.0.3.7"));
  cluster.take();
  cluster.journal.inventory(cluster.out, cluster.view(), cluster.now_ns);
  const auto told = cluster.take();
  std::vector<std::string> types;
  for (auto& entry : test::entries_of(told))
    types.push_back(entry["CAPROCK_EVENT"]);
  CHECK(types == Names{"inventory", "node", "namespace", "pod", "pod", "service"});
  CHECK(test::entries_of(told).back().at("CAPROCK_ENDPOINTS") == "10.0.3.7");
  CHECK(test::names_in(told) == Names{"192.0.2.1 n1", "10.0.3.7 shop/z-old", "10.0.3.7 shop/a-new",
                                      "10.96.0.5 shop/frontend.svc"});
}

TEST_CASE("cluster journal: 100000 changes in a second are bounded, counted and told") {
  Cluster cluster;
  Pod pod = test::ready_pod();
  cluster.set(pod);
  cluster.take();
  cluster.now_ns += kSecond;
  for (int i = 0; i < 100'000; ++i) {
    pod.ready = !pod.ready;
    cluster.set(pod);
  }
  CHECK(test::entries_of(cluster.take()).size() == 2 * EntryLimiter::kMostPerSecond);
  CHECK(counts_of(cluster.journal, "pod-ready").suppressed == 49'500);
  cluster.now_ns += kSecond;
  cluster.journal.tell_suppressed(cluster.out, cluster.now_ns);
  CHECK(cluster.take_messages() ==
        Messages{"49500 events \"pod-ready\" are not in the record: more came than it takes",
                 "49500 events \"pod-not-ready\" are not in the record: more came than it takes"});
  cluster.journal.tell_suppressed(cluster.out, cluster.now_ns);
  CHECK(cluster.take().empty());
  pod.ready = !pod.ready;
  cluster.set(pod);
  CHECK(cluster.take_messages().size() == 1);
}

TEST_CASE("cluster journal: what finds no room is counted, and told when there is some") {
  Cluster cluster;
  cluster.journal.set_room(false);
  cluster.set(test::pod());
  CHECK(test::entries_of(cluster.take()).empty());
  cluster.now_ns += kSecond;
  cluster.journal.tell_suppressed(cluster.out, cluster.now_ns);
  CHECK(cluster.take().empty());
  cluster.journal.set_room(true);
  cluster.journal.tell_suppressed(cluster.out, cluster.now_ns);
  CHECK(cluster.take_messages() ==
        Messages{"1 events \"pod-scheduled\" are not in the record: more came than it takes"});
}

TEST_CASE("cluster journal: it says where the record of the cluster begins and ends") {
  Cluster cluster;
  cluster.journal.begin(cluster.out, cluster.now_ns);
  cluster.journal.end(cluster.out, cluster.now_ns);
  const auto entries = test::entries_of(cluster.take());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].at("CAPROCK_EVENT") == "begin");
  CHECK(entries[1].at("CAPROCK_EVENT") == "end");
}
