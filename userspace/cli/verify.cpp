// SPDX-License-Identifier: Apache-2.0
// caprock verify
#include "store/verify.hpp"

#include <fmt/format.h>

#include <cstdio>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "core/quantity.hpp"

namespace caprock::cli {
namespace {

using Json = nlohmann::ordered_json;
using store::VerifyReport;

struct Options {
  std::string file;
  std::string output;
};

Json damage_json(const store::Damage& damage) {
  return {{"segment", damage.index},
          {"sequence", damage.sequence},
          {"offset", damage.offset},
          {"what", damage.what}};
}

Json loss_json(const store::Loss& loss) {
  return {{"sequence", loss.sequence},
          {"after", loss.after_ns == 0 ? Json() : Json(format_time(loss.after_ns))},
          {"until", format_time(loss.until_ns)},
          {"dropped", loss.dropped}};
}

Json account_json(const store::ToldAccount& told) {
  const store::Account& account = told.account;
  return {{"time", format_time(told.time_ns)},
          {"seen", account.seen},
          {"not_l4", account.not_l4},
          {"filtered", account.filtered},
          {"malformed", account.malformed},
          {"unreadable", account.unreadable},
          {"lost", account.lost},
          {"written", account.written},
          {"recorded", account.recorded ? Json(*account.recorded) : Json()},
          {"unexplained", store::unexplained(account)}};
}

std::string json_text(const VerifyReport& report) {
  Json document = {{"whole", report.whole()},
                   {"ring", report.ring},
                   {"sealed", report.sealed},
                   {"active", report.active},
                   {"unused", report.unused},
                   {"overtaken", report.overtaken},
                   {"packets", report.packets},
                   {"captured_bytes", report.captured_bytes},
                   {"original_bytes", report.original_bytes},
                   {"dropped", report.dropped},
                   {"losses", Json::array()},
                   {"accounts", Json::array()},
                   {"damage", Json::array()}};
  for (const auto& loss : report.losses)
    document["losses"].push_back(loss_json(loss));
  for (const auto& told : report.accounts)
    document["accounts"].push_back(account_json(told));
  for (const auto& damage : report.damage)
    document["damage"].push_back(damage_json(damage));
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string loss_text(const store::Loss& loss) {
  const std::string until = format_time(loss.until_ns);
  if (loss.after_ns == 0) return fmt::format("lost {} packets before {}\n", loss.dropped, until);
  return fmt::format("lost {} packets between {} and {}\n", loss.dropped,
                     format_time(loss.after_ns), until);
}

std::string table_text(const std::string& file, const VerifyReport& report) {
  std::string text;
  for (const auto& damage : report.damage)
    text += report.ring ? fmt::format("segment {} (sequence {}), offset {}: {}\n", damage.index,
                                      damage.sequence, damage.offset, damage.what)
                        : fmt::format("offset {}: {}\n", damage.offset, damage.what);
  for (const auto& loss : report.losses)
    text += loss_text(loss);
  for (const auto& told : report.accounts)
    text += fmt::format("by {}: {}\n", format_time(told.time_ns), store::describe(told.account));
  text += fmt::format("{}: {}; {} packets, {} captured, {} lost", file,
                      report.whole() ? "whole" : "damaged", report.packets,
                      format_size(report.captured_bytes), report.dropped);
  if (report.ring)
    text += fmt::format("; {} segments sealed, {} active, {} unused", report.sealed, report.active,
                        report.unused);
  if (report.overtaken > 0)
    text += fmt::format(", {} not judged because the agent kept writing them", report.overtaken);
  return text + "\n";
}

Result<int> verify(const Options& options) {
  const auto report = store::verify(options.file);
  const Status printed = !report
                             ? Status(report.error())
                             : print(options.output == "json" ? json_text(*report)
                                                              : table_text(options.file, *report));
  if (!printed) {
    fmt::print(stderr, "caprock: {}\n", printed.error().message());
    return kUsage;  // 1 is the verdict "damaged"
  }
  return report->whole() ? kSuccess : kFailure;
}

}  // namespace

void add_verify(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("verify",
                                     "Recompute what a ring or pcapng file says about itself. Exit "
                                     "status: 0 whole, 1 damaged, 2 cannot tell");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file, "A ring, or any pcapng file")
      ->required()
      ->type_name("");
  add_choice(*command, "-o,--output", options->output, {"table", "json"}, "Form of the answer");
  command->callback(
      [&invocation, options] { invocation.action = [options] { return verify(*options); }; });
}

}  // namespace caprock::cli
