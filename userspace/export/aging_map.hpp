// SPDX-License-Identifier: Apache-2.0
// A map that forgets what nobody has asked for.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

namespace caprock::exporting {

/// Of two generations: age() drops what was neither put nor found since the age() before.
template <class Key, class Value>
class AgingMap {
 public:
  void put(const Key& key, Value value) { young_.insert_or_assign(key, std::move(value)); }

  void erase(const Key& key) {
    young_.erase(key);
    old_.erase(key);
  }

  /// Null: there is none. Valid until the next age(), put() or erase() of the key.
  const Value* find(const Key& key) {
    if (const auto young = young_.find(key); young != young_.end()) return &young->second;
    auto old = old_.extract(key);
    return old.empty() ? nullptr : &young_.insert(std::move(old)).position->second;
  }

  void age() { old_ = std::exchange(young_, {}); }

  /// Of the younger generation.
  std::size_t size() const { return young_.size(); }

 private:
  std::map<Key, Value> young_;
  std::map<Key, Value> old_;
};

}  // namespace caprock::exporting
