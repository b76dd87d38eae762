// SPDX-License-Identifier: Apache-2.0
// caprock export
#include "export/export.hpp"

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/output_file.hpp"
#include "cli/progress.hpp"
#include "core/clock.hpp"
#include "core/quantity.hpp"
#include "export/fd_sink.hpp"
#include "store/ring_view.hpp"

namespace caprock::cli {
namespace {

struct Options {
  std::string from;  // empty: the beginning
  std::string to;    // empty: now
  std::string filter;
  std::string format;
  std::string output = "-";
  std::string ring;  // empty: ask the agent
  bool no_events = false;
  bool events_only = false;
  bool no_names = false;
  bool process = false;
  bool force = false;
};

struct Window {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = INT64_MAX;
};

Result<std::int64_t> parse_moment(const std::string& text) {
  return parse_time(text, wall_ns());
}

Result<Window> window_of(const Options& options) {
  const auto now_ns = wall_ns();
  Window window;
  if (!options.from.empty()) {
    const auto from = parse_time(options.from, now_ns);
    if (!from) return from.error().context("--from");
    window.from_ns = *from;
  }
  if (!options.to.empty()) {
    const auto to = parse_time(options.to, now_ns);
    if (!to) return to.error().context("--to");
    window.to_ns = *to;
  }
  if (window.from_ns >= window.to_ns)
    return Error("--from is not before --to: give an earlier --from, or a later --to");
  // The agent's record ends now; that of a file may come from a clock ahead of this one.
  if (options.ring.empty() && window.from_ns >= now_ns)
    return Error("--from is not before now: five minutes ago is -5m");
  return window;
}

Result<exporting::ExportOptions> wanted_of(const Options& options) {
  const auto window = window_of(options);
  if (!window) return window.error();
  const auto format = exporting::parse_format(options.format);
  if (!format) return format.error();
  exporting::ExportOptions wanted;
  wanted.from_ns = window->from_ns;
  wanted.to_ns = window->to_ns;
  wanted.filter = options.filter;
  wanted.format = *format;
  wanted.events = !options.no_events;
  wanted.packets = !options.events_only;
  wanted.names = !options.no_names;
  wanted.processes = options.process;
  if (auto possible = exporting::check(wanted); !possible) return possible.error();
  return wanted;
}

/// Through the agent. Times go absolute, so that both ends mean the same.
Status ask_agent(const Invocation& invocation, const Options& options,
                 const exporting::ExportOptions& wanted, const http::BodySink& sink) {
  const auto client = invocation.client();
  if (!client) return client.error();
  http::Target target{"/api/v1/export", {{"format", options.format}}};
  if (!options.from.empty()) target.query["from"] = format_time(wanted.from_ns);
  if (!options.to.empty()) target.query["to"] = format_time(wanted.to_ns);
  if (!options.filter.empty()) target.query["filter"] = options.filter;
  if (options.no_events) target.query["events"] = "false";
  if (options.events_only) target.query["packets"] = "false";
  if (options.no_names) target.query["names"] = "false";
  if (options.process) target.query["process"] = "true";
  return client->get(target, sink);
}

/// The file written to, whose growth is shown.
class ShownSink final : public exporting::FdSink {
 public:
  ShownSink(OutputFile& file, Progress& progress)
      : FdSink(file.fd(), file.name()), progress_(progress) {}

  Status write(Bytes piece) override {
    progress_.add(piece.size());
    return FdSink::write(piece);
  }

 private:
  Progress& progress_;
};

/// From a ring file, beside an agent or without one. What a pcap lacks is a failure, since the file
/// cannot tell it.
Result<int> read_ring(const std::string& ring, const exporting::ExportOptions& wanted,
                      exporting::Sink& sink) {
  const auto view = store::RingView::open(ring);
  if (!view) return view.error();
  const auto report = exporting::export_window(*view, wanted, sink);
  if (!report) return report.error();
  for (const auto& line : report->skipped)
    fmt::print(stderr, "caprock: {}\n", line);
  const bool classic =
      wanted.format == exporting::Format::kPcap || wanted.format == exporting::Format::kPcapNs;
  return classic && !report->skipped.empty() ? kFailure : kSuccess;
}

Result<int> write_capture(const Invocation& invocation, const Options& options,
                          const exporting::ExportOptions& wanted, OutputFile& file) {
  Progress progress;
  if (options.ring.empty()) {
    const Status asked = ask_agent(invocation, options, wanted, [&](Bytes bytes) {
      progress.add(bytes.size());
      return file.write(bytes);
    });
    if (!asked) return asked.error();
    return kSuccess;
  }
  ShownSink sink(file, progress);
  return read_ring(options.ring, wanted, sink);
}

/// `-o json` says how and not where in every other command; events alone are no capture file, whose
/// name it might be.
void take_format_from_output(Options& options) {
  if (!options.events_only || options.output != "json") return;
  options.format = "json";
  options.output = "-";
}

Result<int> export_window(const Invocation& invocation, const Options& options,
                          const exporting::ExportOptions& wanted) {
  auto file = OutputFile::open(options.output, options.force,
                               options.format == "json" ? Content::kText : Content::kCapture);
  if (!file) return file.error();
  const auto status = write_capture(invocation, options, wanted, *file);
  if (!status) return status.error();
  const Status finished = file->finish();
  if (!finished) return finished.error();
  return *status;
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
  auto* command =
      app.add_subcommand("export", "Write a time window of the record as a capture file");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("--from", options->from, "Begin: 2026-11-22T10:00:00Z, or -5m; else the oldest")
      ->check(parsed_by(parse_moment))
      ->type_name("TIME");
  command->add_option("--to", options->to, "End, not included; else now")
      ->check(parsed_by(parse_moment))
      ->type_name("TIME");
  command->add_option("-f,--filter", options->filter, "Only packets that this pcap-filter takes")
      ->type_name("EXPRESSION");
  add_choice(*command, "--format", options->format, {"pcapng", "pcap", "pcap-ns", "json"},
             "pcap is the classic format with microseconds, pcap-ns with nanoseconds; json is the "
             "events, one a line");
  auto* no_events = command->add_flag("--no-events", options->no_events, "Packets alone (pcapng)");
  command->add_flag("--events-only", options->events_only, "Events alone (pcapng)")
      ->excludes(no_events);
  command->add_flag("--no-names", options->no_names,
                    "No names for the addresses of pods, services and nodes (pcapng)");
  command->add_flag(
      "--process", options->process,
      "On each packet of TCP and UDP its process, as a comment and as options, where "
      "events of up to an hour before tell it (pcapng); refused where these are of more "
      "connections than there is memory for");
  command
      ->add_option(
          "-o,--output", options->output,
          "Where to; - is standard output, and json with --events-only: as JSON lines there")
      ->capture_default_str()
      ->type_name("FILE");
  command->add_flag("--force", options->force, "Overwrite FILE");
  command->add_option("--file", options->ring, "Read this ring instead of asking the agent")
      ->type_name("RING");
  command->callback([&invocation, options] {
    take_format_from_output(*options);
    auto wanted = wanted_of(*options);
    if (!wanted) throw CLI::ValidationError(wanted.error().message());
    invocation.action = [&invocation, options, wanted = *std::move(wanted)] {
      return export_window(invocation, *options, wanted);
    };
  });
}

}  // namespace caprock::cli
