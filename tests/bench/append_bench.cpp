// SPDX-License-Identifier: Apache-2.0
// What a run costs the lane beside its bytes: appends runs of one size to a ring, at a steady rate,
// and tells how long that took.
//
// usage: bench_append DIRECTORY RING_MIB RUN_KIB MBIT_PER_S SECONDS
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "abi/block.h"

#include "bench/moving_calls.hpp"
#include "core/clock.hpp"
#include "store/crc32c.hpp"
#include "store/ring.hpp"

namespace caprock {
namespace {

constexpr std::size_t kSourceBytes = 64 << 20;  // the stage of one CPU
constexpr std::size_t kBlockBytes = 1024;
constexpr std::uint32_t kCapturedBytes = kBlockBytes - EPB_HEAD_BYTES - 4;

struct Wishes {
  std::string directory;
  std::uint64_t ring_bytes;
  std::size_t run_bytes;
  double bytes_per_ns;
  std::int64_t duration_ns;
};

/// Memory that is mapped page by page, as the stage is.
MutableBytes map_source() {
  void* memory =
      ::mmap(nullptr, kSourceBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return {static_cast<std::byte*>(memory), memory == MAP_FAILED ? 0 : kSourceBytes};
}

void fill_with_blocks(MutableBytes source) {
  const auto time_ns = static_cast<std::uint64_t>(wall_ns());
  const epb_head head{.type = PCAPNG_EPB,
                      .total_bytes = kBlockBytes,
                      .interface_id = 0,
                      .time_high = static_cast<std::uint32_t>(time_ns >> 32),
                      .time_low = static_cast<std::uint32_t>(time_ns),
                      .captured_bytes = kCapturedBytes,
                      .original_bytes = kCapturedBytes};
  for (std::size_t at = 0; at < source.size(); at += kBlockBytes) {
    std::memcpy(&source[at], &head, sizeof head);
    std::memcpy(&source[at + kBlockBytes - sizeof head.total_bytes], &head.total_bytes,
                sizeof head.total_bytes);
  }
}

double quantile_us(std::vector<std::int64_t> ns, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(ns.size() - 1));
  std::nth_element(ns.begin(), ns.begin() + at, ns.end());
  return static_cast<double>(ns[static_cast<std::size_t>(at)]) / 1e3;
}

/// What the checksum of so many bytes costs.
double checksum_us(Bytes source, std::size_t run_bytes) {
  std::vector<std::int64_t> ns;
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + run_bytes <= source.size(); at += run_bytes) {
    const std::int64_t begin = cpu_ns();
    sum = store::crc32c(source.subspan(at, run_bytes), sum);
    ns.push_back(cpu_ns() - begin);
  }
  return quantile_us(std::move(ns), 0.5);
}

/// What the machine's interrupts make of pieces of so much time in which nothing is done.
double spun_p999_us(double us) {
  constexpr int kPieces = 100'000;
  constexpr std::int64_t kLongestNs = 10'000'000'000;
  std::vector<std::int64_t> ns;
  const std::int64_t end_ns = monotonic_ns() + kLongestNs;
  while (ns.size() < kPieces && monotonic_ns() < end_ns) {
    const std::int64_t begin = cpu_ns();
    while (static_cast<double>(cpu_ns() - begin) < us * 1e3) {
    }
    ns.push_back(cpu_ns() - begin);
  }
  return quantile_us(std::move(ns), 0.999);
}

class Appender {
 public:
  Appender(store::LaneWriter& lane, Bytes source, std::size_t run_bytes)
      : lane_(lane), source_(source), run_bytes_(run_bytes) {}

  void append() {
    const BlockPiece piece{
        source_.subspan(position_ % (source_.size() / run_bytes_ * run_bytes_), run_bytes_),
        position_ + run_bytes_};
    const std::int64_t wall_begin = monotonic_ns();
    const std::int64_t moving_begin = moving_ns();
    const std::int64_t cpu_begin = cpu_ns();
    lane_.append(
        {.source = {SourceKind::kStage, 0, 1}, .position = position_, .pieces = {&piece, 1}});
    const std::uint64_t committed = lane_.settle();
    cpu_.push_back(cpu_ns() - cpu_begin);
    own_.push_back(cpu_.back() - (moving_ns() - moving_begin));
    wall_.push_back(monotonic_ns() - wall_begin);
    short_ += committed != piece.end_position ? 1 : 0;
    position_ = piece.end_position;
  }

  std::uint64_t bytes() const { return position_; }

  void print(double checksum_us) const {
    fmt::print(
        "{{\"runs\": {}, \"refused\": {}, \"checksum_us\": {:.1f}, \"cpu_us\": {:.1f}, "
        "\"cpu_p999_us\": {:.1f}, \"own_us\": {:.1f}, \"own_p999_us\": {:.1f}, "
        "\"spun_p999_us\": {:.1f}, \"wall_us\": {:.1f}, \"wall_p999_us\": {:.1f}, "
        "\"wall_most_us\": {:.1f}}}\n",
        cpu_.size(), short_, checksum_us, quantile_us(cpu_, 0.5), quantile_us(cpu_, 0.999),
        quantile_us(own_, 0.5), quantile_us(own_, 0.999), spun_p999_us(quantile_us(own_, 0.5)),
        quantile_us(wall_, 0.5), quantile_us(wall_, 0.999), quantile_us(wall_, 1));
  }

 private:
  store::LaneWriter& lane_;
  Bytes source_;
  std::size_t run_bytes_;
  std::uint64_t position_ = 0;
  std::uint64_t short_ = 0;
  std::vector<std::int64_t> cpu_;
  std::vector<std::int64_t> own_;  // of cpu_, what is not in moving calls
  std::vector<std::int64_t> wall_;
};

Status measure(const Wishes& wishes) {
  const MutableBytes source = map_source();
  if (source.empty()) return Error::from_errno("memory of the source");
  fill_with_blocks(source);
  const double sum_us = checksum_us(source, wishes.run_bytes);
  auto ring =
      store::Ring::open({.path = wishes.directory + "/ring.pcapng",
                         .storage_bytes = wishes.ring_bytes,
                         .node = "bench",
                         .interfaces = {InterfaceRecord{.name = "bench", .description = {}}},
                         .wall_offset_ns = wall_offset_ns()});
  if (!ring) return std::move(ring).error();
  store::LaneWriter& lane = (*ring)->lane(0);
  lane.pin(std::vector<Bytes>{source});
  Appender appender(lane, source, wishes.run_bytes);
  const std::int64_t begin_ns = monotonic_ns();
  std::int64_t next_reveal_ns = begin_ns;
  for (std::int64_t now_ns = begin_ns; now_ns < begin_ns + wishes.duration_ns;
       now_ns = monotonic_ns()) {
    if (now_ns >= next_reveal_ns) {
      lane.reveal();
      next_reveal_ns += 1'000'000'000;
    }
    const auto due =
        static_cast<std::uint64_t>(static_cast<double>(now_ns - begin_ns) * wishes.bytes_per_ns);
    if (appender.bytes() > due) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      continue;
    }
    appender.append();
  }
  appender.print(sum_us);
  return (*ring)->close();
}

}  // namespace
}  // namespace caprock

int main(int count, char** words) {
  using namespace caprock;
  if (count != 6) {
    fmt::print(stderr, "usage: bench_append DIRECTORY RING_MIB RUN_KIB MBIT_PER_S SECONDS\n");
    return 2;
  }
  const auto measured = measure({.directory = words[1],
                                 .ring_bytes = std::stoull(words[2]) << 20,
                                 .run_bytes = std::stoull(words[3]) << 10,
                                 .bytes_per_ns = std::stod(words[4]) / 8e3,
                                 .duration_ns = std::stoll(words[5]) * 1'000'000'000});
  if (!measured) fmt::print(stderr, "bench_append: {}\n", measured.error().message());
  return measured ? 0 : 1;
}
