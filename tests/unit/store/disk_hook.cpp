// SPDX-License-Identifier: Apache-2.0
#include "disk_hook.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

namespace caprock::store::test {
namespace {

std::mutex g_mutex;
std::set<off_t> g_written;

}  // namespace

std::atomic<off_t> g_bad_offset{kNowhere};

std::set<off_t> take_written() {
  const std::lock_guard lock(g_mutex);
  return std::exchange(g_written, {});
}

void note_written(off_t offset) {
  const std::lock_guard lock(g_mutex);
  g_written.insert(offset);
}

}  // namespace caprock::store::test

/// In place of the C library's.
extern "C" ssize_t pwrite(int fd, const void* bytes, std::size_t count, off_t offset) {
  if (offset != caprock::store::test::g_bad_offset) {
    caprock::store::test::note_written(offset);
    return ::syscall(SYS_pwrite64, fd, bytes, count, offset);
  }
  errno = EIO;
  return -1;
}
