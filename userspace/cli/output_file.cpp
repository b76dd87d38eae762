// SPDX-License-Identifier: Apache-2.0
#include "cli/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

namespace caprock::cli {
namespace {

Error not_writable(const std::filesystem::path& target) {
  const Error error = Error::from_errno(fmt::format("{} cannot be written", target.string()));
  return Error(error.message() +
               "; give -o a file in a directory that is there and that this user may write to");
}

Result<Fd> standard_output(Content content) {
  if (content == Content::kCapture && ::isatty(STDOUT_FILENO) == 1)
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

Result<OutputFile> OutputFile::open(const std::string& name, bool force, Content content) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (name == "-") {
    auto fd = standard_output(content);
    if (!fd) return fd.error();
    return OutputFile(*std::move(fd), name, {}, force);
  }
  const auto status = fs::status(name, failed);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    Fd fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return not_writable(name);
    return OutputFile(std::move(fd), name, {}, force);
  }
  if (fs::is_regular_file(status) && !force) return already_there(name);
  // Through a link, so that the file behind it is replaced and not the link (/dev/stdout is one).
  const fs::path target =
      fs::is_regular_file(status) ? fs::canonical(name, failed) : fs::path(name);
  std::string partial = target.string() + ".partial.XXXXXX";
  Fd fd(::mkostemp(partial.data(), O_CLOEXEC));
  if (!fd) return not_writable(target);
  return OutputFile(std::move(fd), target, partial, force);
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
