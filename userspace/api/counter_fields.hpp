// SPDX-License-Identifier: Apache-2.0
// The counters of an interface's direction by name: the one list that JSON, metrics and tables go
// by.
#pragma once

#include <array>
#include <cstdint>

#include "abi/counters.h"

namespace caprock::api {

struct CounterField {
  const char* name;    // in JSON
  const char* metric;  // Prometheus
  const char* help;
  decltype(&capture_counters::seen) member;
};

inline constexpr auto kCounterFields = std::to_array<CounterField>({
    {"seen", "caprock_packets_seen_total", "Packets that met the capture programs.",
     &capture_counters::seen},
    {"not_l4", "caprock_packets_not_l4_total", "Packets that are neither TCP nor UDP.",
     &capture_counters::not_l4},
    {"filtered", "caprock_packets_filtered_total", "TCP and UDP packets left out by a filter.",
     &capture_counters::filtered},
    {"accepted", "caprock_packets_accepted_total", "Packets chosen for the record.",
     &capture_counters::accepted},
    {"written", "caprock_packets_written_total", "Packets handed over for the ring, whole or cut.",
     &capture_counters::written},
    {"truncated", "caprock_packets_truncated_total",
     "Written packets that were shortened because the stage was filling.",
     &capture_counters::truncated},
    {"lost", "caprock_packets_lost_total", "Accepted packets that found the stage full.",
     &capture_counters::lost},
    {"malformed", "caprock_packets_malformed_total",
     "Packets with headers cut off or contradicting each other.", &capture_counters::malformed},
    {"unreadable", "caprock_packets_unreadable_total",
     "Accepted packets whose bytes the kernel did not hand out.", &capture_counters::unreadable},
    {"lost_reported", "caprock_packets_lost_reported_total",
     "Lost packets that an epb_dropcount in the ring has told.", &capture_counters::lost_reported},
    {"original_bytes", "caprock_original_bytes_total",
     "Bytes of the written packets before any cut.", &capture_counters::original_bytes},
    {"captured_bytes", "caprock_captured_bytes_total", "Bytes of the written packets as written.",
     &capture_counters::captured_bytes},
});

}  // namespace caprock::api
