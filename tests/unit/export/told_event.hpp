// SPDX-License-Identifier: Apache-2.0
// Events of the operating system as they stand in the record, for tests of those who read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "export/flow_owners.hpp"
#include "pcapng/note.hpp"

namespace caprock::test {

/// Empty fields are left out.
struct ToldEvent {
  std::string event;
  std::string pid = "7";
  std::string flow = {};
  std::string network = {};
  std::string latency_ns = {};
  std::string reason = {};
  std::string addresses = {};
  bool own_network = false;
  std::string comm = "curl";
  std::string layer = "os";
  std::string namespace_name = {};
  std::string pod = {};
};

inline void append_event(std::vector<std::byte>& out, std::int64_t time_ns, const ToldEvent& told) {
  std::vector<pcapng::JournalField> fields;
  const auto add = [&](const char* name, std::string_view value) {
    if (!value.empty()) fields.push_back({name, value});
  };
  add("CAPROCK_LAYER", told.layer);
  add("CAPROCK_EVENT", told.event);
  add("_PID", told.pid);
  add("CAPROCK_TID", "9");
  add("_COMM", told.comm);
  add("CAPROCK_FLOW", told.flow);
  add("CAPROCK_NETNS", told.network);
  add("CAPROCK_LATENCY_NS", told.latency_ns);
  add("CAPROCK_REASON", told.reason);
  add("CAPROCK_ADDRESSES", told.addresses);
  add("CAPROCK_OWN_NETNS", told.own_network ? "1" : "");
  add("CAPROCK_NAMESPACE", told.namespace_name);
  add("CAPROCK_POD", told.pod);
  pcapng::write_note(out, time_ns, "", fields);
}

inline void tell(exporting::FlowOwners& owners, std::int64_t time_ns, const ToldEvent& told) {
  std::vector<std::byte> bytes;
  append_event(bytes, time_ns, told);
  pcapng::BlockCursor cursor(bytes);
  const auto block = cursor.next();
  REQUIRE(block);
  owners.take(*block);
}

}  // namespace caprock::test
