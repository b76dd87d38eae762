// SPDX-License-Identifier: Apache-2.0
// Where exported bytes go.
#pragma once

#include <functional>
#include <utility>

#include "core/byte_span.hpp"
#include "core/result.hpp"

namespace caprock::exporting {

/// Takes bytes in order, in pieces of up to kPieceBytes. An error ends the export. One
/// thread at a time, not always the same.
class Sink {
 public:
  static constexpr std::size_t kPieceBytes = 512u << 10;

  virtual ~Sink() = default;

  /// An empty piece asks whether anybody still wants the rest: a filter may let nothing through for
  /// a long time.
  virtual Status write(Bytes piece) = 0;
};

/// A function, such as one that sends a chunk of an HTTP response.
class FunctionSink : public Sink {
 public:
  explicit FunctionSink(std::function<Status(Bytes)> function) : function_(std::move(function)) {}
  Status write(Bytes piece) override { return function_(piece); }

 private:
  std::function<Status(Bytes)> function_;
};

}  // namespace caprock::exporting
