// SPDX-License-Identifier: Apache-2.0
#include "example_status.hpp"

namespace caprock::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'795'341'600'123'456'789;  // 2026-11-22T10:00:00.123456789Z
constexpr std::int64_t kSecond = 1'000'000'000;

capture_counters counters(std::uint64_t base) {
  return {.seen = base + 100,
          .filtered = base + 2,
          .accepted = base + 97,
          .written = base + 90,
          .original_bytes = base + 150'000,
          .captured_bytes = base + 120'000,
          .lost = base + 5,
          .lost_reported = base + 3,
          .truncated = base + 4,
          .not_l4 = base + 1,
          .malformed = base + 6,
          .unreadable = base + 7,
          .redirected = 0,
          .lost_handed = 0,
          .reserved = {}};
}

api::RingStatus ring() {
  return {.path = "/var/lib/caprock/ring.pcapng",
          .size_bytes = 1 << 30,
          .used_bytes = 1 << 28,
          .segment_bytes = 8 << 20,
          .segments = {.free = 1, .ready = 2, .active = 3, .sealing = 4, .sealed = 5, .bad = 6},
          .oldest = {kNow - 90 * kSecond},
          .newest = {kNow - kSecond},
          .history = 89s,
          .history_at_present_rate = 356s,
          .complete_until = {kNow - kSecond / 2},
          .durable_until = {kNow - 2 * kSecond},
          .laps = 7,
          .recovery = {"segment 3: cut at its frontier"}};
}

}  // namespace

api::AgentStatus example_status() {
  return {
      .version = "0.1.0",
      .node = "node-7",
      .pid = 4711,
      .now = {kNow},
      .started = {kNow - 3600 * kSecond},
      .uptime = 1h,
      .capture = {.enabled = true,
                  .hook = "tcx",
                  .transport = "stage",
                  .stage_bytes = 128 << 20,
                  .resumed = true},
      .rates = {.packets_per_second = 12345.5, .bytes_per_second = 2.5e6, .lost_per_second = 0.5},
      .loss = {.total = 30, .since_start = 20, .last_minute = 10, .truncated_since_start = 5},
      .ring = ring(),
      .interfaces = {{.id = 1,
                      .index = 2,
                      .name = "eth0",
                      .description = "the uplink",
                      .hook = "tcx",
                      .error = "egress: busy",
                      .ingress = counters(1000),
                      .egress = counters(2'000'000)},
                     {.id = 2,
                      .index = 3,
                      .name = "we\"ird\\na\nme",
                      .description = {},
                      .hook = {},
                      .error = {},
                      .ingress = {},
                      .egress = {}}},
      .lanes = {{.index = 1,
                 .cpus = {0, 1},
                 .runs = 12,
                 .bytes = 34567,
                 .complete_until = {kNow - kSecond},
                 .lag = 1500ms,
                 .stage_used_bytes = 1 << 20,
                 .stage_capacity_bytes = 4 << 20}},
      .events = {{.name = "exec",
                  .hook = "tp_btf/sched_process_exec",
                  .note = {},
                  .recorded = 12,
                  .suppressed = 3,
                  .lost = 1},
                 {.name = "drop",
                  .hook = {},
                  .note = "not on this kernel",
                  .recorded = 0,
                  .suppressed = 0,
                  .lost = 0}},
      .kubernetes = {.enabled = true,
                     .node = "node-1",
                     .pods = 3,
                     .targets = 2,
                     .resources = {{.name = "pods",
                                    .synced = true,
                                    .objects = 3,
                                    .requests = 2,
                                    .bytes = 4096,
                                    .error = {}},
                                   {.name = "events",
                                    .synced = false,
                                    .objects = 0,
                                    .requests = 1,
                                    .bytes = 100,
                                    .error = "403"}},
                     .entries = {{.name = "pod", .recorded = 7, .suppressed = 1}},
                     .notes = {"the pods are those that were known last"}},
      .findings = {{.id = "kernel.tcx",
                    .severity = Severity::kWarning,
                    .found = "kernel 6.1 has no tcx",
                    .consequence = "clsact is used",
                    .remedy = "a kernel from 6.6 on"}},
      .errors = {{.message = "disk full", .count = 3, .first_ns = kNow - kSecond, .last_ns = kNow}},
      .config = {.file = "/etc/caprock/caprock.yaml",
                 .loaded = {kNow - 3600 * kSecond},
                 .notes = {"an older spelling"},
                 .reload_error = "caprock.yaml:3: agent.lanes: what"},
  };
}

}  // namespace caprock::test
