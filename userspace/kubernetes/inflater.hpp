// SPDX-License-Identifier: Apache-2.0
// gzip, piece by piece.
#pragma once

#include <zlib.h>

#include <memory>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace caprock::kubernetes {

class Inflater {
 public:
  Inflater();

  /// Takes from the front of `compressed`, fills `plain` from its beginning; returns how much of
  /// it. Less than all of `plain`: there is no more until more is given.
  Result<std::size_t> inflate(std::string_view& compressed, std::span<char> plain);

  /// The end of the gzip stream has come.
  bool ended() const { return ended_; }

 private:
  struct End {
    void operator()(z_stream* stream) const;
  };

  std::unique_ptr<z_stream, End> stream_;
  bool ended_ = false;
};

}  // namespace caprock::kubernetes
