// SPDX-License-Identifier: Apache-2.0
// An exported file, or a pipe or socket.
#pragma once

#include <cstdint>
#include <string>

#include "export/sink.hpp"

namespace caprock::exporting {

/// A descriptor in blocking mode, which is the caller's. Disk space of a regular file is reserved
/// ahead, which makes its pages cheaper and keeps it in few extents; what is left over goes back at
/// the end of the sink's life.
class FdSink : public Sink {
 public:
  /// `name`: of the file, for errors.
  FdSink(int fd, std::string name);
  FdSink(const FdSink&) = delete;
  FdSink& operator=(const FdSink&) = delete;
  ~FdSink() override;

  Status write(Bytes piece) override;

 private:
  void reserve(std::uint64_t bytes);

  int fd_;
  std::string name_;
  bool reserves_ = false;
  std::uint64_t end_ = 0;       // of the file
  std::uint64_t reserved_ = 0;  // up to where it has disk space
};

}  // namespace caprock::exporting
