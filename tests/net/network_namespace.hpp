// SPDX-License-Identifier: Apache-2.0
// A network namespace of a test's own.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.hpp"

namespace caprock::test {

/// Runs a command and fails the test when that fails.
void run(const std::string& command);

/// The calling thread is in it from construction to destruction; the devices made there go with it.
/// Skips the test where that is not allowed.
class NetworkNamespace {
 public:
  NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;
  ~NetworkNamespace();

  /// A pair of veths "va" and "vb", up. Returns the ifindex of va.
  std::uint32_t add_veths();

 private:
  Fd outside_;
};

}  // namespace caprock::test
