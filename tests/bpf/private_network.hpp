// SPDX-License-Identifier: Apache-2.0
// A network namespace with nothing but a loopback device, on whose hooks the programs are.
#pragma once

#include "capture/programs.hpp"
#include "core/fd.hpp"

namespace caprock::test {

/// The thread lives in it from create to destroy. Its loopback device has ifindex 1, as that of a
/// test run.
class PrivateNetwork {
 public:
  explicit PrivateNetwork(const capture::Programs& programs);
  PrivateNetwork(const PrivateNetwork&) = delete;
  PrivateNetwork& operator=(const PrivateNetwork&) = delete;
  ~PrivateNetwork();

 private:
  Fd home_;
};

}  // namespace caprock::test
