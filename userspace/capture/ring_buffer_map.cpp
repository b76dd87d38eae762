// SPDX-License-Identifier: Apache-2.0
#include "capture/ring_buffer_map.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace caprock::capture {
namespace {

std::size_t page_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Result<RingBufferMap> RingBufferMap::map(Fd fd) {
  bpf_map_info info{};
  __u32 info_bytes = sizeof info;
  if (bpf_map_get_info_by_fd(fd.get(), &info, &info_bytes) != 0) {
    return Error::from_errno("read the size of a BPF ring buffer");
  }
  // Page 0 is ours to write; the kernel refuses a writable mapping of what follows.
  auto consumer = Mapping::shared(fd.get(), page_bytes(), PROT_READ | PROT_WRITE);
  if (!consumer) return std::move(consumer).error().context("consumer page of a BPF ring buffer");
  auto data = Mapping::shared(fd.get(), page_bytes() + 2 * std::size_t{info.max_entries}, PROT_READ,
                              page_bytes());
  if (!data) return std::move(data).error().context("data of a BPF ring buffer");
  return RingBufferMap(std::move(fd), *std::move(consumer), *std::move(data), info.max_entries);
}

RingBufferMap::RingBufferMap(Fd fd, Mapping consumer, Mapping producer_and_data,
                             std::uint64_t bytes)
    : fd_(std::move(fd)),
      consumer_(std::move(consumer)),
      producer_and_data_(std::move(producer_and_data)),
      bytes_(bytes) {}

RingBufferView RingBufferMap::view() const {
  return {.consumer = reinterpret_cast<std::uint64_t*>(consumer_.data()),
          .producer = reinterpret_cast<const std::uint64_t*>(producer_and_data_.data()),
          .data = producer_and_data_.data() + page_bytes(),
          .bytes = bytes_};
}

}  // namespace caprock::capture
