// SPDX-License-Identifier: Apache-2.0
// Access to a BPF map by its descriptor, in the bytes the kernel sees.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/byte_span.hpp"
#include "core/result.hpp"

namespace caprock::capture {

using MapBytes = std::vector<std::byte>;
using MapEntries = std::map<MapBytes, MapBytes>;

/// The object representation of a key or value.
template <class T>
Bytes object_bytes(const T& value) {
  static_assert(std::has_unique_object_representations_v<T>, "padding would be part of the key");
  return std::as_bytes(std::span(&value, 1));
}

/// A hash, array or LPM trie. Does not own the descriptor. Errors name the map. Control-plane
/// thread.
class BpfMap {
 public:
  BpfMap(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}

  Status set(Bytes key, Bytes value) const;
  Status remove(Bytes key) const;  // one that is not there is no error
  Result<MapEntries> entries() const;

 private:
  std::string name_;
  int fd_;
};

}  // namespace caprock::capture
