// SPDX-License-Identifier: Apache-2.0
// verify and export --file on a ring, without an agent.
#include <algorithm>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "caprock_process.hpp"
#include "recorder.hpp"

using namespace caprock::store::test;
using caprock::test::file_text;
using caprock::test::run_caprock;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPackets = 500;

/// A ring with kPackets packets, closed.
fs::path make_ring(const TemporaryDirectory& directory) {
  const auto path = directory / "ring.pcapng";
  const auto ring = open_ring(small_ring(path));
  PacketStream stream;
  ring->lane(0).append(stream.next(kPackets));
  ring->lane(0).settle();
  REQUIRE(ring->close());
  return path;
}

void damage(const fs::path& ring) {
  std::fstream file(ring, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5000);
  file.write("damaged!", 8);
}

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

bool is_pcapng(const std::string& bytes) {
  return bytes.starts_with("\x0A\x0D\x0D\x0A");
}

}  // namespace

TEST_CASE("verify: a whole ring is exit status 0 and counted") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto table = run_caprock("verify " + quoted(ring));
  CHECK(table.status == 0);
  CHECK_THAT(table.out, ContainsSubstring(": whole; 500 packets"));
  const auto document = nlohmann::json::parse(run_caprock("verify -o json " + quoted(ring)).out);
  CHECK(document["whole"] == true);
  CHECK(document["packets"] == kPackets);
  CHECK(document["damage"].empty());
}

TEST_CASE("verify: a damaged ring is exit status 1, and the segment is named") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  damage(ring);
  const auto table = run_caprock("verify " + quoted(ring));
  CHECK(table.status == 1);
  CHECK_THAT(table.out, ContainsSubstring("segment 0 (sequence 1), offset "));
  const auto document = nlohmann::json::parse(run_caprock("verify -o json " + quoted(ring)).out);
  CHECK(document["whole"] == false);
  CHECK_FALSE(document["damage"].empty());
}

TEST_CASE("verify, export: a ring that was cut is exit status 1, and a warning") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  fs::resize_file(ring, fs::file_size(ring) - 8);
  const auto table = run_caprock("verify " + quoted(ring));
  CHECK(table.status == 1);
  CHECK_THAT(table.out, ContainsSubstring("the file ends inside it"));
  const auto out = directory / "out.pcapng";
  const auto ended = run_caprock("export --file " + quoted(ring) + " -o " + quoted(out));
  CHECK(ended.status == 0);
  CHECK_THAT(ended.err, ContainsSubstring("is left out: the file ends inside it"));
  const auto pcap = directory / "out.pcap";
  CHECK(run_caprock("export --format pcap --file " + quoted(ring) + " -o " + quoted(pcap)).status ==
        1);
  CHECK(fs::exists(pcap));
}

TEST_CASE("verify: what is no pcapng file is neither whole nor damaged: exit status 2") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "notes.txt") << "these are my notes, and long enough to be looked at";
  CHECK(run_caprock("verify " + quoted(directory / "notes.txt")).status == 2);
}

TEST_CASE("export: a ring's packets go to a file of the owner's alone, in each format") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto out = directory / "out.pcapng";
  const auto ended = run_caprock("export --file " + quoted(ring) + " -o " + quoted(out));
  CHECK(ended.err.empty());
  REQUIRE(ended.status == 0);
  CHECK(is_pcapng(file_text(out)));
  CHECK((fs::status(out).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  CHECK_THAT(run_caprock("verify " + quoted(out)).out, ContainsSubstring(": whole; 500 packets"));
  const auto pcap = run_caprock("export --format pcap-ns --file " + quoted(ring));
  CHECK(pcap.status == 0);
  CHECK(pcap.out.starts_with("\x4D\x3C\xB2\xA1"));
}

TEST_CASE("export: an existing file stays as it is without --force, and is replaced with it") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto out = directory / "out.pcapng";
  std::ofstream(out) << "precious";
  const auto refused = run_caprock("export --file " + quoted(ring) + " -o " + quoted(out));
  CHECK(refused.status == 1);
  CHECK(refused.err == "caprock: " + out.string() + " exists; --force overwrites it\n");
  CHECK(file_text(out) == "precious");
  CHECK(run_caprock("export --force --file " + quoted(ring) + " -o " + quoted(out)).status == 0);
  CHECK(is_pcapng(file_text(out)));
}

TEST_CASE("export: through a link the file behind it is replaced, not the link") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto out = directory / "out.pcapng";
  const auto link = directory / "link";
  std::ofstream(out) << "old";
  fs::create_symlink(out, link);
  CHECK(run_caprock("export --force --file " + quoted(ring) + " -o " + quoted(link)).status == 0);
  CHECK(fs::is_symlink(link));
  CHECK(is_pcapng(file_text(out)));
}

TEST_CASE("export: one that fails leaves neither the file nor a part of it") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto out = directory / "out.pcapng";
  const auto failed =
      run_caprock("export --filter 'no such filter' --file " + quoted(ring) + " -o " + quoted(out));
  CHECK(failed.status == 1);
  for (const auto& entry : fs::directory_iterator(directory / ""))
    CHECK_FALSE(entry.path().filename().native().starts_with("out.pcapng"));
}

TEST_CASE("export: a filter where events alone are wanted is refused, not passed over") {
  const TemporaryDirectory directory;
  const auto ring = quoted(make_ring(directory));
  for (const std::string events : {"--events-only", "--format json"}) {
    const auto refused = run_caprock("export -f tcp --file " + ring + " " + events);
    CHECK(refused.status == 2);
    CHECK_THAT(refused.err, ContainsSubstring("a filter chooses among packets"));
  }
}

TEST_CASE("export: --events-only -o json is JSON on standard output, and no file of that name") {
  const TemporaryDirectory directory;
  const auto ring = quoted(make_ring(directory));
  const auto events = run_caprock("export --events-only -o json --file " + ring);
  CHECK(events.status == 0);
  CHECK_FALSE(is_pcapng(events.out));
  CHECK_FALSE(fs::exists("json"));
  CHECK(is_pcapng(run_caprock("export --events-only --file " + ring).out));
}

TEST_CASE("export: what exists and is no file is written to, and stays what it is") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  CHECK(run_caprock("export --file " + quoted(ring) + " -o /dev/null").status == 0);
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("export: a capture is not written to a terminal, events are") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto out = directory / "typescript";
  const auto status_on_terminal = [&](const std::string& arguments) {
    const std::string command = "script -qec \"" CAPROCK_BINARY " export " + arguments +
                                " --file " + quoted(ring) + "\" /dev/null </dev/null >" +
                                quoted(out);
    return std::system(command.c_str());  // NOLINT(cert-env33-c): a test's own command
  };
  CHECK(status_on_terminal("") != 0);
  CHECK_THAT(file_text(out), ContainsSubstring("a capture is not for the terminal"));
  CHECK(status_on_terminal("--format json") == 0);
}

TEST_CASE("export: what an interrupted one left behind hinders nobody, and stays") {
  const TemporaryDirectory directory;
  const auto ring = make_ring(directory);
  const auto left = directory / "out.pcapng.partial.1";
  std::ofstream(left) << "from before";
  CHECK(run_caprock("export --file " + quoted(ring) + " -o " + quoted(directory / "out.pcapng"))
            .status == 0);
  CHECK(file_text(left) == "from before");
  const auto of_the_export = [](const fs::directory_entry& entry) {
    return entry.path().filename().native().starts_with("out.pcapng");
  };
  CHECK(std::count_if(fs::directory_iterator(directory / ""), fs::directory_iterator(),
                      of_the_export) == 2);
}
