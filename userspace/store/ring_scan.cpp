// SPDX-License-Identifier: Apache-2.0
#include "store/ring_scan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <string>
#include <string_view>

#include "pcapng/format.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

/// Heads and feet asked of the disk at once.
constexpr std::size_t kReadAhead = 256;

/// How far a file that does not begin like a ring is searched for a segment of one.
constexpr std::uint64_t kMaxSearchBytes = 256u << 20;

using OpeningBytes = std::array<std::byte, kInterfacesOffset>;

std::uint64_t file_bytes(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

/// What lies beyond the end reads as zeros. Nothing: the disk fails.
template <class T>
std::optional<T> read_at(int fd, std::uint64_t offset) {
  T value{};
  ssize_t got = 0;
  do {
    got = ::pread(fd, &value, sizeof value, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  return got < 0 ? std::nullopt : std::optional(value);
}

SegmentHead head_in(const OpeningBytes& opening) {
  return load<SegmentHead>(opening, kSegmentHeadOffset);
}

bool is_whole(const SegmentHead& head) {
  return head.type == kSegmentHeadType && head.total_bytes == sizeof head &&
         head.fixed_crc32c == fixed_checksum(head);
}

bool is_segment_size(std::uint64_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kMinSegmentBytes && bytes <= kDefaultSegmentBytes;
}

bool is_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte byte) { return byte == std::byte{}; });
}

bool is_blank(Bytes opening, std::uint64_t segment_bytes) {
  const std::vector<std::byte> blank = build_blank(segment_bytes);
  return std::equal(blank.begin(), blank.end(), opening.begin());
}

std::string describe_stranger(Bytes opening) {
  switch (load<std::uint32_t>(opening)) {
    case pcapng::kSectionHeader:
      return "is a pcapng file, but no ring of caprock";
    case 0xA1B2C3D4:
    case 0xD4C3B2A1:
    case 0xA1B23C4D:
    case 0x4D3CB2A1:
      return "is a pcap file of another program";
    default:
      return "is not a ring";
  }
}

std::optional<SegmentHead> find_head(int fd, std::uint64_t bytes) {
  for (std::uint64_t at = 0; at < bytes; at += kMinSegmentBytes) {
    const SegmentHead head = head_in(read_at<OpeningBytes>(fd, at).value_or(OpeningBytes{}));
    if (is_whole(head) && is_segment_size(head.segment_bytes) && at % head.segment_bytes == 0) {
      return head;
    }
  }
  return std::nullopt;
}

/// Whether it is the opening of a segment that awaits its first use.
bool is_blank(Bytes opening) {
  for (std::uint64_t bytes = kMinSegmentBytes; bytes <= kDefaultSegmentBytes; bytes *= 2) {
    if (is_blank(opening, bytes)) return true;
  }
  return false;
}

FoundState classify(const OpeningBytes& opening, const RingIdentity& identity) {
  if (is_blank(opening, identity.segment_bytes) || is_zero(opening)) return FoundState::kUnused;
  const SegmentHead head = head_in(opening);
  const bool ours = is_whole(head) && head.format_version == kFormatVersion &&
                    head.ring_id == identity.ring_id &&
                    head.segment_bytes == identity.segment_bytes;
  return ours ? FoundState::kOpen : FoundState::kDamaged;
}

bool may_have_foot(const SegmentHead& head) {
  return head.foot >= kInterfacesOffset && head.foot % sizeof(std::uint64_t) == 0 &&
         head.foot <= head.segment_bytes - sizeof(SegmentFoot);
}

bool belongs(const SegmentFoot& foot, const SegmentHead& head) {
  return foot.type == kSegmentFootType && foot.total_bytes == sizeof foot &&
         foot.trailer_total == sizeof foot && foot.sequence == head.sequence;
}

void request(int fd, std::uint64_t offset, std::uint64_t bytes) {
  ::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

/// Fills `batch`, whose indices are set.
void scan(int fd, const RingIdentity& identity, std::span<FoundSegment> batch) {
  for (const FoundSegment& found : batch) {
    request(fd, found.index * identity.segment_bytes, sizeof(OpeningBytes));
  }
  for (FoundSegment& found : batch) {
    const std::uint64_t begin = found.index * identity.segment_bytes;
    const auto opening = read_at<OpeningBytes>(fd, begin);
    found.state = opening ? classify(*opening, identity) : FoundState::kUnreadable;
    found.head = head_in(opening.value_or(OpeningBytes{}));
    if (found.state == FoundState::kOpen && may_have_foot(found.head)) {
      request(fd, begin + found.head.foot, sizeof(SegmentFoot));
    }
  }
  for (FoundSegment& found : batch) {
    if (found.state != FoundState::kOpen || !may_have_foot(found.head)) continue;
    const std::uint64_t begin = found.index * identity.segment_bytes;
    found.foot = read_at<SegmentFoot>(fd, begin + found.head.foot).value_or(SegmentFoot{});
    if (belongs(found.foot, found.head)) found.state = FoundState::kSealed;
  }
}

}  // namespace

Result<std::optional<RingIdentity>> identify_ring(int fd, const std::filesystem::path& path) {
  const std::uint64_t bytes = file_bytes(fd);
  if (bytes == 0) return std::optional<RingIdentity>();
  const auto first = read_at<OpeningBytes>(fd, 0);
  if (!first) return Error::from_errno(fmt::format("cannot read {}", path.string()));
  const OpeningBytes& opening = *first;
  const bool blank = is_blank(opening);
  if (const auto head = find_head(fd, blank ? bytes : std::min(bytes, kMaxSearchBytes))) {
    if (head->format_version == kFormatVersion) {
      return std::optional(RingIdentity{head->ring_id, head->segment_bytes});
    }
    return Error(fmt::format(
        "{} is a ring of format version {}, this is caprock for version {}: move it away",
        path.string(), head->format_version, kFormatVersion));
  }
  if (blank) return std::optional<RingIdentity>();
  return Error(fmt::format("{} {}: move it away, or give the agent another dataDir", path.string(),
                           describe_stranger(opening)));
}

std::vector<FoundSegment> scan_segments(int fd, const RingIdentity& identity) {
  const std::uint64_t count =
      (file_bytes(fd) + identity.segment_bytes - 1) / identity.segment_bytes;
  std::vector<FoundSegment> segments(count);
  for (std::uint32_t index = 0; index < count; ++index)
    segments[index].index = index;
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  for (std::size_t at = 0; at < count; at += kReadAhead) {
    scan(fd, identity, std::span(segments).subspan(at, std::min(kReadAhead, count - at)));
  }
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL);
  return segments;
}

}  // namespace caprock::store
