// SPDX-License-Identifier: Apache-2.0
// The file that a capture is written to, or standard output.
#pragma once

#include <filesystem>
#include <string>

#include "core/byte_span.hpp"
#include "core/fd.hpp"
#include "core/result.hpp"

namespace caprock::cli {

enum class Content { kCapture, kText };

/// Writes to FILE.partial.XXXXXX (mode 0600: it holds payload) and gives it its name when
/// everything is there, so that nobody takes a part for the whole. "-" is standard output. What
/// exists and is no regular file (a pipe, a device) is written to as it is.
class OutputFile {
 public:
  /// An existing file is refused unless `force`, a capture for the terminal always.
  static Result<OutputFile> open(const std::string& name, bool force,
                                 Content content = Content::kCapture);

  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Removes an unfinished part.
  ~OutputFile();

  int fd() const { return fd_.get(); }

  /// For errors.
  std::string name() const { return target_ == "-" ? "standard output" : target_.string(); }

  Status write(Bytes bytes);

  /// Everything was written: gives the file its name.
  Status finish();

 private:
  OutputFile(Fd fd, std::filesystem::path target, std::filesystem::path partial, bool force)
      : fd_(std::move(fd)),
        target_(std::move(target)),
        partial_(std::move(partial)),
        force_(force) {}

  Fd fd_;
  std::filesystem::path target_;
  std::filesystem::path partial_;  // empty: written in place, or finished
  bool force_;
};

}  // namespace caprock::cli
