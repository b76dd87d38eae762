// SPDX-License-Identifier: Apache-2.0
// caprock top
#include "api/top.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

#include "cli/command.hpp"
#include "cli/screen.hpp"

namespace caprock::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  double delay_s = 2;
  std::size_t iterations = 0;  // 0: no end
  bool batch = false;
  std::string by;
  std::string sort;
  std::size_t limit = 0;  // 0: what fits, or the agent's own
  std::string output;
};

http::Target target_of(const Options& options, bool on_screen) {
  http::Target target{"/api/v1/top", {{"by", options.by}, {"sort", options.sort}}};
  target.query["window"] = fmt::format("{}s", options.delay_s);
  const std::size_t limit = options.limit == 0 && on_screen ? Screen::size().rows : options.limit;
  if (limit != 0) target.query["limit"] = fmt::to_string(limit);
  return target;
}

Result<std::string> page_of(const std::string& document, const Options& options) {
  if (options.output == "json") return document;
  const auto report = api::parse_top(document);
  if (!report) return report.error();
  return api::top_table(*report);
}

/// One look after another, so that their windows meet.
class Looks {
 public:
  explicit Looks(const Options& options)
      : delay_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(options.delay_s))),
        left_(options.iterations) {}

  bool last() { return left_ != 0 && --left_ == 0; }
  Clock::time_point next() { return next_ = std::max(next_ + delay_, Clock::now()); }

 private:
  Clock::duration delay_;
  std::size_t left_;  // 0: no end
  Clock::time_point next_ = Clock::now();
};

Status show_in_place(const http::Client& client, const Options& options) {
  const Screen screen;
  for (Looks looks(options);;) {
    const auto document = client.get(target_of(options, true));
    if (!document) return document.error();
    const auto page = page_of(*document, options);
    if (!page) return page.error();
    if (auto shown = Screen::show(*page); !shown || looks.last()) return shown;
    if (screen.quits_before(looks.next())) return {};
  }
}

Status print_in_turn(const http::Client& client, const Options& options) {
  const bool apart = options.output != "json";
  for (Looks looks(options);;) {
    const auto document = client.get(target_of(options, false));
    if (!document) return document.error();
    const auto page = page_of(*document, options);
    if (!page) return page.error();
    if (auto printed = print(*page); !printed || looks.last()) return printed;
    std::this_thread::sleep_until(looks.next());
    if (auto printed = print(apart ? "\n" : ""); !printed) return printed;
  }
}

Result<int> watch(const Invocation& invocation, const Options& options) {
  const auto client = invocation.client();
  if (!client) return client.error();
  const bool in_place = !options.batch && options.output != "json" && ::isatty(STDOUT_FILENO) == 1;
  const Status done = in_place ? show_in_place(*client, options) : print_in_turn(*client, options);
  if (!done) return done.error();
  return kSuccess;
}

}  // namespace

void add_top(CLI::App& app, Invocation& invocation) {
  constexpr double kMinDelay = 0.1;
  constexpr double kMaxDelay = 60;
  constexpr int kMaxIterations = 1'000'000'000;
  constexpr int kMaxRows = 10'000;
  auto* command = app.add_subcommand(
      "top", "Show which processes and flows have the traffic, again and again; q ends it");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("-d,--delay", options->delay_s,
                   "Time between two looks, and what each looks back on; 0.1 to 60")
      ->check(CLI::Range(kMinDelay, kMaxDelay).description(""))
      ->capture_default_str()
      ->type_name("SECONDS");
  command->add_option("-n,--iterations", options->iterations, "Looks; else until it is ended")
      ->check(CLI::Range(1, kMaxIterations).description(""))
      ->type_name("N");
  command->add_flag("-b,--batch", options->batch,
                    "One table behind the other, as where standard output is no terminal");
  add_choice(*command, "--by", options->by, {"process", "flow", "container"},
             "What a row is; without agent.os.enabled a flow");
  add_choice(*command, "--sort", options->sort, {"bytes", "packets", "retransmissions", "drops"},
             "Those with most first");
  command->add_option("--limit", options->limit, "Rows at the most; else what fits, in batch 100")
      ->check(CLI::Range(1, kMaxRows).description(""))
      ->type_name("ROWS");
  add_choice(*command, "-o,--output", options->output, {"table", "json"},
             "Form of the answer; json is one line a look");
  command->callback([&invocation, options] {
    invocation.action = [&invocation, options] { return watch(invocation, *options); };
  });
}

}  // namespace caprock::cli
