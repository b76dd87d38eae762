// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <utility>

namespace caprock::cli {
namespace {

constexpr int kOwnerOnly = 0600;

/// Opens `path` to write what will have the name `target`.
Result<Fd> open_for_writing(const std::filesystem::path& path, const std::filesystem::path& target,
                            int flags) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, kOwnerOnly));
  if (fd) return fd;
  const Error error = Error::from_errno(fmt::format("{} cannot be written", target.string()));
  return Error(error.message() +
               "; give -o a file in a directory that is there and that this user may write to");
}

Result<Fd> standard_output() {
  if (::isatty(STDOUT_FILENO) == 1)
    return Error("a capture is not for the terminal: write it to a file (-o FILE) or pipe it on");
  Fd fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!fd) return Error::from_errno("standard output");
  return fd;
}

/// Fails with EEXIST where there is a file of that name. NFS and the like know no such renaming.
bool give_new_name(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return false;
  return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

Error already_there(const std::filesystem::path& path) {
  return Error(fmt::format("{} exists; --force overwrites it", path.string()));
}

}  // namespace

Result<OutputFile> OutputFile::open(const std::string& name, bool force) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const auto status = fs::status(name, failed);
  const bool in_place = fs::exists(status) && !fs::is_regular_file(status);
  if (fs::is_regular_file(status) && !force) return already_there(name);
  // Through a link, so that the file behind it is replaced and not the link (/dev/stdout is one).
  const fs::path target =
      fs::is_regular_file(status) ? fs::canonical(name, failed) : fs::path(name);
  const fs::path partial = name == "-" || in_place
                               ? fs::path{}
                               : fs::path(target) += fmt::format(".partial.{}", ::getpid());
  auto fd = name == "-" ? standard_output()
            : in_place  ? open_for_writing(name, target, 0)
                        : open_for_writing(partial, target, O_CREAT | O_EXCL | O_NOFOLLOW);
  if (!fd) return fd.error();
  return OutputFile(*std::move(fd), target, partial, force);
}

OutputFile::~OutputFile() {
  if (fd_ && !partial_.empty()) ::unlink(partial_.c_str());
}

Status OutputFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno(name());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status OutputFile::finish() {
  if (partial_.empty()) return {};
  const bool named =
      force_ ? ::rename(partial_.c_str(), target_.c_str()) == 0 : give_new_name(partial_, target_);
  if (!named && errno == EEXIST) return already_there(target_);
  const std::string partial = std::exchange(partial_, {}).string();
  if (named) return {};
  return Error(fmt::format("{}; what was written is {}",
                           Error::from_errno(target_.string()).message(), partial));
}

}  // namespace caprock::cli
