// SPDX-License-Identifier: Apache-2.0
#include "store/verify.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/fd.hpp"
#include "core/mapping.hpp"
#include "store/chain_audit.hpp"
#include "store/segment_audit.hpp"
#include "store/segment_layout.hpp"

namespace caprock::store {
namespace {

constexpr int kAttempts = 3;  // at a segment that a live recorder changes under the walk

struct SealedFoot {
  std::uint64_t index = 0;
  std::uint32_t lane = 0;
  SegmentFoot foot;
};

/// Of a segment of which there is the beginning alone.
std::optional<SegmentHead> head_of_torn(Bytes torn) {
  if (torn.size() < kInterfacesOffset) return std::nullopt;
  const auto head = load<SegmentHead>(torn, kSegmentHeadOffset);
  const bool whole = head.type == kSegmentHeadType && head.fixed_crc32c == fixed_checksum(head) &&
                     torn.size() < head.segment_bytes;
  return whole ? std::optional(head) : std::nullopt;
}

class RingVerifier {
 public:
  explicit RingVerifier(const RingView& view) : view_(view) { report_.ring = true; }

  VerifyReport run() {
    const std::uint64_t count = view_.segment_count();
    for (std::uint64_t index = 0; index < count; ++index)
      verify_segment(index);
    verify_cumulative();
    verify_end();
    verify_chains();
    return std::move(report_);
  }

 private:
  void damage(std::uint64_t index, std::uint64_t sequence, const pcapng::Fault& fault) {
    report_.damage.push_back(
        {index, sequence, index * view_.segment_bytes() + fault.offset, std::string(fault.what)});
  }

  void verify_segment(std::uint64_t index) {
    const Bytes bytes = view_.bytes(index);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (is_unused(bytes)) return add_unused(index);
      const auto head = read_head(bytes);
      if (!head && attempt + 1 < kAttempts) continue;
      if (!head)
        return report_.damage.push_back(
            {index, 0, index * view_.segment_bytes(), head.error().message()});
      const SegmentAudit audit = audit_segment(bytes, *head);
      if (is_in_use(bytes, head->sequence)) return add(index, *head, audit);
    }
    report_.overtaken += 1;
  }

  void add_unused(std::uint64_t index) {
    if (view_.unreadable(index))
      return damage(index, 0, {0, "it cannot be read: the file was cut or its disk fails"});
    report_.unused += 1;
    if (is_zero(view_.bytes(index))) zeroed_.push_back(index);
  }

  void add(std::uint64_t index, const SegmentHead& head, const SegmentAudit& audit) {
    const PacketFigures& figures = audit.figures;
    (audit.foot ? report_.sealed : report_.active) += 1;
    report_.packets += figures.packets;
    report_.captured_bytes += figures.captured_bytes;
    report_.original_bytes += figures.original_bytes;
    report_.dropped += figures.loss.dropped;
    report_.accounts.insert(report_.accounts.end(), figures.accounts.begin(),
                            figures.accounts.end());
    if (figures.loss.dropped != 0) {
      report_.losses.push_back(figures.loss);
      report_.losses.back().sequence = head.sequence;
    }
    for (const pcapng::Fault& fault : audit.faults)
      damage(index, head.sequence, fault);
    links_.push_back({index, head.sequence, head.lane, 0});
    if (!audit.foot) return;
    links_.back().previous_sequence = audit.foot->previous_sequence;
    feet_.push_back({index, head.lane, *audit.foot});
  }

  /// Foot n of a lane is foot n-1 plus its own segment, wherever both are still in the ring.
  void verify_cumulative() {
    std::map<std::pair<std::uint32_t, std::uint64_t>, const SealedFoot*> by_sequence;  // and lane
    for (const SealedFoot& sealed : feet_)
      by_sequence.emplace(std::pair(sealed.lane, sealed.foot.sequence), &sealed);
    for (const SealedFoot& sealed : feet_) {
      const auto found = by_sequence.find({sealed.lane, sealed.foot.previous_sequence});
      if (found == by_sequence.end()) continue;
      const SealedFoot* const before = found->second;
      const SegmentFoot& now = sealed.foot;
      // Recovery sealed it anew, behind this one: its blocks had not all come to the disk.
      if (before->foot.sealed_at > now.sealed_at) continue;
      if (now.cumulative_packets != before->foot.cumulative_packets + now.packets ||
          now.cumulative_captured_bytes !=
              before->foot.cumulative_captured_bytes + now.captured_bytes ||
          now.cumulative_dropped != before->foot.cumulative_dropped + now.dropped) {
        const std::uint64_t offset = foot_offset(view_.bytes(sealed.index));
        damage(sealed.index, now.sequence,
               {offset, "the cumulative counts do not follow from the foot before"});
      }
    }
  }

  /// A ring's length is that of whole segments at every moment.
  void verify_end() {
    const Bytes torn = view_.torn_end();
    if (torn.empty()) return;
    const std::uint64_t index = view_.segment_count();
    const auto head = head_of_torn(torn);
    if (head) links_.push_back({index, head->sequence, head->lane, 0});
    damage(index, head ? head->sequence : 0,
           {torn.size(), "the file ends inside it: what it held is not counted"});
  }

  void verify_chains() {
    for (const MissingSegment& missing : find_missing(links_, zeroed_, view_.segment_count())) {
      report_.unused -= 1;
      report_.damage.push_back(
          {missing.index, missing.sequence, missing.index * view_.segment_bytes(),
           fmt::format("it is missing: zeros stand in its place, and sequence {} of its lane "
                       "follows on it",
                       missing.follower)});
    }
  }

  const RingView& view_;
  VerifyReport report_;
  std::vector<SealedFoot> feet_;
  std::vector<ChainLink> links_;
  std::vector<std::uint64_t> zeroed_;  // by place
};

/// Statistics are held to the packets only where we wrote them: others count otherwise.
bool is_ours(Bytes file) {
  pcapng::BlockCursor cursor(file);
  const auto block = cursor.next();
  const auto section = block ? pcapng::as_section_header(*block) : std::nullopt;
  return section &&
         pcapng::text_option(section->options, pcapng::kUserApplication).starts_with("caprock");
}

VerifyReport verify_plain(Bytes file) {
  BlockAudit audit(is_ours(file));
  pcapng::BlockCursor cursor(file);
  std::uint64_t offset = 0;
  while (const auto block = cursor.next()) {
    audit.check(*block, offset);
    offset = cursor.offset();
  }
  if (cursor.fault()) audit.fail(cursor.fault()->offset, cursor.fault()->what);
  if (head_of_torn(file))
    audit.fail(file.size(), "the file ends inside the first segment of a ring");
  const PacketFigures& figures = audit.figures();
  VerifyReport report;
  report.packets = figures.packets;
  report.captured_bytes = figures.captured_bytes;
  report.original_bytes = figures.original_bytes;
  report.dropped = figures.loss.dropped;
  if (figures.loss.dropped != 0) report.losses.push_back(figures.loss);
  report.accounts = figures.accounts;
  for (const pcapng::Fault& fault : audit.faults())
    report.damage.push_back({0, 0, fault.offset, std::string(fault.what)});
  return report;
}

bool is_pcapng(Bytes file) {
  return file.size() >= sizeof(pcapng::SectionHead) &&
         load<pcapng::SectionHead>(file).block.type == pcapng::kSectionHeader &&
         load<pcapng::SectionHead>(file).byte_order_magic == pcapng::kByteOrderMagic;
}

}  // namespace

Result<VerifyReport> verify(const std::filesystem::path& path) {
  auto view = RingView::open(path);
  if (view) return verify(*view);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || status.st_size == 0) return std::move(view).error();
  const auto mapping =
      Mapping::shared(fd.get(), static_cast<std::size_t>(status.st_size), PROT_READ);
  if (!mapping || !is_pcapng(mapping->bytes())) return std::move(view).error();
  return verify_plain(mapping->bytes());
}

VerifyReport verify(const RingView& ring) {
  return RingVerifier(ring).run();
}

}  // namespace caprock::store
