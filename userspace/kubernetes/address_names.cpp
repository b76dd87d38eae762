// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/address_names.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <optional>

#include "core/printable_text.hpp"
#include "pcapng/writer.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxNameBytes = 63;  // MAXNAMELEN of Wireshark's addr_resolv.h, less the NUL
constexpr std::size_t kTailBytes = 20;     // "-7c9d8f5b6d-x2x7k" of a deployment's pod
constexpr std::size_t kMaxNamesInBlock = 1000;

struct AddressBytes {
  std::array<std::byte, 16> bytes{};
  std::size_t size = 0;
};

std::optional<AddressBytes> parse(const std::string& text) {
  AddressBytes address;
  const bool ipv6 = text.find(':') != text.npos;
  if (::inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), address.bytes.data()) != 1)
    return std::nullopt;
  address.size = ipv6 ? 16 : 4;
  return address;
}

/// A name resolution block in the making.
class NameBlock {
 public:
  explicit NameBlock(std::vector<std::byte>& out) : out_(out) {}

  void add(const AddressBytes& address, std::string_view name) {
    addresses_.push_back(address);
    names_.push_back(name);
    if (names_.size() == kMaxNamesInBlock) finish();
  }

  void finish() {
    if (names_.empty()) return;
    std::vector<pcapng::NameEntry> entries;
    for (std::size_t i = 0; i < names_.size(); ++i)
      entries.push_back({Bytes(addresses_[i].bytes).first(addresses_[i].size), names_[i]});
    pcapng::Writer(out_).name_resolution(entries);
    addresses_.clear();
    names_.clear();
  }

 private:
  std::vector<std::byte>& out_;
  std::vector<AddressBytes> addresses_;
  std::vector<std::string_view> names_;
};

}  // namespace

bool has_ended(const Pod& pod) {
  return pod.phase == "Succeeded" || pod.phase == "Failed";
}

AddressNames names_of(const Pod& pod) {
  if (pod.host_network) return {};
  return {address_name(pod.namespace_name, pod.name),
          has_ended(pod) ? std::vector<std::string>() : pod.addresses};
}

AddressNames names_of(const Service& service) {
  return {address_name(service.namespace_name, service.name + ".svc"), service.addresses};
}

AddressNames names_of(const Node& node) {
  return {printable_text(std::string_view(node.name).substr(0, kMaxNameBytes)), node.addresses};
}

std::string address_name(std::string_view namespace_name, std::string_view name) {
  constexpr std::string_view kGap = "..";
  const std::string whole = printable_text(fmt::format("{}/{}", namespace_name, name));
  if (whole.size() <= kMaxNameBytes) return whole;
  const std::string_view text = whole;
  return fmt::format("{}{}{}", text.substr(0, kMaxNameBytes - kTailBytes - kGap.size()), kGap,
                     text.substr(text.size() - kTailBytes));
}

void write_names(std::vector<std::byte>& out, std::span<const AddressNames> names) {
  NameBlock block(out);
  for (const AddressNames& of : names) {
    if (of.name.empty()) continue;
    for (const std::string& address : of.addresses)
      if (const auto bytes = parse(address)) block.add(*bytes, of.name);
  }
  block.finish();
}

}  // namespace caprock::kubernetes
