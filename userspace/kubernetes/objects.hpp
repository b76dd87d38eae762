// SPDX-License-Identifier: Apache-2.0
// What caprock wants to know of the objects of Kubernetes (core/v1).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace caprock::kubernetes {

using Labels = std::map<std::string, std::string>;

/// A container of a pod, as status.containerStatuses says it.
struct Container {
  enum class State { kWaiting, kRunning, kTerminated };

  std::string name;
  std::string id;  // 64 hexadecimal digits, without "containerd://"; empty: not started yet
  std::string image;
  bool init = false;
  bool ready = false;
  std::uint32_t restarts = 0;
  State state = State::kWaiting;
  std::string reason;  // of waiting or the end: "CrashLoopBackOff", "OOMKilled", "Completed"
  std::string message;
  std::int32_t exit_code = 0;   // of the end
  std::string last_end_reason;  // of the run before: "OOMKilled"; empty: there was none
  std::int32_t last_end_code = 0;

  bool operator==(const Container&) const = default;
};

struct Pod {
  std::string uid;
  std::string static_uid;  // of a static pod: by which the kubelet goes; empty: it is none
  std::string namespace_name;
  std::string name;
  std::string node;  // empty: not scheduled
  Labels labels;
  Labels annotations;      // those of caprock.io/ alone
  std::string owner_kind;  // "ReplicaSet"; empty: none
  std::string owner_name;
  bool host_network = false;
  std::string phase;   // "Pending", "Running", "Succeeded", "Failed", "Unknown"
  std::string reason;  // "Evicted"
  std::string message;
  std::vector<std::string> addresses;  // of status.podIPs, else podIP
  std::string host_address;
  bool ready = false;
  std::string eviction;               // why it is to end before its time, by whom: the reason of
  std::string eviction_message;       // its condition DisruptionTarget; empty: it is not
  bool deleting = false;              // has a deletionTimestamp
  std::vector<Container> containers;  // init containers first

  bool operator==(const Pod&) const = default;
};

/// As the kubelet names the pod's cgroup.
inline const std::string& cgroup_uid(const Pod& pod) {
  return pod.static_uid.empty() ? pod.uid : pod.static_uid;
}

struct ServicePort {
  std::string name;
  std::string protocol;  // "TCP", "UDP", "SCTP"
  std::uint16_t port = 0;
  std::string target_port;      // a number or a name of a container's port
  std::uint16_t node_port = 0;  // 0: none

  bool operator==(const ServicePort&) const = default;
};

struct Service {
  std::string uid;
  std::string namespace_name;
  std::string name;
  std::string type;                    // "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"
  std::vector<std::string> addresses;  // of the cluster; empty: headless
  std::vector<std::string> external_addresses;  // externalIPs and load balancers'
  std::vector<ServicePort> ports;
  Labels selector;
  bool unready_too = false;  // publishNotReadyAddresses

  bool operator==(const Service&) const = default;
};

struct Namespace {
  std::string name;
  Labels labels;

  bool operator==(const Namespace&) const = default;
};

struct NodeCondition {
  std::string type;    // "Ready", "MemoryPressure"
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;

  bool operator==(const NodeCondition&) const = default;
};

struct Node {
  std::string uid;
  std::string name;
  std::vector<std::string> addresses;  // internal and external ones
  bool unschedulable = false;
  std::vector<NodeCondition> conditions;
  std::string kubelet_version;
  std::string container_runtime;  // "containerd://1.6.20"

  bool operator==(const Node&) const = default;
};

/// An Event of core/v1.
struct Event {
  std::string uid;
  std::string object_kind;  // of what it is about: "Pod"
  std::string object_namespace;
  std::string object_name;
  std::string object_uid;
  std::string type;  // "Normal", "Warning"
  std::string reason;
  std::string message;
  std::string component;  // who tells: "kubelet"
  std::string host;       // where it is; empty or another name where it is of no node
  std::uint32_t count = 1;
  std::int64_t time_ns = 0;  // since the epoch, of the last occurrence; 0: not told

  bool operator==(const Event&) const = default;
};

}  // namespace caprock::kubernetes
