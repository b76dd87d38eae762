// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/object_json.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace caprock::kubernetes;
using nlohmann::json;

namespace {

const auto kPod = R"({
  "metadata": {
    "uid": "u", "namespace": "shop", "name": "web-1", "labels": {"app": "web"},
    "annotations": {"caprock.io/capture": "true", "other.io/x": "long"},
    "deletionTimestamp": "2026-01-01T00:00:00Z",
    "ownerReferences": [{"kind": "Other", "name": "o"},
                        {"kind": "ReplicaSet", "name": "web", "controller": true}],
    "managedFields": [{"manager": "kubelet"}]
  },
  "spec": {"nodeName": "n1", "hostNetwork": true},
  "status": {
    "phase": "Running", "reason": "Evicted", "message": "low on memory", "hostIP": "192.0.2.1",
    "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
    "conditions": [{"type": "PodScheduled", "status": "False"}, {"type": "Ready", "status": "True"}],
    "initContainerStatuses": [
      {"name": "init", "image": "i", "state": {"terminated": {"reason": "Completed", "exitCode": 0}}}],
    "containerStatuses": [
      {"name": "main", "image": "m", "ready": true, "restartCount": 3,
       "containerID": "containerd://0123abcd", "state": {"running": {"startedAt": "x"}},
       "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}},
      {"name": "side", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}]
  }
})"_json;

}  // namespace

TEST_CASE("object: a pod") {
  const Pod pod = parse_pod(kPod);
  CHECK(pod.uid == "u");
  CHECK(pod.namespace_name == "shop");
  CHECK(pod.name == "web-1");
  CHECK(pod.node == "n1");
  CHECK(pod.labels == Labels{{"app", "web"}});
  CHECK(pod.annotations == Labels{{"caprock.io/capture", "true"}});
  CHECK(pod.owner_kind == "ReplicaSet");
  CHECK(pod.owner_name == "web");
  CHECK(pod.host_network);
  CHECK(pod.phase == "Running");
  CHECK(pod.reason == "Evicted");
  CHECK(pod.message == "low on memory");
  CHECK(pod.addresses == std::vector<std::string>{"10.0.0.1", "fd00::1"});
  CHECK(pod.host_address == "192.0.2.1");
  CHECK(pod.ready);
  CHECK(pod.deleting);
  CHECK(cgroup_uid(pod) == "u");
}

TEST_CASE("object: a static pod has the uid of its configuration, which no other pod can claim") {
  const auto annotated = [](const json& annotations) {
    return cgroup_uid(parse_pod({{"metadata", {{"uid", "u"}, {"annotations", annotations}}}}));
  };
  CHECK(annotated({{"kubernetes.io/config.mirror", "h"}, {"kubernetes.io/config.hash", "h"}}) ==
        "h");
  CHECK(annotated({{"kubernetes.io/config.hash", "h"}}) == "u");
}

TEST_CASE("object: a pod's containers, as their status says") {
  const Pod pod = parse_pod(kPod);
  REQUIRE(pod.containers.size() == 3);
  const auto& [init, main, side] =
      std::tie(pod.containers[0], pod.containers[1], pod.containers[2]);
  CHECK(init.init);
  CHECK(init.state == Container::State::kTerminated);
  CHECK(init.reason == "Completed");
  CHECK_FALSE(main.init);
  CHECK(main.id == "0123abcd");
  CHECK(main.image == "m");
  CHECK(main.ready);
  CHECK(main.restarts == 3);
  CHECK(main.state == Container::State::kRunning);
  CHECK(main.last_end_reason == "OOMKilled");
  CHECK(main.last_end_code == 137);
  CHECK(side.state == Container::State::kWaiting);
  CHECK(side.reason == "CrashLoopBackOff");
  CHECK(side.message == "back-off");
}

TEST_CASE("object: a pod that has nothing yet, and one address as before podIPs") {
  const Pod pod = parse_pod(R"({"metadata": {"uid": "u"}, "status": {"podIP": "10.0.0.1"}})"_json);
  CHECK(pod.addresses == std::vector<std::string>{"10.0.0.1"});
  CHECK(pod.node.empty());
  CHECK(pod.containers.empty());
  CHECK(parse_pod(json::object()) == Pod{});
}

TEST_CASE("object: fields of another type are as if they were missing") {
  CHECK(parse_pod(R"({"metadata": [1], "spec": {"nodeName": 3, "hostNetwork": "yes"},
                      "status": {"podIPs": {"ip": 1}, "containerStatuses": "x"}})"_json)
            .node.empty());
  const auto service =
      parse_service(R"({"spec": {"ports": [{"port": 70000}, {"port": -1}]}})"_json);
  REQUIRE(service.ports.size() == 2);
  CHECK(service.ports[0].port == 0);
  CHECK(service.ports[1].port == 0);
}

TEST_CASE("object: a pod that is to be evicted says so by a condition") {
  const auto pod_with = [](const char* status) {
    return parse_pod(nlohmann::json{
        {"status",
         {{"conditions",
           {{{"type", "Ready"}, {"status", "True"}},
            {{"type", "DisruptionTarget"},
             {"status", status},
             {"reason", "PreemptionByScheduler"},
             {"message",
              "default-scheduler: preempting to accommodate a higher priority pod"}}}}}}});
  };
  CHECK(pod_with("True").eviction == "PreemptionByScheduler");
  CHECK(pod_with("True").eviction_message ==
        "default-scheduler: preempting to accommodate a higher priority pod");
  CHECK(pod_with("True").ready);
  CHECK(pod_with("False").eviction.empty());
}

TEST_CASE("object: a service") {
  const Service service = parse_service(R"({
    "metadata": {"uid": "u", "namespace": "shop", "name": "web"},
    "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5", "fd00::5"],
             "externalIPs": ["192.0.2.9"], "selector": {"app": "web"}, "publishNotReadyAddresses": true,
             "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": "web", "nodePort": 30080},
                       {"port": 53, "protocol": "UDP", "targetPort": 5353}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.1"}, {"hostname": "lb.test"}]}}
  })"_json);
  CHECK(service.type == "LoadBalancer");
  CHECK(service.addresses == std::vector<std::string>{"10.96.0.5", "fd00::5"});
  CHECK(service.external_addresses == std::vector<std::string>{"192.0.2.9", "198.51.100.1"});
  CHECK(service.selector == Labels{{"app", "web"}});
  CHECK(service.unready_too);
  CHECK(service.ports ==
        std::vector<ServicePort>{{"http", "TCP", 80, "web", 30080}, {"", "UDP", 53, "5353", 0}});
}

TEST_CASE("object: a headless service has no address") {
  CHECK(parse_service(R"({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}})"_json)
            .addresses.empty());
  CHECK(parse_service(R"({"spec": {"clusterIP": "10.96.0.5"}})"_json).addresses ==
        std::vector<std::string>{"10.96.0.5"});
}

TEST_CASE("object: a node") {
  const Node node = parse_node(R"({
    "metadata": {"uid": "u", "name": "n1"}, "spec": {"unschedulable": true},
    "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"},
                             {"type": "Hostname", "address": "n1"},
                             {"type": "ExternalIP", "address": "198.51.100.1"}],
               "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok",
                               "lastHeartbeatTime": "2026-01-01T00:00:00Z"}],
               "nodeInfo": {"kubeletVersion": "v1.30.0", "containerRuntimeVersion": "containerd://1.7"}}
  })"_json);
  CHECK(node.name == "n1");
  CHECK(node.addresses == std::vector<std::string>{"192.0.2.1", "198.51.100.1"});
  CHECK(node.unschedulable);
  CHECK(node.conditions == std::vector<NodeCondition>{{"Ready", "True", "KubeletReady", "ok"}});
  CHECK(node.kubelet_version == "v1.30.0");
  CHECK(node.container_runtime == "containerd://1.7");
}

TEST_CASE("object: an event, as older and newer reporters write it") {
  const Event older = parse_event(R"({
    "metadata": {"uid": "u"}, "type": "Warning", "reason": "BackOff", "message": "m", "count": 4,
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web-1", "uid": "p"},
    "source": {"component": "kubelet", "host": "n1"},
    "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:02Z"
  })"_json);
  CHECK(older.object_kind == "Pod");
  CHECK(older.object_namespace == "shop");
  CHECK(older.object_name == "web-1");
  CHECK(older.object_uid == "p");
  CHECK(older.type == "Warning");
  CHECK(older.reason == "BackOff");
  CHECK(older.component == "kubelet");
  CHECK(older.host == "n1");
  CHECK(older.count == 4);
  CHECK(older.time_ns == 1767225602'000'000'000);
  const Event newer = parse_event(R"({
    "reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-n7",
    "eventTime": "2026-01-01T00:00:00.250000Z", "lastTimestamp": null,
    "series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.500000Z"}
  })"_json);
  CHECK(newer.component == "default-scheduler");
  CHECK(newer.host == "default-scheduler-n7");
  CHECK(newer.count == 2);
  CHECK(newer.time_ns == 1767225601'500'000'000);
}
