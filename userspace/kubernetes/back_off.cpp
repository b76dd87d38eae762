// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/back_off.hpp"

#include <algorithm>

namespace caprock::kubernetes {

BackOff::BackOff(Ms least, Ms most)
    : first_(std::min(2 * least, most)),
      most_(most),
      limit_(first_),
      random_(std::random_device{}()) {}

BackOff::Ms BackOff::next() {
  const Ms pause = jittered(limit_);
  limit_ = std::min(2 * limit_, most_);
  return pause;
}

BackOff::Ms BackOff::jittered(Ms longest) {
  std::uniform_int_distribution<Ms::rep> pick(longest.count() / 2, longest.count());
  return Ms(pick(random_));
}

}  // namespace caprock::kubernetes
