// SPDX-License-Identifier: Apache-2.0
// Does to a ring what the start of an agent on this machine does to it, and what its end does; for tests, which need no root
// for that.
#include <fmt/format.h>

#include <filesystem>

#include "store/ring.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: {} RING MEBIBYTES\n", argv[0]);
    return 2;
  }
  caprock::store::RingOptions options;
  options.path = std::filesystem::absolute(argv[1]);
  options.storage_bytes = std::stoull(argv[2]) << 20;
  options.node = "recover";
  const auto ring = caprock::store::Ring::open(options);
  if (!ring) {
    fmt::print(stderr, "{}\n", ring.error().message());
    return 1;
  }
  const auto& report = (*ring)->recovery();
  fmt::print("created {}\nsealed {}\nrecovered {}\ndamaged {}\n", report.created ? 1 : 0,
             report.sealed, report.recovered, report.damaged);
  for (const auto& note : report.notes)
    fmt::print("{}\n", note);
  if (const auto closed = (*ring)->close(); !closed) {
    fmt::print(stderr, "{}\n", closed.error().message());
    return 1;
  }
  return 0;
}
