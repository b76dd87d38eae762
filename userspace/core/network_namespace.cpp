// SPDX-License-Identifier: Apache-2.0
#include "core/network_namespace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

#include "core/fd.hpp"

namespace caprock {
namespace {

std::string file_of(const std::string& process) {
  return fmt::format("/proc/{}/ns/net", process);
}

std::uint32_t inode_of(const std::string& process) {
  struct stat info {};
  return ::stat(file_of(process).c_str(), &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

std::uint32_t inode_of(const Fd& file) {
  struct stat info {};
  return file && ::fstat(file.get(), &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

}  // namespace

std::uint32_t network_of(pid_t pid) {
  return inode_of(fmt::to_string(pid));
}

std::uint32_t own_network() {
  return inode_of("thread-self");
}

/// A thread that has gone to another namespace is done with: nothing can go wrong on its way back.
Status do_inside(const ProcessNetwork& network, const std::function<void()>& work) try {
  const Fd file(::open(file_of(fmt::to_string(network.pid)).c_str(), O_RDONLY | O_CLOEXEC));
  if (inode_of(file) != network.inode) return Error("its network namespace is gone");
  int error = 0;
  std::thread([&] {
    if (::setns(file.get(), CLONE_NEWNET) == 0)
      work();
    else
      error = errno;
  }).join();
  return error == 0 ? Status() : Error::from_errno("enter its network namespace", error);
} catch (const std::system_error& failure) {
  return Error(fmt::format("enter its network namespace: {}", failure.what()));
}

}  // namespace caprock
