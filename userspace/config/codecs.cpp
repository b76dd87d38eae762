// SPDX-License-Identifier: Apache-2.0
#include "config/codecs.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <regex>

#include "core/endpoint.hpp"

namespace caprock::config {
namespace {

using Texts = std::vector<std::string>;

Result<std::string> scalar(const YAML::Node& value) {
  if (!value.IsScalar()) return Error("must be a single value");
  return value.Scalar();
}

/// A list of single values; a single value alone is a list of one.
Result<Texts> scalars(const YAML::Node& value) {
  if (value.IsScalar()) return Texts{value.Scalar()};
  if (!value.IsSequence()) return Error("must be a list, as [a, b]");
  Texts texts;
  for (const auto& item : value) {
    if (!item.IsScalar() || item.Scalar().empty()) return Error("must be a list of single values");
    texts.push_back(item.Scalar());
  }
  return texts;
}

/// scalars(), each of which `check` finds no fault with.
template <class Check>
Result<Texts> checked_scalars(const YAML::Node& value, Check check) {
  auto texts = scalars(value);
  if (!texts) return texts;
  for (const auto& text : *texts)
    if (const Status fine = check(text); !fine) return fine.error();
  return texts;
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low,
                                          std::uint64_t high) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || stop != end || number < low || number > high) return std::nullopt;
  return number;
}

Result<std::uint64_t> read_number(const YAML::Node& value, std::uint64_t low, std::uint64_t high) {
  const auto text = scalar(value);
  if (!text) return text.error();
  if (const auto number = whole_number(*text, low, high)) return *number;
  return Error(fmt::format("\"{}\" must be a whole number from {} to {}", *text, low, high));
}

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

constexpr auto kHooks =
    std::to_array<Choice<Hook>>({{"auto", Hook::kAuto}, {"tc", Hook::kTc}, {"xdp", Hook::kXdp}});
constexpr auto kTransports =
    std::to_array<Choice<Transport>>({{"auto", Transport::kAuto},
                                      {"stage", Transport::kStage},
                                      {"ringbuf", Transport::kRingBuffer}});
constexpr auto kOverloads =
    std::to_array<Choice<Overload>>({{"truncate", Overload::kTruncate}, {"drop", Overload::kDrop}});

template <class T, std::size_t n>
Result<T> read_choice(const YAML::Node& value, const std::array<Choice<T>, n>& choices,
                      std::string_view kind) {
  const auto text = scalar(value);
  if (!text) return text.error();
  for (const auto& choice : choices)
    if (choice.name == *text) return choice.value;
  return Error(fmt::format("\"{}\" is none of {}", *text, kind));
}

template <class T, std::size_t n>
std::string print_choice(T value, const std::array<Choice<T>, n>& choices) {
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [&](const auto& choice) { return choice.value == value; });
  return std::string(found->name);
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

}  // namespace

Result<bool> Switch::read(const YAML::Node& value) {
  bool on = false;
  if (value.IsScalar() && YAML::convert<bool>::decode(value, on)) return on;
  return Error("must be true or false");
}

Result<bool> NegatedSwitch::read(const YAML::Node& value) {
  auto on = Switch::read(value);
  return on ? Result<bool>(!*on) : std::move(on);
}

Result<std::string> Regex::read(const YAML::Node& value) {
  auto text = scalar(value);
  if (!text) return text;
  try {
    const std::regex compiled(*text);
    return text;
  } catch (const std::regex_error& refusal) {
    return Error(fmt::format("\"{}\" is not a regular expression: {}", *text, refusal.what()));
  }
}

Result<std::uint64_t> read_size(const YAML::Node& value, std::uint64_t minimum) {
  const auto text = scalar(value);
  if (!text) return text.error();
  auto bytes = parse_size(*text);
  if (bytes && *bytes < minimum)
    return Error(fmt::format("\"{}\" is too small, at least {}", *text, print_size(minimum)));
  return bytes;
}

std::string print_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
  std::size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size(); ++unit)
    bytes /= 1024;
  return fmt::format("{}{}", bytes, kUnits[unit]);
}

Result<Nanoseconds> Duration::read(const YAML::Node& value) {
  const auto text = scalar(value);
  if (!text) return text.error();
  auto duration = parse_duration(*text);
  if (duration && *duration < Nanoseconds(0))
    return Error(fmt::format("\"{}\" must not be negative", *text));
  return duration;
}

Result<std::uint32_t> Snaplen::read(const YAML::Node& value) {
  const auto bytes = read_number(value, 1, 262144);
  if (!bytes) return bytes.error();
  return static_cast<std::uint32_t>(*bytes);
}

Result<unsigned> Lanes::read(const YAML::Node& value) {
  if (value.IsScalar() && value.Scalar() == "auto") return 0U;
  const auto lanes = read_number(value, 1, 256);
  if (!lanes) return Error(lanes.error().message() + ", or auto");
  return static_cast<unsigned>(*lanes);
}

Result<std::filesystem::path> AbsolutePath::read(const YAML::Node& value) {
  const auto text = scalar(value);
  if (!text) return text.error();
  if (!text->starts_with('/')) return Error(fmt::format("\"{}\" must be an absolute path", *text));
  return std::filesystem::path(*text);
}

std::string print_list(const std::vector<std::string>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

Result<Texts> Names::read(const YAML::Node& value) {
  return checked_scalars(value, check_name);
}

Result<Texts> Interfaces::read(const YAML::Node& value) {
  if (value.IsScalar() && value.Scalar() == "auto") return Texts{};
  auto names = Names::read(value);
  if (names && names->empty()) return Error("must name an interface, or be auto");
  return names;
}

std::string Interfaces::print(const std::vector<std::string>& values) {
  return values.empty() ? "auto" : print_list(values);
}

Result<Texts> MirrorInterfaces::read(const YAML::Node& value) {
  auto names = Names::read(value);
  if (names && !names->empty())
    return Error("capture from mirror ports is not in this version; leave it empty");
  return names;
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

Result<Hook> HookChoice::read(const YAML::Node& value) {
  return read_choice(value, kHooks, kKind);
}

std::string HookChoice::print(Hook value) {
  return print_choice(value, kHooks);
}

Result<Transport> TransportChoice::read(const YAML::Node& value) {
  return read_choice(value, kTransports, kKind);
}

std::string TransportChoice::print(Transport value) {
  return print_choice(value, kTransports);
}

Result<Overload> OverloadChoice::read(const YAML::Node& value) {
  return read_choice(value, kOverloads, kKind);
}

std::string OverloadChoice::print(Overload value) {
  return print_choice(value, kOverloads);
}

}  // namespace caprock::config
