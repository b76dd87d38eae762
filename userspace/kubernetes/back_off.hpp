// SPDX-License-Identifier: Apache-2.0
// Pauses between attempts.
#pragma once

#include <chrono>
#include <random>

namespace caprock::kubernetes {

/// Pauses that double from `least` to `most`, each made random in its upper half, so that the
/// clients of a server that comes back do not come all at once.
class BackOff {
 public:
  using Ms = std::chrono::milliseconds;

  /// Every pause is from `least` to `most`.
  BackOff(Ms least, Ms most);

  Ms next();
  void reset() { limit_ = first_; }

  /// A pause from half of `longest` to `longest`.
  Ms jittered(Ms longest);

 private:
  Ms first_;
  Ms most_;
  Ms limit_;  // of the next pause
  std::minstd_rand random_;
};

}  // namespace caprock::kubernetes
