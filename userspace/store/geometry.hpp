// SPDX-License-Identifier: Apache-2.0
// How a ring's bytes are divided into segments.
#pragma once

#include <cstdint>

#include "core/result.hpp"

namespace caprock::store {

struct Geometry {
  std::uint64_t segment_bytes = 0;  // a power of two, fixed when the ring is made
  std::uint64_t segments = 0;

  std::uint64_t ring_bytes() const { return segment_bytes * segments; }
  bool operator==(const Geometry&) const = default;
};

/// A new ring's: segments of kDefaultSegmentBytes, or the largest smaller power of two that gives
/// kMinSegments.
Result<Geometry> plan_geometry(std::uint64_t storage_bytes);

/// An existing ring's, at another size.
Result<Geometry> resize_geometry(std::uint64_t segment_bytes, std::uint64_t storage_bytes);

}  // namespace caprock::store
