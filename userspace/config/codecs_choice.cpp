// SPDX-License-Identifier: Apache-2.0
// One of several names.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/codecs.hpp"
#include "config/yaml_value.hpp"

namespace caprock::config {
namespace {

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
constexpr auto kOsProbes = std::to_array<Choice<OsProbes>>({{"auto", OsProbes::kAuto},
                                                            {"fentry", OsProbes::kFentry},
                                                            {"kprobe", OsProbes::kKprobe},
                                                            {"none", OsProbes::kNone}});
constexpr auto kDuplicates =
    std::to_array<Choice<Duplicates>>({{"drop", Duplicates::kDrop}, {"keep", Duplicates::kKeep}});
constexpr auto kKubernetes = std::to_array<Choice<Kubernetes>>(
    {{"auto", Kubernetes::kAuto}, {"true", Kubernetes::kOn}, {"false", Kubernetes::kOff}});
constexpr auto kOnStops = std::to_array<Choice<OnStop>>(
    {{"auto", OnStop::kAuto}, {"keep", OnStop::kKeep}, {"detach", OnStop::kDetach}});

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

}  // namespace

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

Result<OsProbes> OsProbesChoice::read(const YAML::Node& value) {
  return read_choice(value, kOsProbes, kKind);
}

std::string OsProbesChoice::print(OsProbes value) {
  return print_choice(value, kOsProbes);
}

Result<Duplicates> DuplicatesChoice::read(const YAML::Node& value) {
  return read_choice(value, kDuplicates, kKind);
}

std::string DuplicatesChoice::print(Duplicates value) {
  return print_choice(value, kDuplicates);
}

Result<Kubernetes> KubernetesChoice::read(const YAML::Node& value) {
  return read_choice(value, kKubernetes, kKind);
}

std::string KubernetesChoice::print(Kubernetes value) {
  return print_choice(value, kKubernetes);
}

Result<OnStop> OnStopChoice::read(const YAML::Node& value) {
  return read_choice(value, kOnStops, kKind);
}

std::string OnStopChoice::print(OnStop value) {
  return print_choice(value, kOnStops);
}

}  // namespace caprock::config
