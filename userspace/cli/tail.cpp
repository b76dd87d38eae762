// SPDX-License-Identifier: Apache-2.0
// caprock tail
#include "cli/command.hpp"
#include "cli/output_file.hpp"

namespace caprock::cli {
namespace {

Result<int> follow(const Invocation& invocation, const std::string& filter) {
  const auto client = invocation.client();
  if (!client) return client.error();
  auto output = OutputFile::open("-", false);
  if (!output) return output.error();
  http::Target target{"/api/v1/tail", {}};
  if (!filter.empty()) target.query["filter"] = filter;
  const Status done = client->get(target, [&](Bytes bytes) { return output->write(bytes); });
  if (!done) return done.error();
  return kSuccess;
}

}  // namespace

void add_tail(CLI::App& app, Invocation& invocation) {
  auto* command = app.add_subcommand(
      "tail",
      "Write packets to standard output as they come, as pcapng: caprock tail | wireshark -k -i -");
  const auto filter = std::make_shared<std::string>();
  command->add_option("-f,--filter", *filter, "Only packets that this pcap-filter takes")
      ->type_name("EXPRESSION");
  command->callback([&invocation, filter] {
    invocation.action = [&invocation, filter] { return follow(invocation, *filter); };
  });
}

}  // namespace caprock::cli
