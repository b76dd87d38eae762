// SPDX-License-Identifier: Apache-2.0
// A small ring in a directory of its own, and packets to put into it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "core/clock.hpp"
#include "pcapng/writer.hpp"
#include "store/ring.hpp"

namespace caprock::store::test {

/// Within ten seconds.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Removed with all that is in it. On the file system of the build folder: memory has no disk
/// errors and no write-back.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::current_path() / "store-test-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline constexpr std::uint64_t kMebibyte = 1 << 20;

inline RingOptions small_ring(const std::filesystem::path& path) {
  RingOptions options;
  options.path = path;
  options.storage_bytes = 16 * kMebibyte;
  options.node = "node-1";
  options.interfaces = {{"eth0", "uplink"}, {"lo", ""}};
  options.wall_offset_ns = 1'000'000'000;
  options.sync_interval = std::chrono::milliseconds(20);
  return options;
}

inline std::unique_ptr<Ring> open_ring(const RingOptions& options) {
  auto ring = Ring::open(options);
  if (!ring) FAIL(ring.error().message());
  return *std::move(ring);
}

/// Blocks as a CPU's stage delivers them: positions count bytes, times are 1 µs apart.
class PacketStream {
 public:
  explicit PacketStream(std::uint32_t cpu = 0, std::int64_t first_ns = kFirstNs)
      : source_{SourceKind::kStage, cpu, 7}, first_ns_(first_ns) {}

  /// So many packets of the size, as one batch that is valid until the next call.
  PacketBatch next(std::size_t packets, std::size_t packet_bytes = 1000) {
    blocks_.clear();
    pcapng::Writer writer(blocks_);
    const std::vector<std::byte> payload(packet_bytes, std::byte{0x5A});
    for (std::size_t i = 0; i < packets; ++i) {
      pcapng::Packet packet;
      packet.interface_id = static_cast<std::uint32_t>(count_ % 2);
      packet.time_ns = first_ns_ + time_of(count_) - kFirstNs;
      packet.captured = payload;
      packet.original_bytes = static_cast<std::uint32_t>(packet_bytes + 4);
      packet.flags = 1;
      packet.dropped = count_ % 100 == 99 ? 3 : 0;
      writer.packet(packet);
      ++count_;
    }
    piece_ = {blocks_, position_ + blocks_.size()};
    const std::uint64_t begin = position_;
    position_ += blocks_.size();
    return {source_, begin, {&piece_, 1}};
  }

  static std::int64_t time_of(std::uint64_t count) {
    return kFirstNs + static_cast<std::int64_t>(count) * 1000;
  }

  SourceId source() const { return source_; }
  std::uint64_t position() const { return position_; }
  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::int64_t kFirstNs = 1'700'000'000'000'000'000;

  SourceId source_;
  std::int64_t first_ns_;
  std::vector<std::byte> blocks_;
  BlockPiece piece_;
  std::uint64_t position_ = 0;
  std::uint64_t count_ = 0;
};

/// Appends what the lane can take now; returns the position up to which it is committed.
inline std::uint64_t append_now(LaneWriter& lane, const PacketBatch& batch) {
  lane.append(batch);
  return lane.settle();
}

/// Appends the whole batch, waiting for housekeeping where a lane would come back later.
inline void append_all(LaneWriter& lane, const PacketBatch& batch) {
  const BlockPiece& piece = batch.pieces[0];
  std::uint64_t done = append_now(lane, batch);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (done != piece.end_position) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no segment came");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const BlockPiece rest{piece.bytes.last(piece.end_position - done), piece.end_position};
    done = append_now(lane, {batch.source, done, {&rest, 1}});
  }
}

inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

}  // namespace caprock::store::test
