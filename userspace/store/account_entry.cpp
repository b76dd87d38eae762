// SPDX-License-Identifier: Apache-2.0
#include "store/account_entry.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "pcapng/note.hpp"

namespace caprock::store {
namespace {

constexpr std::string_view kRecordedField = "CAPROCK_RECORDED";

struct CountField {
  std::string_view name;
  std::uint64_t Account::*member;
};

constexpr std::array kCountFields{
    CountField{"CAPROCK_SEEN", &Account::seen},
    CountField{"CAPROCK_NOT_L4", &Account::not_l4},
    CountField{"CAPROCK_FILTERED", &Account::filtered},
    CountField{"CAPROCK_MALFORMED", &Account::malformed},
    CountField{"CAPROCK_UNREADABLE", &Account::unreadable},
    CountField{"CAPROCK_LOST_IN_ALL", &Account::lost},
    CountField{"CAPROCK_WRITTEN", &Account::written},
};

std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : b - a;
}

std::optional<std::uint64_t> count_of(const pcapng::Block& block, std::string_view field) {
  const std::string_view digits = pcapng::journal_field(block, field);
  std::uint64_t count = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (digits.empty() || parsed.ec != std::errc()) return std::nullopt;
  return count;
}

}  // namespace

std::uint64_t unexplained(const Account& account) {
  const std::uint64_t told = account.not_l4 + account.filtered + account.malformed +
                             account.unreadable + account.lost + account.written;
  return difference(account.seen, told) +
         difference(account.recorded.value_or(account.written), account.written);
}

std::string describe(const Account& account) {
  return fmt::format(
      "{} packets seen: {} recorded, {} lost, {} left out by filters, {} neither TCP nor UDP, {} "
      "malformed or unreadable, {} unexplained",
      account.seen, account.written, account.lost, account.filtered, account.not_l4,
      account.malformed + account.unreadable, unexplained(account));
}

void write_account_entry(std::vector<std::byte>& out, const Account& account,
                         std::int64_t time_ns) {
  std::vector<pcapng::JournalField> fields;
  std::array<std::string, kCountFields.size() + 1> counts;
  for (std::size_t i = 0; i < kCountFields.size(); ++i) {
    counts[i] = std::to_string(account.*kCountFields[i].member);
    fields.push_back({kCountFields[i].name, counts[i]});
  }
  if (account.recorded) {
    counts.back() = std::to_string(*account.recorded);
    fields.push_back({kRecordedField, counts.back()});
  }
  pcapng::write_note(out, time_ns, describe(account), fields, pcapng::Priority::kInformation);
}

std::optional<Account> as_account(const pcapng::Block& block) {
  if (!pcapng::is_note(block)) return std::nullopt;
  Account account;
  for (const CountField& field : kCountFields) {
    const auto count = count_of(block, field.name);
    if (!count) return std::nullopt;
    account.*field.member = *count;
  }
  account.recorded = count_of(block, kRecordedField);
  return account;
}

}  // namespace caprock::store
