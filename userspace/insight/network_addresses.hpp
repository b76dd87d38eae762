// SPDX-License-Identifier: Apache-2.0
// Which addresses the network namespaces have whose sockets are told of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace caprock::insight {

using AddressList = std::vector<std::string>;  // sorted, as inet_ntop(3) writes them

/// The addresses of the network namespace that a process is in; empty where it is gone, or is in
/// another one than `network` (its inode), or is not to be seen. Any thread.
AddressList addresses_of(std::uint32_t network, std::uint32_t pid);

/// What is to be asked, and of which namespaces the last process has gone: looking takes its time.
struct NetworkQuestion {
  std::uint32_t network;
  std::uint32_t pid;
};
struct NetworkUsers {
  std::uint32_t network;
  std::array<std::uint32_t, 8> pids;  // seen there last; 0: none
};

/// Whether one of them is still there. Any thread.
bool any_left(const NetworkUsers& users);

/// Which lists have been told, and which are to be asked for. One thread at a time.
class NetworkAddresses {
 public:
  /// A process of the namespace is using a socket.
  void see(std::uint32_t network, std::uint32_t pid, std::int64_t now_ns);

  /// What there is to ask; each once.
  std::vector<NetworkQuestion> take_questions() { return std::exchange(questions_, {}); }

  /// The answer. Whether it is news.
  bool answer(std::uint32_t network, const AddressList& addresses, std::int64_t now_ns);

  /// Of the namespaces that were told of, now and then; none meanwhile.
  std::vector<NetworkUsers> take_users(std::int64_t now_ns);

  /// The namespace is gone.
  void drop(std::uint32_t network) { known_.erase(network); }

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
  std::vector<NetworkQuestion> questions_;
  std::int64_t look_ns_ = 0;  // monotonic time of the next take_users()
};

}  // namespace caprock::insight
