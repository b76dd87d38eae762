// SPDX-License-Identifier: Apache-2.0
// caprock status
#include "api/status.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "cli/command.hpp"
#include "core/quantity.hpp"

namespace caprock::cli {
namespace {

constexpr std::string_view kClearScreen = "\033[H\033[2J";
constexpr std::string_view kClearLine = "\r\033[K";
constexpr std::chrono::milliseconds kShortestInterval(100);

struct Options {
  std::string output;
  bool watch = false;
  std::string interval = "2s";
  bool line = false;
};

/// What to print for one document; while watching on a terminal, over what was printed before.
Result<std::string> render(const Options& options, const std::string& document) {
  if (options.output == "json") return document;
  const auto status = api::parse_status(document);
  if (!status) return status.error();
  const bool over = options.watch && ::isatty(STDOUT_FILENO) == 1;
  if (!options.line) return (over ? std::string(kClearScreen) : "") + api::status_table(*status);
  const auto line = api::status_line(*status);
  return over ? std::string(kClearLine) + line : line + "\n";
}

Status show(const http::Client& client, const Options& options) {
  const auto document = client.get(http::Target{"/api/v1/status", {}});
  if (!document) return document.error();
  const auto text = render(options, *document);
  return text ? print(*text) : Status(text.error());
}

Result<Nanoseconds> parse_interval(const std::string& text) {
  auto interval = parse_duration(text);
  if (interval && *interval < kShortestInterval)
    return Error(text + " is too short: give at least 100ms");
  return interval;
}

Result<int> report(const Invocation& invocation, const Options& options) {
  const auto client = invocation.client();
  if (!client) return client.error();
  const auto interval = parse_interval(options.interval);
  if (!interval) return interval.error();
  Status shown = show(*client, options);
  while (shown && options.watch) {
    std::this_thread::sleep_for(*interval);
    shown = show(*client, options);
  }
  if (!shown) return shown.error();
  return kSuccess;
}

}  // namespace

void add_status(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand("status", "Show what the agent records, has lost, and holds");
  const auto options = std::make_shared<Options>();
  add_choice(*command, "-o,--output", options->output, {"table", "json"}, "Form of the answer");
  command->add_flag("-w,--watch", options->watch, "Go on until interrupted");
  command->add_option("--interval", options->interval, "Time between two looks of --watch")
      ->check(parsed_by(parse_interval))
      ->capture_default_str()
      ->type_name("DURATION");
  command->add_flag("--line", options->line, "Rate, loss, history and ring use on one line");
  command->callback([&invocation, options] {
    invocation.action = [&invocation, options] { return report(invocation, *options); };
  });
}

}  // namespace caprock::cli
