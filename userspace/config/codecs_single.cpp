// SPDX-License-Identifier: Apache-2.0
// Single values.
#include <fmt/format.h>
#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <array>

#include "config/codecs.hpp"
#include "config/yaml_value.hpp"
#include "core/label_selector.hpp"

namespace caprock::config {
namespace {

Result<std::uint64_t> read_number(const YAML::Node& value, std::uint64_t low, std::uint64_t high) {
  const auto text = scalar(value);
  if (!text) return text.error();
  if (const auto number = whole_number(*text, low, high)) return *number;
  return Error(fmt::format("\"{}\" must be a whole number from {} to {}", *text, low, high));
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
  const RE2 compiled(*text, RE2::Quiet);
  if (compiled.ok()) return text;
  const auto at = text->find(compiled.error_arg());
  return Error(fmt::format("\"{}\" is not a regular expression: {}{}", *text, compiled.error(),
                           at == text->npos ? "" : fmt::format(", at character {}", at + 1)));
}

Result<std::string> Text::read(const YAML::Node& value) {
  return scalar(value);
}

std::string Text::print(const std::string& value) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << value;
  return out.c_str();
}

Result<std::string> Selector::read(const YAML::Node& value) {
  auto text = scalar(value);
  if (!text) return text;
  if (auto selector = LabelSelector::parse(*text); !selector) return std::move(selector).error();
  return text;
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

Result<std::uint64_t> DatabaseSize::read(const YAML::Node& value) {
  constexpr std::uint64_t kMinimum = 1u << 20;
  if (value.IsScalar() && value.Scalar().empty()) return Tap{}.db_max_bytes;
  return read_size(value, kMinimum);
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

Result<std::uint16_t> Port::read(const YAML::Node& value) {
  const auto port = read_number(value, 0, 65535);
  if (!port) return port.error();
  return static_cast<std::uint16_t>(*port);
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

}  // namespace caprock::config
