// SPDX-License-Identifier: Apache-2.0
// A small file that is replaced now and then, by a caller who must not wait for the disk.
#pragma once

#include <filesystem>
#include <future>
#include <string>

#include <boost/asio/thread_pool.hpp>

#include "core/result.hpp"

namespace caprock::agent {

/// Writes on a thread of its own. Nothing is synced: what only spares a process that starts anew a
/// wait is not worth a flush of the disk. To be used by one thread.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path file) : file_(std::move(file)) {}
  ~FileWriter();  // what was begun is finished

  /// A text is being written.
  bool busy() const;

  /// How the last text fared, once; waits until it is written.
  Status finish();

  /// Begins to replace the file; not while it is busy, nor before the last one's finish().
  void replace(std::string text);

  const std::filesystem::path& file() const { return file_; }

 private:
  const std::filesystem::path file_;
  std::future<Status> written_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace caprock::agent
