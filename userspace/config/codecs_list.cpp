// SPDX-License-Identifier: Apache-2.0
// Lists.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/codecs.hpp"
#include "config/yaml_value.hpp"
#include "core/endpoint.hpp"
#include "core/os_event_names.hpp"

namespace caprock::config {
namespace {

using Texts = std::vector<std::string>;

/// scalars(), each of which `check` finds no fault with.
template <class Check>
Result<Texts> checked_scalars(const YAML::Node& value, Check check) {
  auto texts = scalars(value);
  if (!texts) return texts;
  for (const auto& text : *texts)
    if (const Status fine = check(text); !fine) return fine.error();
  return texts;
}

Status check_address(const std::string& text) {
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  in6_addr buffer;
  const bool v4 = ::inet_pton(AF_INET, address.c_str(), &buffer) == 1;
  if (!v4 && ::inet_pton(AF_INET6, address.c_str(), &buffer) != 1)
    return Error(fmt::format("\"{}\" is neither an IPv4 or IPv6 address nor a CIDR", text));
  const unsigned longest = v4 ? 32 : 128;
  if (slash != text.npos && !whole_number(std::string_view(text).substr(slash + 1), 0, longest))
    return Error(fmt::format("\"{}\" must end with a prefix of /0 to /{}", text, longest));
  return {};
}

Status check_listener(const std::string& text) {
  const auto endpoint = Endpoint::parse(text);
  if (!endpoint) return endpoint.error();
  if (endpoint->is_local()) return {};
  return Error(fmt::format(
      "\"{}\" can be reached from other hosts, which needs TLS and is not in this version; use a "
      "Unix socket or a loopback address",
      text));
}

Status check_name(const std::string& text) {
  if (text.empty()) return Error("a name must not be empty");
  return {};
}

Status check_event(const std::string& text) {
  if (std::ranges::find(kOsEventNames, text) != kOsEventNames.end()) return {};
  return Error(fmt::format("\"{}\" is none of {}", text, fmt::join(kOsEventNames, ", ")));
}

constexpr std::uint32_t kMostEvents = 1'000'000;

/// Whether every [ has its ]: to fnmatch one that has none is a letter, and the glob matches
/// nothing that was meant.
bool brackets_close(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const bool escaped = at > 0 && pattern[at - 1] == '\\';
    if (escaped || pattern[at] != '[') continue;
    const bool negated = pattern.substr(at + 1, 1).find_first_of("!^") == 0;
    at = pattern.find(']', at + (negated ? 3 : 2));  // one that stands first is a letter
    if (at == pattern.npos) return false;
  }
  return true;
}

Status check_pattern(const std::string& text) {
  if (!brackets_close(text))
    return Error(fmt::format("\"{}\" has a [ without its ] and matches nothing: close it", text));
  return check_name(text);
}

}  // namespace

std::string print_list(const std::vector<std::string>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

Result<Texts> Names::read(const YAML::Node& value) {
  return checked_scalars(value, check_name);
}

Result<Texts> OsEvents::read(const YAML::Node& value) {
  return checked_scalars(value, check_event);
}

Result<std::map<std::string, std::uint32_t>> OsLimits::read(const YAML::Node& value) {
  const auto texts = scalars(value);
  if (!texts) return texts.error();
  std::map<std::string, std::uint32_t> limits;
  for (const auto& text : *texts) {
    const auto equals = text.find('=');
    const std::string event = text.substr(0, equals);
    if (const Status known = check_event(event); !known) return known.error();
    const auto number =
        equals == text.npos
            ? std::nullopt
            : whole_number(std::string_view(text).substr(equals + 1), 1, kMostEvents);
    if (!number)
      return Error(fmt::format("\"{}\" must say how many in a second, 1 to {}: {}=500", text,
                               kMostEvents, event));
    limits[event] = static_cast<std::uint32_t>(*number);
  }
  return limits;
}

std::string OsLimits::print(const std::map<std::string, std::uint32_t>& limits) {
  Texts texts;
  for (const auto& [event, number] : limits)
    texts.push_back(fmt::format("{}={}", event, number));
  return print_list(texts);
}

Result<Texts> InterfacePatterns::read(const YAML::Node& value) {
  return checked_scalars(value, check_pattern);
}

Result<Texts> Interfaces::read(const YAML::Node& value) {
  if (value.IsScalar() && value.Scalar() == "auto") return Texts{};
  auto names = InterfacePatterns::read(value);
  if (!names) return names;
  if (names->empty()) return Error("must name an interface, or be auto");
  if (std::find(names->begin(), names->end(), "auto") != names->end())
    return Error("auto stands alone, not in a list: write it as auto, or name the interfaces");
  return names;
}

std::string Interfaces::print(const std::vector<std::string>& values) {
  return values.empty() ? "auto" : print_list(values);
}

Result<Texts> Addresses::read(const YAML::Node& value) {
  return checked_scalars(value, check_address);
}

Result<Texts> Listeners::read(const YAML::Node& value) {
  return checked_scalars(value, check_listener);
}

Result<std::vector<std::uint16_t>> Ports::read(const YAML::Node& value) {
  const auto texts = scalars(value);
  if (!texts) return texts.error();
  std::vector<std::uint16_t> ports;
  for (const auto& text : *texts) {
    const auto port = whole_number(text, 1, 65535);
    if (!port) return Error(fmt::format("\"{}\" is not a port, 1 to 65535", text));
    ports.push_back(static_cast<std::uint16_t>(*port));
  }
  return ports;
}

std::string Ports::print(const std::vector<std::uint16_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

Status Protocols::read(const YAML::Node& value, Config& config) {
  const auto names = scalars(value);
  if (!names) return names.error();
  if (names->empty())
    return Error(
        "must name a protocol, tcp or udp; to record nothing use "
        "tap.capture.raw.enabled: false");
  for (const auto& name : *names)
    if (name != "tcp" && name != "udp")
      return Error(fmt::format("\"{}\" is none of {}", name, "tcp, udp"));
  const auto has = [&](std::string_view name) {
    return std::find(names->begin(), names->end(), name) != names->end();
  };
  config.agent.tcp = has("tcp");
  config.agent.udp = has("udp");
  return {};
}

std::string Protocols::print(const Config& config) {
  Texts names;
  if (config.agent.tcp) names.emplace_back("tcp");
  if (config.agent.udp) names.emplace_back("udp");
  return print_list(names);
}

}  // namespace caprock::config
