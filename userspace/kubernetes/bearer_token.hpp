// SPDX-License-Identifier: Apache-2.0
// The token that says who asks. The kubelet rotates those of pods, by default each hour.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace caprock::kubernetes {

/// A token, or the file that it is in, which is read again as it ages. One thread.
class BearerToken {
 public:
  /// `file` wins where it is not empty.
  BearerToken(std::string token, std::filesystem::path file, std::chrono::milliseconds age);

  /// Empty: none is needed. Where the file has gone, what was read last.
  Result<std::string> current();

  /// Reads the file again, as the server refused that token; true: there is another one, which may
  /// have been read before on behalf of another connection.
  bool renew(std::string_view refused);

 private:
  Status read();

  std::string token_;
  std::filesystem::path file_;
  std::chrono::milliseconds age_;
  std::chrono::steady_clock::time_point read_at_{};  // the epoch: never
};

}  // namespace caprock::kubernetes
