// SPDX-License-Identifier: Apache-2.0
// The kinds of values: how each is read from YAML and printed as YAML. A refusal says what would be
// right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace YAML {
class Node;
}

namespace caprock::config {

struct Switch {
  static constexpr std::string_view kKind = "true, false";
  static Result<bool> read(const YAML::Node& value);
  static std::string print(bool value) { return value ? "true" : "false"; }
};

/// A switch whose key says the opposite of the member.
struct NegatedSwitch {
  static constexpr std::string_view kKind = Switch::kKind;
  static Result<bool> read(const YAML::Node& value);
  static std::string print(bool value) { return Switch::print(!value); }
};

struct Regex {
  static constexpr std::string_view kKind = "regular expression";
  static Result<std::string> read(const YAML::Node& value);
  static std::string print(const std::string& value) { return value; }
};

/// Bytes, at least `minimum`.
Result<std::uint64_t> read_size(const YAML::Node& value, std::uint64_t minimum);
std::string print_size(std::uint64_t bytes);

template <std::uint64_t kMinimum>
struct Size {
  static constexpr std::string_view kKind = "size";
  static Result<std::uint64_t> read(const YAML::Node& value) { return read_size(value, kMinimum); }
  static std::string print(std::uint64_t bytes) { return print_size(bytes); }
};

/// The most that the database of calls may take. Empty is the default, as in Kubeshark's values.
struct DatabaseSize {
  static constexpr std::string_view kKind = "size";
  static Result<std::uint64_t> read(const YAML::Node& value);
  static std::string print(std::uint64_t bytes) { return print_size(bytes); }
};

struct Duration {
  static constexpr std::string_view kKind = "duration";
  static Result<Nanoseconds> read(const YAML::Node& value);
  static std::string print(Nanoseconds value) { return format_duration(value); }
};

struct Snaplen {
  static constexpr std::string_view kKind = "bytes, 1 to 262144";
  static Result<std::uint32_t> read(const YAML::Node& value);
  static std::string print(std::uint32_t value) { return std::to_string(value); }
};

struct Port {
  static constexpr std::string_view kKind = "port, 0: none";
  static Result<std::uint16_t> read(const YAML::Node& value);
  static std::string print(std::uint16_t value) { return std::to_string(value); }
};

struct Lanes {
  static constexpr std::string_view kKind = "auto, 1 to 256";
  static Result<unsigned> read(const YAML::Node& value);
  static std::string print(unsigned value) { return value == 0 ? "auto" : std::to_string(value); }
};

struct AbsolutePath {
  static constexpr std::string_view kKind = "absolute path";
  static Result<std::filesystem::path> read(const YAML::Node& value);
  static std::string print(const std::filesystem::path& value) { return value.string(); }
};

std::string print_list(const std::vector<std::string>& values);

struct Names {
  static constexpr std::string_view kKind = "list of names";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values) { return print_list(values); }
};

struct Text {
  static constexpr std::string_view kKind = "text";
  static Result<std::string> read(const YAML::Node& value);
  static std::string print(const std::string& value);
};

struct Selector {
  static constexpr std::string_view kKind = "label selector";
  static Result<std::string> read(const YAML::Node& value);
  static std::string print(const std::string& value) { return Text::print(value); }
};

/// Of core/os_event_names.hpp.
struct OsEvents {
  static constexpr std::string_view kKind = "list of events";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values) { return print_list(values); }
};

/// "retransmit=500": by the event's name, how many.
struct OsLimits {
  static constexpr std::string_view kKind = "list of event=number";
  static Result<std::map<std::string, std::uint32_t>> read(const YAML::Node& value);
  static std::string print(const std::map<std::string, std::uint32_t>& limits);
};

/// Names of interfaces and globs that they may match.
struct InterfacePatterns {
  static constexpr std::string_view kKind = "list of names and globs";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values) { return print_list(values); }
};

struct Interfaces {
  static constexpr std::string_view kKind = "auto, list of names and globs";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values);
};

struct Addresses {
  static constexpr std::string_view kKind = "list of IPv4, IPv6, CIDR";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values) { return print_list(values); }
};

struct Listeners {
  static constexpr std::string_view kKind = "list of unix:PATH, ADDRESS:PORT";
  static Result<std::vector<std::string>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::string>& values) { return print_list(values); }
};

struct Ports {
  static constexpr std::string_view kKind = "list of ports";
  static Result<std::vector<std::uint16_t>> read(const YAML::Node& value);
  static std::string print(const std::vector<std::uint16_t>& values);
};

/// The protocols of the record: a list that sets two members.
struct Protocols {
  static constexpr std::string_view kKind = "list of tcp, udp";
  static Status read(const YAML::Node& value, Config& config);
  static std::string print(const Config& config);
};

struct HookChoice {
  static constexpr std::string_view kKind = "auto, tc, xdp";
  static Result<Hook> read(const YAML::Node& value);
  static std::string print(Hook value);
};

struct TransportChoice {
  static constexpr std::string_view kKind = "auto, stage, ringbuf";
  static Result<Transport> read(const YAML::Node& value);
  static std::string print(Transport value);
};

struct OverloadChoice {
  static constexpr std::string_view kKind = "truncate, drop";
  static Result<Overload> read(const YAML::Node& value);
  static std::string print(Overload value);
};

struct OsProbesChoice {
  static constexpr std::string_view kKind = "auto, fentry, kprobe, none";
  static Result<OsProbes> read(const YAML::Node& value);
  static std::string print(OsProbes value);
};

struct DuplicatesChoice {
  static constexpr std::string_view kKind = "drop, keep";
  static Result<Duplicates> read(const YAML::Node& value);
  static std::string print(Duplicates value);
};

struct KubernetesChoice {
  static constexpr std::string_view kKind = "auto, true, false";
  static Result<Kubernetes> read(const YAML::Node& value);
  static std::string print(Kubernetes value);
};

struct OnStopChoice {
  static constexpr std::string_view kKind = "auto, keep, detach";
  static Result<OnStop> read(const YAML::Node& value);
  static std::string print(OnStop value);
};

}  // namespace caprock::config
