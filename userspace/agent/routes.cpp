// SPDX-License-Identifier: Apache-2.0
#include "agent/routes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <span>
#include <thread>
#include <utility>

#include "api/top.hpp"
#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"
#include "export/event_lines.hpp"
#include "export/export.hpp"
#include "export/pcap_filter.hpp"
#include "export/tail.hpp"
#include "store/ring_view.hpp"

namespace caprock::agent {
namespace {

using namespace std::chrono_literals;
using http::Access;
using http::Request;
using http::Response;

constexpr auto kCompletionWait = 200ms;  // for lanes to catch up with a window that reaches to now
constexpr auto kPollInterval = 10ms;
constexpr auto kTailInterval = 50ms;
constexpr auto kStuck =
    10s;  // a lane that has not looked at its sources for so long is not healthy
constexpr std::string_view kPcapngType = "application/x-pcapng";
constexpr std::string_view kPcapType = "application/vnd.tcpdump.pcap";
constexpr std::string_view kJsonLinesType = "application/x-ndjson";

/// Events without which the answer of top has gaps.
constexpr std::array<std::string_view, 6> kTopEvents = {"bind", "established", "accept",
                                                        "open", "retransmit",  "drop"};

template <class Function>
http::Handler immediate(Function function) {
  return [function](const Request& request) -> boost::asio::awaitable<Response> {
    co_return function(request);
  };
}

Response text(std::string_view content_type, std::string body) {
  Response response;
  response.content_type = content_type;
  response.body = std::move(body);
  return response;
}

Response health(const api::AgentStatus& status) {
  const auto stuck = [](const api::LaneStatus& lane) { return lane.lag > kStuck; };
  const auto lane = std::find_if(status.lanes.begin(), status.lanes.end(), stuck);
  if (lane == status.lanes.end()) return text("text/plain", "ok\n");
  return http::problem(
      503, fmt::format("lane {} has not moved for {}", lane->index, format_duration(lane->lag)));
}

Response readiness(const api::AgentStatus& status) {
  const auto attached = [](const api::InterfaceStatus& interface) {
    return !interface.hook.empty();
  };
  const bool recording = std::any_of(status.interfaces.begin(), status.interfaces.end(), attached);
  if (recording || !status.capture.enabled) return text("text/plain", "ok\n");
  return http::problem(
      503, "no interface is being recorded; see the interfaces' errors in /api/v1/status");
}

/// Waits until the record is whole up to `until_ns`, but not for long; returns up to where it is.
std::int64_t await_completion(const store::Ring& ring, std::int64_t until_ns) {
  const auto end = std::chrono::steady_clock::now() + kCompletionWait;
  std::int64_t complete = ring.status().complete_until_ns;
  while (complete < until_ns && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kPollInterval);
    complete = ring.status().complete_until_ns;
  }
  return std::min(complete, until_ns);
}

exporting::FunctionSink sink_of(http::StreamWriter& writer) {
  return exporting::FunctionSink([&writer](Bytes bytes) -> Status {
    const bool wanted = bytes.empty() ? writer.open() : writer.write(bytes);
    if (!wanted) return Error("the client has gone, or the agent stops");
    return {};
  });
}

/// A parameter that is passed over would give another capture than the one that was asked for.
Status check_parameters(const Request& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Error(fmt::format("{} does not know the parameter \"{}\": use {}", request.path, name,
                             fmt::join(known, ", ")));
  }
  return {};
}

Result<bool> truth(const Request& request, const std::string& name, bool unless_given) {
  const std::string value = request.parameter(name, unless_given ? "true" : "false");
  if (value == "true" || value == "false") return value == "true";
  return Error(fmt::format("{} is true or false, and not \"{}\"", name, value));
}

/// Libpcap asks name servers for a host's address: nothing for the control plane to wait for.
http::StreamCheck filter_check(const std::string& expression) {
  return [expression]() -> Status {
    if (auto filter = exporting::PcapFilter::compile(expression); !filter)
      return std::move(filter).error();
    return {};
  };
}

Result<exporting::ExportOptions> export_options(const Request& request) {
  if (auto known = check_parameters(
          request, {"from", "to", "filter", "format", "packets", "events", "names", "process"});
      !known)
    return std::move(known).error();
  const std::int64_t now_ns = wall_ns();
  exporting::ExportOptions options;
  const auto from = parse_time(request.parameter("from", "1970-01-01T00:00:00Z"), now_ns);
  if (!from) return from.error().context("from");
  const auto to = parse_time(request.parameter("to", "now"), now_ns);
  if (!to) return to.error().context("to");
  const auto format = exporting::parse_format(request.parameter("format", "pcapng"));
  if (!format) return format.error().context("format");
  if (*from >= *to)
    return Error("from is not before to, which is now unless given: give an earlier from");
  options.from_ns = *from;
  options.to_ns = *to;
  options.format = *format;
  options.filter = request.parameter("filter");
  const auto packets = truth(request, "packets", true);
  const auto events = truth(request, "events", true);
  const auto names = truth(request, "names", true);
  const auto processes = truth(request, "process", false);
  for (const auto* given : {&packets, &events, &names, &processes})
    if (!*given) return given->error();
  options.packets = *packets;
  options.events = *events;
  options.names = *names;
  options.processes = *processes;
  if (auto possible = exporting::check(options); !possible) return std::move(possible).error();
  return options;
}

std::string_view content_type(exporting::Format format) {
  switch (format) {
    case exporting::Format::kPcapng:
      return kPcapngType;
    case exporting::Format::kPcap:
    case exporting::Format::kPcapNs:
      return kPcapType;
    case exporting::Format::kJson:
      return kJsonLinesType;
  }
  return {};
}

/// What is missing breaks a pcap off, which cannot tell it.
Status told_whole(const exporting::ExportReport& report, exporting::Format format) {
  if (report.skipped.empty()) return {};
  const std::string what = fmt::format("export: {} parts of its window are missing; the first: {}",
                                       report.skipped.size(), report.skipped.front());
  const bool classic = format == exporting::Format::kPcap || format == exporting::Format::kPcapNs;
  if (classic) return Error(what + "; a pcapng tells it in the file");
  log_warning(what);
  return {};
}

Response export_stream(const store::Ring& ring, const Request& request) {
  auto options = export_options(request);
  if (!options) return http::problem(400, options.error().message());
  Response response;
  response.check = filter_check(options->filter);
  response.content_type = content_type(options->format);
  response.stream = [&ring,
                     options = std::move(*options)](http::StreamWriter& writer) mutable -> Status {
    options.to_ns =
        std::min(options.to_ns, await_completion(ring, std::min(options.to_ns, wall_ns())));
    auto view = store::RingView::open(ring.status().path);
    if (!view) return std::move(view).error();
    auto sink = sink_of(writer);
    auto report = exporting::export_window(*view, options, sink);
    if (!report) return std::move(report).error();
    return told_whole(*report, options.format);
  };
  return response;
}

Response tail_stream(const store::Ring& ring, const Request& request) {
  if (auto known = check_parameters(request, {"from", "filter", "format", "events"}); !known)
    return http::problem(400, known.error().message());
  exporting::TailOptions options;
  const auto from = parse_time(request.parameter("from", "now"), wall_ns());
  if (!from) return http::problem(400, from.error().context("from").message());
  options.from_ns = *from;
  options.filter = request.parameter("filter");
  const auto events = truth(request, "events", true);
  if (!events) return http::problem(400, events.error().message());
  options.events = *events;
  const auto format = exporting::parse_format(request.parameter("format", "pcapng"));
  if (!format) return http::problem(400, format.error().context("format").message());
  if (*format != exporting::Format::kPcapng && *format != exporting::Format::kJson)
    return http::problem(400, "format: a tail is pcapng or json");
  options.packets = *format == exporting::Format::kPcapng;
  if (!options.packets && !options.filter.empty())
    return http::problem(400, "a filter chooses among packets, and json is the events");
  // By the clock as it is set now, as all that a tail goes by.
  options.complete_until = [&ring, offset_ns = ring.status().wall_offset_ns] {
    return ring.status().complete_until_monotonic_ns + offset_ns;
  };
  Response response;
  response.check = filter_check(options.filter);
  response.content_type = content_type(*format);
  response.stream = [&ring,
                     options = std::move(options)](http::StreamWriter& writer) mutable -> Status {
    options.wait = [&writer] {
      std::this_thread::sleep_for(kTailInterval);
      return writer.open();
    };
    auto view = store::RingView::open(ring.status().path);
    if (!view) return std::move(view).error();
    auto sink = sink_of(writer);
    exporting::EventLines lines(sink);
    return exporting::tail(*view, options,
                           options.packets ? static_cast<exporting::Sink&>(sink) : lines);
  };
  return response;
}

/// Asks only now and then, and says yes in between: asking takes a turn of the control plane.
std::function<bool()> seldom(std::function<bool()> ask) {
  return [ask = std::move(ask), next = std::chrono::steady_clock::now()]() mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now < next) return true;
    next = now + kTailInterval;
    return ask();
  };
}

/// What the operating-system layer does not tell, and how to change that.
std::vector<std::string> top_notes(const std::vector<api::EventStatus>& events) {
  if (events.empty())
    return {"processes, retransmissions and drops are known with agent.os.enabled: true alone"};
  std::vector<std::string> notes;
  for (const api::EventStatus& event : events) {
    const bool needed = std::ranges::find(kTopEvents, event.name) != kTopEvents.end();
    if (needed && event.hook.empty())
      notes.push_back(fmt::format("events \"{}\" are not recorded: {}", event.name, event.note));
  }
  return notes;
}

Response top_stream(const store::Ring& ring, Top& top, const Request& request,
                    const std::vector<api::EventStatus>& events) {
  if (auto known = check_parameters(request, {"window", "by", "sort", "limit"}); !known)
    return http::problem(400, known.error().message());
  auto query = parse_top_query(request);
  if (!query) return http::problem(400, query.error().message());
  if (events.empty()) query->by = api::kByFlow;
  Response response;
  response.stream = [&ring, &top, query = *std::move(query), notes = top_notes(events),
                     os_enabled = !events.empty()](http::StreamWriter& writer) -> Status {
    auto report =
        top.look(query, {.open = [&ring] { return store::RingView::open(ring.status().path); },
                         .complete_until = [&ring] { return await_completion(ring, wall_ns()); },
                         .wanted = seldom([&writer] { return writer.open(); }),
                         .os_enabled = os_enabled});
    if (!report) return std::move(report).error();
    report->os_enabled = os_enabled;
    report->notes.insert(report->notes.begin(), notes.begin(), notes.end());
    const std::string document = api::to_json_text(*report);
    writer.write(std::as_bytes(std::span(document)));
    return {};
  };
  return response;
}

Response change_capture(const ControlRoutes& control, const Request& request) {
  auto assignments = api::assignments_of(request.body);
  if (!assignments) return http::problem(400, assignments.error().message());
  if (auto changed = control.change_capture(*assignments); !changed)
    return http::problem(400, changed.error().message());
  return text("application/json", api::to_json_text(control.capture()));
}

}  // namespace

std::vector<http::Route> routes(const store::Ring& ring, Top& top, const ControlRoutes& control) {
  const auto of_status = [status = control.status](auto render) {
    return immediate([status, render](const Request&) { return render(status()); });
  };
  const auto document = [](const api::AgentStatus& s) {
    return text("application/json", api::to_json_text(s));
  };
  const auto metrics = [](const api::AgentStatus& s) {
    return text("text/plain; version=0.0.4; charset=utf-8", api::metrics_text(s));
  };
  return {
      {"GET", "/api/v1/status", Access::kPublic, of_status(document)},
      {"GET", "/metrics", Access::kPublic, of_status(metrics)},
      {"GET", "/healthz", Access::kPublic, of_status(health)},
      {"GET", "/readyz", Access::kPublic, of_status(readiness)},
      {"GET", "/api/v1/targets", Access::kFull, immediate([control](const Request&) {
         return text("application/json", api::to_json_text(control.targets()));
       })},
      {"GET", "/api/v1/capture", Access::kFull, immediate([control](const Request&) {
         return text("application/json", api::to_json_text(control.capture()));
       })},
      {"PATCH", "/api/v1/capture", Access::kFull,
       immediate([control](const Request& r) { return change_capture(control, r); })},
      {"GET", "/api/v1/export", Access::kFull,
       immediate([&ring](const Request& r) { return export_stream(ring, r); })},
      {"GET", "/api/v1/tail", Access::kFull,
       immediate([&ring](const Request& r) { return tail_stream(ring, r); })},
      {"GET", "/api/v1/top", Access::kFull, immediate([&ring, &top, control](const Request& r) {
         return top_stream(ring, top, r, control.status().events);
       })},
  };
}

}  // namespace caprock::agent
