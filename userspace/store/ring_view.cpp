// SPDX-License-Identifier: Apache-2.0
#include "store/ring_view.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "pcapng/reader.hpp"
#include "store/chain_audit.hpp"
#include "store/fault_guard.hpp"
#include "store/file_io.hpp"
#include "store/interface_naming.hpp"
#include "store/segment_view.hpp"

namespace caprock::store {
namespace {

constexpr std::uint64_t kMaxSegmentBytes = std::uint64_t{1} << 30;
/// From here on a read costs half of what the mapping does, where most pages are touched once.
constexpr std::size_t kWorthASystemCall = 16 << 10;

Result<std::uint64_t> file_size(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return Error::from_errno("fstat");
  if (!S_ISREG(status.st_mode)) return Error("it is not a regular file; name a ring.pcapng");
  return static_cast<std::uint64_t>(status.st_size);
}

/// Why a ring cannot be opened for reading, and what to do.
Error unopened(const std::filesystem::path& path, int code) {
  std::string_view remedy = "name the ring.pcapng of an agent's dataDir";
  if (code == EACCES) remedy = "a ring is its owner's alone: run as root, or as who recorded it";
  return Error(fmt::format("{}; {}", Error::from_errno(path.string(), code).message(), remedy));
}

/// What stands at the start of a file that is no ring.
std::string_view kind_of(Bytes file) {
  constexpr std::uint32_t kPcapMagics[] = {0xA1B2C3D4, 0xD4C3B2A1, 0xA1B23C4D, 0x4D3CB2A1};
  if (file.size() < sizeof(std::uint32_t)) return "an empty file";
  const auto magic = load<std::uint32_t>(file);
  if (magic == pcapng::kSectionHeader) return "a pcapng file, but not a ring of caprock";
  if (std::ranges::find(kPcapMagics, magic) != std::end(kPcapMagics)) return "a classic pcap file";
  return "neither a ring nor a capture file";
}

/// Whether a segment of this size stands here: one that is in use, or blank.
bool is_segment(Bytes bytes) {
  const auto behind_section_header = load<pcapng::BlockHead>(bytes, kSegmentHeadOffset);
  const bool blank = is_unused(bytes) && behind_section_header.type == kFreeSpaceType &&
                     behind_section_header.total_bytes == bytes.size() - kSegmentHeadOffset;
  return blank || read_head(bytes);
}

/// The size that one of the first segments tells of: some of them may be damaged. 0: this is no
/// ring.
std::uint64_t find_segment_bytes(Bytes file) {
  for (std::uint64_t size = kMinSegmentBytes; size <= kMaxSegmentBytes; size *= 2) {
    const std::uint64_t tried = std::min(kMinSegments, file.size() / size);
    for (std::uint64_t index = 0; index < tried; ++index) {
      if (is_segment(file.subspan(index * size, size))) return size;
    }
  }
  return 0;
}

/// An active segment is known by its runs.
std::int64_t first_time(Bytes segment, std::uint64_t end) {
  std::int64_t first = INT64_MAX;
  RunCursor runs(segment, first_run_offset(segment, end), end);
  while (const auto run = runs.next()) {
    if (run->first_ns != 0) first = std::min(first, run->first_ns);
  }
  return first;
}

/// The foot first: where it is seen, so is the last frontier. The other way round a segment that is
/// sealed in between would be taken for one that ends earlier.
void describe_extent(Bytes segment, SegmentInfo& info) {
  const auto foot = read_foot(segment, info.sequence);
  info.runs_end = info.end = frontier(segment);
  info.sealed = foot.has_value();
  if (foot) info.previous_sequence = foot->previous_sequence;
  if (foot) info.end = foot_offset(segment) + sizeof *foot;
  const bool timed = foot && foot->last_ns != 0;
  info.first_ns = timed ? foot->first_ns : first_time(segment, info.runs_end);
  info.last_ns = timed ? foot->last_ns : INT64_MAX;
}

bool copy(Bytes from, MutableBytes to) {
  std::ranges::copy(from, to.begin());
  return true;
}

void append_interfaces(pcapng::BlockCursor blocks, InterfaceList& list) {
  while (const auto block = blocks.next()) {
    const auto interface = pcapng::as_interface(*block);
    if (interface)
      list.push_back({std::string(interface->name()), std::string(interface->description())});
    auto naming = as_interface_naming(*block);
    if (naming && naming->id < list.size()) list[naming->id] = std::move(naming->record);
  }
}

}  // namespace

struct RingView::State {
  Fd fd;
  std::uint64_t segment_bytes = kMinSegmentBytes;  // until it is found out
  std::uint64_t file_bytes = 0;
  /// The last one covers the file. It reaches beyond its end, to a power of two, as a ring grows on
  /// its first lap; those before it stay because their bytes were handed out.
  struct Guarded {
    Mapping mapping;
    std::unique_ptr<FaultGuard> guard;
  };
  std::vector<Guarded> mappings;
  std::vector<SegmentInfo> described;  // by index, as it was last looked at

  Status follow_growth() {
    const auto size = file_size(fd.get());
    if (!size) return size.error();
    file_bytes = *size;
    if (!mappings.empty() && file_bytes <= mappings.back().mapping.size()) return {};
    auto mapping =
        Mapping::shared(fd.get(), std::bit_ceil(std::max(*size, kMinSegmentBytes)), PROT_READ);
    if (!mapping) return std::move(mapping).error();
    mappings.push_back({*std::move(mapping), nullptr});
    return protect();
  }

  Status protect() {
    auto guard = FaultGuard::protect(mappings.back().mapping.bytes(), segment_bytes);
    if (!guard) return std::move(guard).error();
    mappings.back().guard = *std::move(guard);
    return {};
  }

  Bytes file() const { return mappings.back().mapping.bytes().first(file_bytes); }
  std::uint64_t count() const { return file_bytes / segment_bytes; }
  Bytes segment(std::uint64_t index) const {
    return file().subspan(index * segment_bytes, segment_bytes);
  }

  Result<SegmentInfo> describe(std::uint64_t index) const;
  Result<SegmentInfo> look_at(std::uint64_t index);
  void name_lost(const std::vector<SegmentInfo>& found, std::vector<std::string>& lines) const;
  bool unreadable(std::uint64_t index) const { return mappings.back().guard->lost(index); }
};

Result<SegmentInfo> RingView::State::describe(std::uint64_t index) const {
  const Bytes bytes = segment(index);
  const auto head = read_head(bytes);
  if (!head) return head.error();
  SegmentInfo info;
  info.index = index;
  info.sequence = head->sequence;
  info.lane = head->lane;
  info.wall_offset_ns = head->wall_offset_ns;
  info.clock_generation = head->clock_generation;
  std::ranges::copy(head->boot_id, info.boot_id.begin());
  info.node = std::string(head->node, ::strnlen(head->node, sizeof head->node));
  describe_extent(bytes, info);
  if (!is_in_use(bytes, head->sequence)) return Error("it was reused while it was being read");
  if (info.end == 0) return Error("its frontier is impossible");
  return info;
}

/// Nothing of a sealed segment changes but its use: describing it anew would cost a follower of a
/// large ring more than all that is new.
Result<SegmentInfo> RingView::State::look_at(std::uint64_t index) {
  if (described.size() < count()) described.resize(count());
  SegmentInfo& known = described[index];
  if (known.sealed && is_in_use(segment(index), known.sequence)) return known;
  auto info = describe(index);
  if (unreadable(index)) return Error("it cannot be read: the file was cut or its disk fails");
  if (info) known = *info;
  return info;
}

/// What a look at every segment does not show: segments that are not there to be looked at.
void RingView::State::name_lost(const std::vector<SegmentInfo>& found,
                                std::vector<std::string>& lines) const {
  std::vector<ChainLink> links;
  for (const SegmentInfo& info : found)
    links.push_back({info.index, info.sequence, info.lane, info.previous_sequence});
  std::vector<std::uint64_t> zeroed;
  for (std::uint64_t index = 0; index < count(); ++index) {
    if (is_zero(segment(index)) && !unreadable(index)) zeroed.push_back(index);
  }
  for (const MissingSegment& missing : find_missing(links, zeroed, count())) {
    lines.push_back(fmt::format("segment {} is left out: zeros stand where sequence {} was",
                                missing.index, missing.sequence));
  }
  if (file_bytes % segment_bytes != 0)
    lines.push_back(fmt::format("segment {} is left out: the file ends inside it", count()));
}

RingView::RingView(std::unique_ptr<State> state) : state_(std::move(state)) {}
RingView::RingView(RingView&&) noexcept = default;
RingView& RingView::operator=(RingView&&) noexcept = default;
RingView::~RingView() = default;

Result<RingView> RingView::open(const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  state->fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!state->fd) return unopened(path, errno);
  if (auto mapped = state->follow_growth(); !mapped)
    return std::move(mapped).error().context(path.string());
  state->segment_bytes = find_segment_bytes(state->file());
  if (state->segment_bytes == 0) {
    return Error(fmt::format("{}: it is {}; name the ring.pcapng of an agent's dataDir",
                             path.string(), kind_of(state->file())));
  }
  if (auto guarded = state->protect(); !guarded)
    return std::move(guarded).error().context(path.string());
  return RingView(std::move(state));
}

std::uint64_t RingView::segment_bytes() const {
  return state_->segment_bytes;
}

std::uint64_t RingView::segment_count() const {
  return state_->count();
}

std::vector<SegmentInfo> RingView::segments(std::vector<std::string>* damaged) const {
  std::vector<SegmentInfo> found;
  const Status followed = state_->follow_growth();
  if (!followed && damaged != nullptr) damaged->push_back(followed.error().message());
  for (std::uint64_t index = 0; index < state_->count(); ++index) {
    if (is_unused(state_->segment(index)) && !state_->unreadable(index)) continue;
    auto info = state_->look_at(index);
    if (info) {
      found.push_back(*std::move(info));
    } else if (damaged != nullptr) {
      damaged->push_back(fmt::format("segment {} is left out: {}", index, info.error().message()));
    }
  }
  std::ranges::sort(found, {}, &SegmentInfo::sequence);
  if (damaged != nullptr) state_->name_lost(found, *damaged);
  return found;
}

Bytes RingView::bytes(std::uint64_t index) const {
  return state_->segment(index);
}

Bytes RingView::torn_end() const {
  return state_->file().subspan(state_->count() * state_->segment_bytes);
}

bool RingView::read(std::uint64_t index, std::uint64_t sequence, std::uint64_t offset,
                    MutableBytes to) const {
  const bool done = to.size() < kWorthASystemCall
                        ? copy(bytes(index).subspan(offset, to.size()), to)
                        : read_all(state_->fd.get(), to, index * segment_bytes() + offset);
  return done && still_holds(index, sequence);
}

bool RingView::unreadable(std::uint64_t index) const {
  return state_->unreadable(index);
}

bool RingView::still_holds(std::uint64_t index, std::uint64_t sequence) const {
  return is_in_use(bytes(index), sequence);
}

InterfaceList RingView::interfaces(const SegmentInfo& segment) const {
  const Bytes bytes = state_->segment(segment.index);
  const std::uint64_t first_run = first_run_offset(bytes, segment.runs_end);
  InterfaceList list;
  append_interfaces(pcapng::BlockCursor(bytes.first(first_run), kInterfacesOffset), list);
  RunCursor runs(bytes, first_run, segment.runs_end);
  while (const auto run = runs.next()) {
    if (run->source.kind != SourceKind::kControl) continue;
    append_interfaces(pcapng::BlockCursor(bytes.first(run->end), run->begin), list);
  }
  return list;
}

}  // namespace caprock::store
