// SPDX-License-Identifier: Apache-2.0
// The clsact qdisc of a device: where tc filters hang on kernels without tcx.
#pragma once

#include <cstdint>

#include "core/result.hpp"

namespace caprock::capture {

/// Makes sure that the device has one. Destroyed, it takes away the one it made, unless others use
/// it by then.
class ClsactQdisc {
 public:
  static Result<ClsactQdisc> ensure(std::uint32_t ifindex);

  ClsactQdisc(ClsactQdisc&& other) noexcept;
  ClsactQdisc& operator=(ClsactQdisc&& other) noexcept;
  ~ClsactQdisc();

  /// It stays on the device when this is destroyed.
  void keep() { made_ = false; }

 private:
  ClsactQdisc(std::uint32_t ifindex, bool made) : ifindex_(ifindex), made_(made) {}

  std::uint32_t ifindex_;
  bool made_;
};

}  // namespace caprock::capture
