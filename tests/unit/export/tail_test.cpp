// SPDX-License-Identifier: Apache-2.0
#include "export/tail.hpp"

#include <functional>

#include <catch2/catch_test_macros.hpp>

#include "pcapng/reader.hpp"
#include "support/ring_builder.hpp"
#include "support/temporary_file.hpp"

namespace caprock::exporting {
namespace {

using test::cpu;
using test::ring_of;
using test::SegmentBuilder;
using test::TemporaryFile;

/// What a test does each time that tail waits; complete_until is read behind it.
struct Script {
  std::vector<std::function<std::int64_t()>> steps;  // each returns the new complete-until
  std::size_t done = 0;
  std::int64_t until_ns = 0;
};

std::vector<std::byte> follow(const TemporaryFile& file, Script script, TailOptions options = {}) {
  const auto view = store::RingView::open(file.path());
  REQUIRE(view);
  options.complete_until = [&] { return script.until_ns; };
  options.wait = [&] {
    if (script.done == script.steps.size()) return false;
    script.until_ns = script.steps[script.done++]();
    return true;
  };
  std::vector<std::byte> stream;
  FunctionSink sink([&](Bytes piece) -> Status {
    stream.insert(stream.end(), piece.begin(), piece.end());
    return {};
  });
  REQUIRE(tail(*view, options, sink));
  return stream;
}

/// One word a block: the interface's name, the packet as "interface:payload", the event as its
/// text.
std::string words_of(Bytes stream) {
  std::vector<std::string> names;
  std::string words;
  pcapng::BlockCursor cursor(stream);
  while (const auto block = cursor.next()) {
    if (const auto interface = pcapng::as_interface(*block)) {
      names.emplace_back(interface->name());
      words += "+" + names.back() + " ";
    } else if (const auto packet = pcapng::as_packet(*block)) {
      const Bytes text = packet->captured.subspan(14);
      words += names.at(packet->interface_id) + ":" +
               std::string(reinterpret_cast<const char*>(text.data()), text.size()) + " ";
    } else if (block->type == pcapng::kJournalExport) {
      const std::string entry(reinterpret_cast<const char*>(block->bytes.data()),
                              block->bytes.size());
      const std::size_t at = entry.find("MESSAGE=") + 8;
      words += "[" + entry.substr(at, entry.find('\n', at) - at) + "] ";
    }
  }
  CHECK_FALSE(cursor.fault());
  return words;
}

}  // namespace

TEST_CASE("tail: a wall clock that is set back does not stop it") {
  SegmentBuilder one(1, 0, {{"eth0", ""}});
  one.clock(0, 1000).run(cpu(0), {{1010, "a"}, {1030, "c"}});
  SegmentBuilder two(2, 0, {{"eth0", ""}});
  two.clock(1, 500);
  const TemporaryFile file(ring_of({one}));
  const Script script{{[] { return 1035; },
                       [&] {
                         two.run(cpu(0), {{550, "d"}, {560, "e"}});
                         file.write(ring_of({one, two}));
                         return 1055;
                       },
                       [] { return 1100; }}};
  TailOptions options;
  options.from_ns = 1020;
  CHECK(words_of(follow(file, script, options)) == "+eth0 eth0:c eth0:d eth0:e ");
}

TEST_CASE("tail: blocks come in time order, once, and never ahead of complete-until") {
  SegmentBuilder one(1, 0, {{"eth0", ""}});
  one.run(cpu(0), {{10, "a"}, {30, "c"}});
  const TemporaryFile file(ring_of({one}));
  const Script script{{[] { return 25; },
                       [&] {
                         one.run(cpu(1), {{27, "b"}}).run(cpu(0), {{40, "d"}});
                         file.write(one.bytes());
                         return 35;
                       },
                       [] { return 50; }, [] { return 60; }}};
  CHECK(words_of(follow(file, script)) == "+eth0 eth0:a eth0:b eth0:c eth0:d ");
}

TEST_CASE("tail: an interface that appears later is described before its first packet") {
  SegmentBuilder one(1, 0, {{"eth0", ""}});
  one.run(cpu(0), {{10, "a"}});
  const TemporaryFile file(ring_of({one}));
  const Script script{{[] { return 15; },
                       [&] {
                         one.add_interface({"veth1", ""}).run(cpu(0), {{20, "b", 1}});
                         file.write(one.bytes());
                         return 25;
                       }}};
  CHECK(words_of(follow(file, script)) == "+eth0 eth0:a +veth1 veth1:b ");
}

TEST_CASE("tail: an id that changes its meaning becomes another one in the stream") {
  SegmentBuilder one(1, 0, {{"veth1", "pod a"}});
  one.run(cpu(0), {{10, "a"}});
  const TemporaryFile file(ring_of({one}));
  const Script script{{[] { return 15; },
                       [&] {
                         SegmentBuilder two(2, 0, {{"veth2", "pod b"}});
                         two.run(cpu(0), {{20, "b"}});
                         file.write(two.bytes(), store::kMinSegmentBytes);
                         return 25;
                       }}};
  CHECK(words_of(follow(file, script)) == "+veth1 veth1:a +veth2 veth2:b ");
}

TEST_CASE("tail: what the recorder reused before it could be read is told, and the rest goes on") {
  SegmentBuilder one(1, 0, {{"eth0", ""}});
  one.run(cpu(0), {{10, "a"}});
  const TemporaryFile file(ring_of({one}));
  const Script script{{[] { return 15; },
                       [&] {
                         SegmentBuilder nine(9, 0, {{"eth0", ""}});
                         nine.run(cpu(0), {{90, "z"}});
                         file.write(nine.bytes());
                         return 100;
                       }}};
  CHECK(words_of(follow(file, script)) ==
        "+eth0 eth0:a eth0:z [segments reused by the recorder before they could be read: 7] ");
}

TEST_CASE("tail: starts where it is told, with the filter it is given") {
  SegmentBuilder one(1, 0, {{"eth0", ""}});
  std::vector<std::byte> blocks;
  for (const std::int64_t time_ns : {10, 20, 30}) {
    SegmentBuilder::append_packet(blocks, {time_ns, ""},
                                  test::udp_frame(time_ns == 20 ? 80 : 53, "x"));
  }
  one.raw_run(cpu(0), blocks, 10);
  const TemporaryFile file(ring_of({one}));
  TailOptions options;
  options.from_ns = 15;
  options.filter = "port 53";
  const std::vector<std::byte> stream = follow(file, {{[] { return 100; }}}, options);
  std::size_t packets = 0;
  for (auto blocks_read = pcapng::BlockCursor(stream); const auto block = blocks_read.next();) {
    if (const auto packet = pcapng::as_packet(*block)) {
      CHECK(packet->time == 30);
      ++packets;
    }
  }
  CHECK(packets == 1);
}

}  // namespace caprock::exporting
