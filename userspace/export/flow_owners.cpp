// SPDX-License-Identifier: Apache-2.0
#include "export/flow_owners.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "store/window.hpp"

namespace caprock::exporting {
namespace {

/// A handshake begins before its end is told; of one that was accepted nobody knows how long.
constexpr std::int64_t kHandshakeNs = 1'000'000'000;
constexpr std::int64_t kSlackNs = 1'000'000;

template <class T>
T number(std::string_view digits) {
  T value{};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// "10.0.0.1:80", "[fd00::1]:80".
std::optional<FlowEnd> parse_end(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  FlowEnd end;
  end.port = number<std::uint16_t>(text.substr(colon + 1));
  std::string address(text.substr(0, colon));
  if (address.starts_with('['))
    address = address.substr(1, address.size() - 2);
  else
    address = "::ffff:" + address;
  if (::inet_pton(AF_INET6, address.c_str(), end.address.data()) != 1) return std::nullopt;
  return end;
}

/// "TCP 10.0.0.1:4000 > 10.0.0.2:80".
std::optional<Flow> parse_flow(std::string_view text) {
  constexpr std::string_view kProtocol = "TCP ";
  constexpr std::string_view kArrow = " > ";
  const auto arrow = text.find(kArrow);
  if (!text.starts_with(kProtocol) || arrow == text.npos) return std::nullopt;
  const auto source = parse_end(text.substr(kProtocol.size(), arrow - kProtocol.size()));
  const auto destination = parse_end(text.substr(arrow + kArrow.size()));
  if (!source || !destination) return std::nullopt;
  return Flow{*source, *destination};
}

/// How long before its entry what an event tells of began; nothing: it tells nothing of an owner.
std::optional<std::int64_t> began_before(const pcapng::Block& journal) {
  const std::string_view event = pcapng::journal_field(journal, "CAPROCK_EVENT");
  const std::string_view latency = pcapng::journal_field(journal, "CAPROCK_LATENCY_NS");
  if (event == "failed" || (event == "established" && !latency.empty()))
    return number<std::int64_t>(latency) + kSlackNs;
  if (event == "established") return kHandshakeNs;
  if (event == "open" || event == "closed") return INT64_MAX;  // who knows
  return std::nullopt;
}

}  // namespace

Result<FlowOwners> FlowOwners::read(const store::RingView& view, std::int64_t from_ns,
                                    std::int64_t to_ns) {
  auto window = store::Window::open(view, {from_ns, to_ns});
  if (!window) return std::move(window).error();
  FlowOwners owners;
  for (Bytes stretch = window->next_stretch(); !stretch.empty(); stretch = window->next_stretch()) {
    pcapng::BlockCursor cursor(stretch);
    while (const auto block = cursor.next()) {
      if (block->type == pcapng::kJournalExport) owners.take(*block);
    }
  }
  return owners;
}

/// The end of a connection tells its owner only where nothing before it did.
void FlowOwners::take(const pcapng::Block& journal) {
  if (pcapng::journal_field(journal, "CAPROCK_LAYER") != "os") return;
  const auto before_ns = began_before(journal);
  const auto time_ns = pcapng::journal_time_ns(journal);
  const auto flow = parse_flow(pcapng::journal_field(journal, "CAPROCK_FLOW"));
  const auto pid = number<std::uint32_t>(pcapng::journal_field(journal, "_PID"));
  if (!before_ns || !time_ns || !flow || pid == 0) return;
  std::vector<Owner>& owners = owners_[*flow];
  if (*before_ns == INT64_MAX && !owners.empty()) return;
  owners.push_back({.begin_ns = *before_ns == INT64_MAX ? INT64_MIN : *time_ns - *before_ns,
                    .pid = pid,
                    .tid = number<std::uint32_t>(pcapng::journal_field(journal, "CAPROCK_TID")),
                    .comm = std::string(pcapng::journal_field(journal, "_COMM"))});
}

const Owner* FlowOwners::of(const Flow& flow, std::int64_t time_ns) const {
  const auto found = owners_.find(flow);
  if (found == owners_.end()) return nullptr;
  const auto after = std::ranges::upper_bound(found->second, time_ns, {}, &Owner::begin_ns);
  return after == found->second.begin() ? nullptr : &*std::prev(after);
}

}  // namespace caprock::exporting
