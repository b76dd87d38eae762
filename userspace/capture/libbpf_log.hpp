// SPDX-License-Identifier: Apache-2.0
// What libbpf says while it works, caught instead of printed.
#pragma once

#include <string>
#include <string_view>

namespace caprock::capture {

/// While it lives, libbpf's warnings of this thread come here and those of others go nowhere. One
/// per thread at a time.
class LibbpfLog {
 public:
  LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;
  ~LibbpfLog();

  /// One line: the first warning, which names program or map, and the verifier's reason if it was
  /// the verifier that refused. Empty without a warning.
  std::string summary() const;

  /// The program that the first warning is about; empty: it is about none.
  std::string program() const;

  void take(std::string_view message);  // called by libbpf

 private:
  std::string first_warning_;
  std::string verifier_reason_;
};

/// The line of a verifier's log that says why it refused: the last one before its statistics.
std::string_view verifier_reason(std::string_view log);

}  // namespace caprock::capture
