// SPDX-License-Identifier: Apache-2.0
// A network namespace of a test's own.
#pragma once

#include <cstdint>
#include <string>

#include "core/fd.hpp"

namespace caprock::test {

/// Runs a command and fails the test when that fails.
void run(const std::string& command);

/// A netkit of that name, the primary, whose other end is called "nk0". Skips the test where the
/// kernel has none.
void add_netkit(const std::string& name);

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

  /// A netkit "na", the primary, and "nb", both up. Returns the ifindex of na. Skips the test where
  /// the kernel has none.
  std::uint32_t add_netkits();

 private:
  Fd outside_;
};

}  // namespace caprock::test
