// SPDX-License-Identifier: Apache-2.0
// caprock tail
#include "cli/command.hpp"
#include "cli/output_file.hpp"

namespace caprock::cli {
namespace {

struct Options {
  std::string filter;
  bool events = false;
};

Result<int> follow(const Invocation& invocation, const Options& options) {
  const auto client = invocation.client();
  if (!client) return client.error();
  auto output = OutputFile::open("-", false, options.events ? Content::kText : Content::kCapture);
  if (!output) return output.error();
  http::Target target{"/api/v1/tail", {}};
  if (!options.filter.empty()) target.query["filter"] = options.filter;
  if (options.events) target.query["format"] = "json";
  const Status done = client->get(target, [&](Bytes bytes) { return output->write(bytes); });
  if (!done) return done.error();
  return kSuccess;
}

}  // namespace

void add_tail(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "tail",
      "Write packets to standard output as they come, as pcapng: caprock tail | wireshark -k -i -");
  const auto options = std::make_shared<Options>();
  auto* filter = command->add_option("-f,--filter", options->filter,
                                     "Only packets that this pcap-filter takes");
  filter->type_name("EXPRESSION");
  command->add_flag("--events", options->events, "Events instead of packets, as JSON, one a line")
      ->excludes(filter);
  command->callback([&invocation, options] {
    invocation.action = [&invocation, options] { return follow(invocation, *options); };
  });
}

}  // namespace caprock::cli
