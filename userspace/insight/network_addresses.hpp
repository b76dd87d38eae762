// SPDX-License-Identifier: Apache-2.0
// Which addresses the network namespaces have whose sockets are told of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace caprock::insight {

using AddressList = std::vector<std::string>;  // sorted, as inet_ntop(3) writes them

/// The addresses of the network namespace that a process is in; empty where it is gone, or is in
/// another one than `network` (its inode), or is not to be seen. Any thread.
AddressList addresses_of(std::uint32_t network, std::uint32_t pid);

/// One thread.
class NetworkAddresses {
 public:
  /// The list, where it is another one than was told before; asks again now and then.
  std::optional<AddressList> news(std::uint32_t network, std::uint32_t pid, std::int64_t now_ns);

  /// Namespaces that were told of, in which none of the processes is any more that news() was
  /// called with last. Looks now and then.
  std::vector<std::uint32_t> gone(std::int64_t now_ns);

  /// Everything is news again.
  void forget();

 private:
  struct Known {
    AddressList told;
    std::int64_t ask_ns = 0;              // monotonic time from which on it is asked for again
    std::array<std::uint32_t, 8> pids{};  // seen there last
    std::size_t next_pid = 0;
  };
  static void remember(Known& known, std::uint32_t pid);

  std::map<std::uint32_t, Known> known_;
  std::int64_t look_ns_ = 0;  // monotonic time of the next look for those that are gone
};

/// The inode of the network namespace that this process is in; 0: not to be found out.
std::uint32_t own_network();

}  // namespace caprock::insight
