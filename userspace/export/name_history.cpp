// SPDX-License-Identifier: Apache-2.0
#include "export/name_history.hpp"

#include <algorithm>

#include "export/flow_text.hpp"
#include "pcapng/writer.hpp"

namespace caprock::exporting {
namespace {

constexpr std::size_t kMaxNamesInBlock = 1000;
constexpr std::size_t kIpv4Offset = 12;  // in an Address

/// Of what was there before it was told.
bool tells_what_is_there(std::string_view event) {
  return event == "pod" || event == "service" || event == "node";
}

}  // namespace

bool is_inventory(const pcapng::Block& journal) {
  return pcapng::journal_field(journal, "CAPROCK_LAYER") == "kubernetes" &&
         pcapng::journal_field(journal, "CAPROCK_EVENT") == "inventory" &&
         pcapng::journal_field(journal, "CAPROCK_SUPPRESSED").empty();
}

void NameHistory::take(const pcapng::Block& journal) {
  const auto time_ns = pcapng::journal_time_ns(journal);
  if (!time_ns || pcapng::journal_field(journal, "CAPROCK_LAYER") != "kubernetes") return;
  if (is_inventory(journal)) return take_inventory(*time_ns);
  const std::string_view name = pcapng::journal_field(journal, "CAPROCK_NAME");
  if (name.empty()) return;
  tell(std::string(name), parse_addresses(pcapng::journal_field(journal, "CAPROCK_ADDRESSES")),
       pcapng::journal_field(journal, "CAPROCK_EVENT"), *time_ns);
}

/// What was not told since the one before ended with that.
void NameHistory::take_inventory(std::int64_t time_ns) {
  for (auto& [address, stays] : stays_)
    stays.back().end_ns = end_of(stays.back());
  std::erase_if(names_, [&](const auto& named) { return named.second.told_ns < inventory_ns_; });
  inventory_ns_ = time_ns;
}

/// A pod has its addresses before they are told: since it was scheduled at the earliest.
void NameHistory::tell(const std::string& name, const std::vector<Address>& addresses,
                       std::string_view event, std::int64_t time_ns) {
  Named& named = names_[name];
  const bool first = named.told_ns < inventory_ns_;  // since the inventory
  const std::set<Address> before =
      std::exchange(named.addresses, {addresses.begin(), addresses.end()});
  named.told_ns = time_ns;
  for (const Address& address : before)
    if (!named.addresses.contains(address)) go(name, address, time_ns);
  const std::int64_t begin_ns = tells_what_is_there(event) ? inventory_ns_ : time_ns;
  for (const Address& address : named.addresses)
    if (first || !before.contains(address))
      come(name, address, begin_ns, std::min(begin_ns, named.scheduled_ns));
  if (event == "pod-scheduled") named.scheduled_ns = time_ns;
  if (!named.addresses.empty()) named.scheduled_ns = kNotWaiting;
}

/// It may be another one's, of which is not known yet that it is gone: until then.
void NameHistory::come(const std::string& name, const Address& address, std::int64_t begin_ns,
                       std::int64_t earliest_ns) {
  auto& stays = stays_[address];
  const bool is_held = !stays.empty() && stays.back().end_ns == INT64_MAX;
  if (is_held && stays.back().name == name) return;
  if (!is_held) begin_ns = earliest_ns;
  if (!stays.empty()) {
    Stay& last = stays.back();
    begin_ns = std::max(begin_ns, is_held ? last.begin_ns : last.end_ns);
    last.end_ns = std::min(last.end_ns, begin_ns);
  }
  stays.push_back({name, begin_ns});
  news_.push_back({begin_ns, address, name});
}

void NameHistory::go(const std::string& name, const Address& address, std::int64_t end_ns) {
  const auto stays = stays_.find(address);
  if (stays == stays_.end()) return;
  Stay& last = stays->second.back();
  if (last.name == name) last.end_ns = std::min(last.end_ns, end_ns);
}

std::int64_t NameHistory::end_of(const Stay& stay) const {
  const auto named = names_.find(stay.name);
  const bool told = named != names_.end() && named->second.told_ns >= inventory_ns_;
  return told ? stay.end_ns : std::min(stay.end_ns, inventory_ns_);
}

/// What an inventory has not told again yet may still come: it is not the end of a name.
void NameHistory::forget_ended(std::int64_t time_ns) {
  for (auto& [address, stays] : stays_)
    std::erase_if(stays, [&](const Stay& stay) { return stay.end_ns <= time_ns; });
  std::erase_if(stays_, [](const auto& of) { return of.second.empty(); });
  std::erase_if(names_, [&](const auto& named) {
    return named.second.addresses.empty() && named.second.told_ns <= time_ns;
  });
}

std::vector<Naming> NameHistory::namings(std::int64_t from_ns, std::int64_t to_ns) const {
  std::vector<Naming> all;
  for (const auto& [address, stays] : stays_) {
    bool first = true;
    for (const Stay& stay : stays) {
      if (stay.begin_ns >= to_ns || end_of(stay) <= std::max(from_ns, stay.begin_ns)) continue;
      all.push_back({std::exchange(first, false) ? from_ns : stay.begin_ns, address, stay.name});
    }
  }
  std::ranges::stable_sort(all, {}, &Naming::begin_ns);
  return all;
}

std::vector<std::byte> name_blocks(std::span<const Naming> namings) {
  std::vector<std::byte> out;
  std::vector<pcapng::NameEntry> entries;
  for (const Naming& naming : namings) {
    const Bytes address(naming.address);
    entries.push_back(
        {is_ipv4(naming.address) ? address.subspan(kIpv4Offset) : address, naming.name});
    if (entries.size() < kMaxNamesInBlock && &naming != &namings.back()) continue;
    pcapng::Writer(out).name_resolution(entries);
    entries.clear();
  }
  return out;
}

}  // namespace caprock::exporting
