// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/container_entries.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kubernetes/entry_text.hpp"
#include "kubernetes/pod_entries.hpp"

namespace caprock::kubernetes {
namespace {

using pcapng::Priority;
using State = Container::State;

constexpr std::string_view kOutOfMemory = "OOMKilled";

Entry container_entry(EntryType type, const Pod& pod, const Container& container,
                      std::string_view message, Priority priority) {
  Entry entry(type, priority);
  entry.say(fmt::format("{}container {} of pod {} {}", container.init ? "init " : "",
                        container.name, full_name(pod), message));
  add_pod(entry, pod)
      .field("CAPROCK_CONTAINER", container.id)
      .field("CAPROCK_CONTAINER_NAME", container.name);
  return entry;
}

Priority priority_of_end(std::string_view reason, std::int32_t code) {
  if (reason == kOutOfMemory) return Priority::kError;
  return code == 0 ? Priority::kInformation : Priority::kWarning;
}

/// "OOMKilled, exit code 137".
std::string end_text(std::string_view reason, std::int32_t code) {
  return fmt::format("{}{}exit code {}", reason, reason.empty() ? "" : ", ", code);
}

void write_started(EntryWriter& out, const Pod& pod, const Container& container) {
  Entry entry =
      container_entry(EntryType::kContainerStarted, pod, container,
                      fmt::format("started: {}", container.image), Priority::kInformation);
  entry.field("CAPROCK_IMAGE", container.image);
  out.add(entry);
}

void write_restarted(EntryWriter& out, const Pod& pod, const Container& container) {
  const std::string& reason = container.last_end_reason;
  const std::int32_t code = container.last_end_code;
  Entry entry = container_entry(EntryType::kContainerRestarted, pod, container,
                                fmt::format("restarted, {} times so far; its last end: {}",
                                            container.restarts, end_text(reason, code)),
                                std::min(Priority::kWarning, priority_of_end(reason, code)));
  entry.field("CAPROCK_RESTARTS", fmt::to_string(container.restarts))
      .field("CAPROCK_REASON", reason)
      .field("EXIT_STATUS", fmt::to_string(code))
      .field("CAPROCK_IMAGE", container.image);
  out.add(entry);
}

void write_ended(EntryWriter& out, const Pod& pod, const Container& container,
                 std::string_view reason, std::int32_t code) {
  const std::string_view verb =
      reason == kOutOfMemory ? "was killed, as its memory ran out" : "ended";
  Entry entry = container_entry(EntryType::kContainerEnded, pod, container,
                                fmt::format("{}: {}", verb, end_text(reason, code)),
                                priority_of_end(reason, code));
  entry.field("CAPROCK_REASON", reason)
      .field("EXIT_STATUS", fmt::to_string(code))
      .field("CAPROCK_DETAIL", container.state == State::kTerminated ? container.message : "");
  out.add(entry);
}

/// What every container waits for at first is no news.
bool is_news(const Container& container) {
  return container.state == State::kWaiting && !container.reason.empty() &&
         container.reason != "ContainerCreating" && container.reason != "PodInitializing";
}

void write_waiting(EntryWriter& out, const Pod& pod, const Container& container) {
  Entry entry =
      container_entry(EntryType::kContainerWaiting, pod, container,
                      fmt::format("is waiting{}", described(container.reason, container.message)),
                      Priority::kWarning);
  entry.field("CAPROCK_REASON", container.reason).field("CAPROCK_DETAIL", container.message);
  out.add(entry);
}

/// Its end may not have been seen: only that it waits for its next start, by which time it is the
/// last one.
void write_end(EntryWriter& out, const Pod& pod, const Container& before, const Container& after) {
  if (after.state == State::kTerminated) {
    if (before.state != State::kTerminated || before.id != after.id)
      write_ended(out, pod, after, after.reason, after.exit_code);
  } else if (after.state == State::kWaiting && before.state == State::kRunning &&
             before.restarts == after.restarts && !after.last_end_reason.empty()) {
    write_ended(out, pod, after, after.last_end_reason, after.last_end_code);
  }
}

void write_changes(EntryWriter& out, const Pod& pod, const Container& before,
                   const Container& after) {
  const bool runs_anew =
      after.state == State::kRunning && (before.state != State::kRunning || before.id != after.id);
  if (after.restarts > before.restarts)
    write_restarted(out, pod, after);
  else if (runs_anew)
    write_started(out, pod, after);
  write_end(out, pod, before, after);
  if (is_news(after) && (before.state != State::kWaiting || before.reason != after.reason))
    write_waiting(out, pod, after);
}

}  // namespace

void write_container_changes(EntryWriter& out, const Pod& before, const Pod& after) {
  for (const Container& container : after.containers) {
    const auto old = std::ranges::find_if(before.containers, [&](const Container& other) {
      return other.name == container.name && other.init == container.init;
    });
    write_changes(out, after, old == before.containers.end() ? Container{} : *old, container);
  }
}

}  // namespace caprock::kubernetes
