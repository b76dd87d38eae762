// SPDX-License-Identifier: Apache-2.0
#include "bench/moving_calls.hpp"

#include <liburing.h>
#include <sys/uio.h>

#include <ctime>

namespace caprock {
namespace {

thread_local std::int64_t taken_ns = 0;

template <typename Call>
auto timed(Call call) {
  const std::int64_t begin = cpu_ns();
  const auto result = call();
  taken_ns += cpu_ns() - begin;
  return result;
}

}  // namespace

std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::int64_t moving_ns() {
  return taken_ns;
}

}  // namespace caprock

extern "C" {

using caprock::timed;

ssize_t __real_pwrite(int fd, const void* bytes, size_t count, off_t offset);
ssize_t __wrap_pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return timed([=] { return __real_pwrite(fd, bytes, count, offset); });
}

ssize_t __real_pwritev(int fd, const iovec* pieces, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const iovec* pieces, int count, off_t offset) {
  return timed([=] { return __real_pwritev(fd, pieces, count, offset); });
}

int __real_io_uring_submit(io_uring* ring);
int __wrap_io_uring_submit(io_uring* ring) {
  return timed([=] { return __real_io_uring_submit(ring); });
}

int __real___io_uring_get_cqe(io_uring* ring, io_uring_cqe** completion, unsigned submit,
                              unsigned wait, sigset_t* mask);
int __wrap___io_uring_get_cqe(io_uring* ring, io_uring_cqe** completion, unsigned submit,
                              unsigned wait, sigset_t* mask) {
  return timed([=] { return __real___io_uring_get_cqe(ring, completion, submit, wait, mask); });
}

}  // extern "C"
