// SPDX-License-Identifier: Apache-2.0
// Which addresses the network namespaces have whose sockets are told of.
#pragma once

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

/// Those of the namespaces (inodes) that no process is in any more, in the order given. Looks at
/// processes until each has one, which takes its time. Any thread.
std::vector<std::uint32_t> deserted_of(std::vector<std::uint32_t> networks);

/// What is to be asked, and of whom.
struct NetworkQuestion {
  std::uint32_t network;
  std::uint32_t pid;
};

/// Which lists have been told, and which are to be asked for. One thread at a time.
class NetworkAddresses {
 public:
  /// A process of the namespace is using a socket. `start_ns`: when it began, monotonic time. One
  /// that began behind the last answer may be in another namespace, of the same inode.
  void see(std::uint32_t network, std::uint32_t pid, std::int64_t start_ns, std::int64_t now_ns);

  /// What there is to ask; each once.
  std::vector<NetworkQuestion> take_questions() { return std::exchange(questions_, {}); }

  /// The answer. Whether it is news.
  bool answer(std::uint32_t network, const AddressList& addresses, std::int64_t now_ns);

  /// The namespaces that were told of, in order, every ten seconds; none meanwhile.
  std::vector<std::uint32_t> take_told(std::int64_t now_ns);

  /// A look that began then found these, in order, deserted. Returns those that are so for the
  /// second time in a row and have not been seen since: they are not known any more.
  std::vector<std::uint32_t> drop_deserted(const std::vector<std::uint32_t>& deserted,
                                           std::int64_t begin_ns);

  /// Everything is news again.
  void forget();

 private:
  bool has_room();

  struct Known {
    AddressList told;  // empty: what comes is news
    bool is_told = false;
    bool deserted = false;             // at the last look
    std::int64_t seen_ns = 0;          // monotonic time of the last see()
    std::int64_t answered_ns = 0;      // monotonic time
    std::int64_t ask_ns = 0;           // monotonic time from which on it is asked for again
    std::int64_t ask_newcomer_ns = 0;  // the same, where a process began behind the answer
  };

  std::map<std::uint32_t, Known> known_;
  std::vector<NetworkQuestion> questions_;
  std::int64_t look_ns_ = 0;  // monotonic time of the next take_told()
};

}  // namespace caprock::insight
