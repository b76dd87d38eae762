// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/wait.h>

#include <algorithm>

#include "recorder.hpp"
#include "store/file_system.hpp"

namespace caprock::store::test {
namespace {

std::string refusal(const RingOptions& options) {
  const auto ring = Ring::open(options);
  REQUIRE_FALSE(ring);
  const std::string& message = ring.error().message();
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("ring: a second recorder is refused with the first one's pid") {
  const TemporaryDirectory directory;
  const RingOptions options = small_ring(directory / "ring.pcapng");
  const auto ring = open_ring(options);
  CHECK(contains(refusal(options), fmt::format("process {}", getpid())));
}

TEST_CASE("ring: the lock ends with its holder") {
  const TemporaryDirectory directory;
  const RingOptions options = small_ring(directory / "ring.pcapng");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(Ring::open(options) ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WEXITSTATUS(status) == 0);
  CHECK(Ring::open(options));
}

TEST_CASE("ring: a file that is none of ours is named and left as it is") {
  const TemporaryDirectory directory;
  const auto path = directory / "ring.pcapng";
  const std::string pcap("\xD4\xC3\xB2\xA1\x02\x00\x04\x00", 8);
  std::vector<std::byte> foreign;
  pcapng::SectionHeader header;
  header.user_application = "dumpcap";
  pcapng::Writer(foreign).section_header(header);
  const std::string pcapng(reinterpret_cast<const char*>(foreign.data()), foreign.size());

  const std::pair<std::string, std::string_view> files[] = {
      {pcap, "is a pcap file"},
      {pcapng, "is a pcapng file, but no ring"},
      {"#!/bin/sh\n", "is not a ring"},
  };
  for (const auto& [text, what] : files) {
    write_text(path, text);
    CHECK(contains(refusal(small_ring(path)), what));
    const std::vector<std::byte> after = read_file(path);
    CHECK(std::string(reinterpret_cast<const char*>(after.data()), after.size()) == text);
  }
}

TEST_CASE("ring: a symbolic link is not followed") {
  const TemporaryDirectory directory;
  write_text(directory / "victim", "");
  std::filesystem::create_symlink(directory / "victim", directory / "ring.pcapng");
  CHECK(contains(refusal(small_ring(directory / "ring.pcapng")),
                 "ring.pcapng is a symbolic link, which is not followed: give the agent another"));
  CHECK(std::filesystem::file_size(directory / "victim") == 0);
}

TEST_CASE("ring: a directory in its place is named as that") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "ring.pcapng");
  CHECK(contains(refusal(small_ring(directory / "ring.pcapng")),
                 "ring.pcapng is a directory: give the agent another dataDir"));
}

TEST_CASE("ring: a size that the disk does not have is refused, and nothing is kept of it") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.storage_bytes = std::uint64_t{1} << 43;
  CHECK(contains(refusal(options), "does not fit"));
  options.storage_bytes = 16 * kMebibyte;
  CHECK(Ring::open(options));
}

TEST_CASE("ring: more lanes than its segments can carry are refused") {
  const TemporaryDirectory directory;
  RingOptions options = small_ring(directory / "ring.pcapng");
  options.lanes = 3;
  CHECK(contains(refusal(options), "at most 2"));
}

TEST_CASE("file system: those that cannot carry a mapped ring are known by name") {
  CHECK(classify_file_system(NFS_SUPER_MAGIC).kind == FileSystemKind::kRefused);
  CHECK(classify_file_system(NFS_SUPER_MAGIC).name == "NFS");
  CHECK(classify_file_system(OVERLAYFS_SUPER_MAGIC).kind == FileSystemKind::kRefused);
  CHECK(classify_file_system(TMPFS_MAGIC).kind == FileSystemKind::kMemory);
  CHECK(classify_file_system(BTRFS_SUPER_MAGIC).kind == FileSystemKind::kCopyOnWrite);
  CHECK(classify_file_system(EXT4_SUPER_MAGIC).kind == FileSystemKind::kLocal);
}

TEST_CASE("data directory: too little space is fatal, and says what to do") {
  const TemporaryDirectory directory;
  const auto fatal = [&](std::uint64_t bytes) {
    std::string remedy;
    for (const Finding& finding : inspect_data_directory(directory / "new", bytes)) {
      if (finding.severity == Severity::kFatal) remedy = finding.id + ": " + finding.remedy;
    }
    return remedy;
  };
  CHECK(fatal(16 * kMebibyte).empty());
  CHECK(contains(fatal(std::uint64_t{1} << 50), "disk.space"));
}

TEST_CASE("data directory: one that is open to others is warned of, and keeps its mode") {
  const TemporaryDirectory directory;
  const std::filesystem::path place = directory / "shared";
  std::filesystem::create_directory(place);
  const auto finding_at = [&](unsigned mode) {
    std::filesystem::permissions(place, static_cast<std::filesystem::perms>(mode));
    const auto findings = inspect_data_directory(place, 16 * kMebibyte);
    const auto found = std::ranges::find(findings, "disk.directory", &Finding::id);
    REQUIRE(found != findings.end());
    return *found;
  };
  CHECK(finding_at(0700).severity == Severity::kOk);
  const Finding open = finding_at(0755);
  CHECK(open.severity == Severity::kWarning);
  CHECK(contains(open.found, "mode 0755"));
  CHECK(contains(open.remedy, "chmod 0700 " + place.string()));
  CHECK(std::filesystem::status(place).permissions() == static_cast<std::filesystem::perms>(0755));
}

TEST_CASE("data directory: free space is told with its place") {
  const TemporaryDirectory directory;
  const std::filesystem::path place = directory / "new";
  for (const Finding& finding : inspect_data_directory(place, 16 * kMebibyte)) {
    if (finding.id == "disk.space") CHECK(contains(finding.found, "free in " + place.string()));
  }
}

TEST_CASE("data directory: memory is said to be none") {
  if (!std::filesystem::exists("/dev/shm")) SKIP("no /dev/shm");
  for (const Finding& finding : inspect_data_directory("/dev/shm", kMebibyte)) {
    if (finding.id != "disk.filesystem") continue;
    CHECK(finding.severity == Severity::kNote);
    CHECK(finding.found == "tmpfs");
  }
}

}  // namespace
}  // namespace caprock::store::test
