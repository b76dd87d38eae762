// SPDX-License-Identifier: Apache-2.0
#include "store/geometry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/quantity.hpp"
#include "store/format.hpp"

namespace caprock::store {

Result<Geometry> plan_geometry(std::uint64_t storage_bytes) {
  if (storage_bytes < kMinRingBytes) {
    return Error(fmt::format("storageSize {} is too small for a ring: give at least {}",
                             format_size(storage_bytes), format_size(kMinRingBytes)));
  }
  const std::uint64_t segment_bytes =
      std::min(kDefaultSegmentBytes, std::bit_floor(storage_bytes / kMinSegments));
  return Geometry{segment_bytes, storage_bytes / segment_bytes};
}

Result<Geometry> resize_geometry(std::uint64_t segment_bytes, std::uint64_t storage_bytes) {
  const Geometry geometry{segment_bytes, storage_bytes / segment_bytes};
  if (geometry.segments >= kMinSegments) return geometry;
  return Error(
      fmt::format("storageSize {} is too small for this ring, whose segments are {}: give at least "
                  "{}, or remove "
                  "the file to start a new ring",
                  format_size(storage_bytes), format_size(segment_bytes),
                  format_size(segment_bytes * kMinSegments)));
}

}  // namespace caprock::store
