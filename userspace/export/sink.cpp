// SPDX-License-Identifier: Apache-2.0
#include "export/sink.hpp"

#include <unistd.h>

#include <cerrno>

namespace caprock::exporting {

Status FdSink::write(Bytes piece) {
  while (!piece.empty()) {
    const ssize_t written = ::write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error::from_errno("write the export");
    piece = piece.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace caprock::exporting
