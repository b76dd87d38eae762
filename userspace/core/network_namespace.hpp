// SPDX-License-Identifier: Apache-2.0
// Other network namespaces, by the processes in them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "core/result.hpp"

namespace caprock {

/// The network namespace that a process is in, by its inode; 0: the process is gone, or not to be
/// seen. Any thread.
std::uint32_t network_of(pid_t pid);

/// That of the calling thread; 0: not to be found out.
std::uint32_t own_network();

/// A network namespace, and a process that was seen in it. Nothing of it is held: it goes when the
/// kernel lets it go.
struct ProcessNetwork {
  std::uint32_t inode = 0;
  pid_t pid = 0;

  /// Whether the process is still in it.
  bool is_there() const { return network_of(pid) == inode; }

  bool operator==(const ProcessNetwork&) const = default;
};

/// Does `work` in that namespace, on a thread of its own, and returns when it is done. An error,
/// and nothing done, where the process has gone or the namespace is not to be entered. Any thread.
Status do_inside(const ProcessNetwork& network, const std::function<void()>& work);

}  // namespace caprock
