// SPDX-License-Identifier: Apache-2.0
// The configuration: the Helm values of the mission, read from YAML and from --set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/quantity.hpp"
#include "core/result.hpp"

namespace caprock::config {

struct Tap {
  std::string regex = ".*";
  std::vector<std::string> namespaces;
  std::vector<std::string> excluded_namespaces;
  std::string label_selector;       // core/label_selector.hpp; empty: all
  bool dissection_stopped = false;  // capture.stopped, or capture.dissection.enabled negated
  Nanoseconds dissection_stop_after = std::chrono::minutes(5);  // 0: never
  bool raw_enabled = true;
  std::uint64_t raw_storage_bytes = 1u << 30;
  std::uint64_t db_max_bytes = 500u << 20;
  bool operator==(const Tap&) const = default;
};

enum class Hook { kAuto, kTc, kXdp };
enum class Transport { kAuto, kStage, kRingBuffer };
enum class Overload { kTruncate, kDrop };
enum class OnStop { kAuto, kKeep, kDetach };
enum class OsProbes { kAuto, kFentry, kKprobe, kNone };
enum class Duplicates { kDrop, kKeep };
enum class Kubernetes { kAuto, kOn, kOff };

struct Agent {
  std::vector<std::string> interfaces;           // empty: auto; names and globs otherwise
  std::vector<std::string> excluded_interfaces;  // names and globs; exclusion wins
  std::vector<std::string> mirror_interfaces;    // names and globs of ports given to caprock
  bool mirror_force = false;                     // also those over which this host is reached
  std::uint16_t mirror_vxlan_port = 0;           // 0: what is in VXLAN stays there
  bool mirror_busy_poll = false;                 // a lane drives the NIC instead of sleeping
  Hook hook = Hook::kAuto;
  bool tcp = true;
  bool udp = true;
  std::vector<std::string> addresses;           // IPv4, IPv6, CIDR; empty: all
  std::vector<std::string> excluded_addresses;  // exclusion wins
  std::vector<std::uint16_t> ports;             // empty: all
  std::vector<std::uint16_t> excluded_ports;
  std::uint32_t snaplen = 262144;
  Transport transport = Transport::kAuto;
  std::uint64_t stage_bytes = 128u << 20;
  unsigned lanes = 0;  // 0: auto
  Overload overload = Overload::kTruncate;
  bool os_enabled = true;
  std::vector<std::string> os_events;              // core/os_event_names.hpp; empty: the usual ones
  std::map<std::string, std::uint32_t> os_limits;  // by event; those that are not the usual ones
  OsProbes os_probes = OsProbes::kAuto;
  Nanoseconds os_inventory_interval = std::chrono::minutes(10);  // 0: at the start alone
  Kubernetes kubernetes = Kubernetes::kAuto;
  std::string kubeconfig;       // empty: the pod's own service account
  std::string kubernetes_node;  // empty: CAPROCK_NODE, else the host's name
  bool kubernetes_events = true;
  Duplicates duplicates = Duplicates::kDrop;
  bool pod_loopback = false;  // record what the containers of a pod say to each other
  bool capture_self = false;
  OnStop on_stop = OnStop::kAuto;
  Nanoseconds lock_wait{0};
  std::filesystem::path data_dir = "/var/lib/caprock";
  std::filesystem::path pin_dir = "/sys/fs/bpf/caprock";
  std::vector<std::string> listen = {"unix:/run/caprock/agent.sock", "127.0.0.1:8897"};
  bool operator==(const Agent&) const = default;
};

struct Config {
  Tap tap;
  Agent agent;
  bool operator==(const Config&) const = default;
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> notes;  // older spellings, ignored keys and the like, one line each
};

/// Reads `file` (none: the defaults), then applies `sets` ("tap.capture.raw.storageSize=4Gi") in
/// order. A refusal is one line: file, line, key, what is wrong, what would be right ("did you mean
/// …").
Result<LoadedConfig> load(const std::filesystem::path& file, const std::vector<std::string>& sets);

/// Keys that differ and cannot change in a running agent ("agent.dataDir"), for the reload's
/// report.
std::vector<std::string> fixed_changes(const Config& running, const Config& wanted);

}  // namespace caprock::config
