// SPDX-License-Identifier: Apache-2.0
// Why a list or a watch does not go on.
#pragma once

#include <chrono>
#include <string>

namespace caprock::kubernetes {

struct Trouble {
  /// As HTTP has them, from an answer's head or a watch's ERROR event; 0: no answer at all.
  static constexpr unsigned kUnauthorized = 401;
  static constexpr unsigned kForbidden = 403;
  static constexpr unsigned kGone = 410;     // the version asked for is too old
  static constexpr unsigned kTimeout = 504;  // also where the server does not have the version yet

  unsigned status = 0;
  std::string message;
  std::chrono::milliseconds retry_after{0};  // 0: not told
};

}  // namespace caprock::kubernetes
