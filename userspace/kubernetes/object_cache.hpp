// SPDX-License-Identifier: Apache-2.0
// The objects of one resource, kept as the API server has them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "kubernetes/object_sink.hpp"

namespace caprock::kubernetes {

/// Tells each difference after it is in the cache. One thread.
template <class Object>
class ObjectCache : public ObjectSink {
 public:
  using Parse = Object (*)(const nlohmann::json&);
  using Key = std::string Object::*;

  /// `tell` gets before and after, as ClusterListener does; `synced` is called after each list.
  ObjectCache(Parse parse, Key key, std::function<void(const Object*, const Object*)> tell,
              std::function<void()> synced)
      : parse_(parse), key_(key), tell_(std::move(tell)), synced_(std::move(synced)) {}

  const std::map<std::string, Object>& objects() const { return objects_; }

  void list_begins() override { fresh_.clear(); }

  void listed(const nlohmann::json& object) override {
    Object parsed = parse_(object);
    std::string key = parsed.*key_;
    fresh_.insert_or_assign(std::move(key), std::move(parsed));
  }

  /// What is gone is told first: an address may have a new owner.
  void list_ends() override {
    auto fresh = std::exchange(fresh_, {});
    for (auto at = objects_.begin(); at != objects_.end();) {
      const auto next = std::next(at);
      if (!fresh.contains(at->first)) remove(at);
      at = next;
    }
    for (auto& [key, object] : fresh)
      put(key, std::move(object));
    synced_();
  }

  void changed(const nlohmann::json& object) override {
    Object parsed = parse_(object);
    const std::string key = parsed.*key_;
    put(key, std::move(parsed));
  }

  void gone(const nlohmann::json& object) override {
    if (const auto at = objects_.find(parse_(object).*key_); at != objects_.end()) remove(at);
  }

 private:
  void put(const std::string& key, Object object) {
    const auto [at, added] = objects_.try_emplace(key);
    if (!added && at->second == object) return;
    const Object before = std::exchange(at->second, std::move(object));
    tell_(added ? nullptr : &before, &at->second);
  }

  void remove(typename std::map<std::string, Object>::iterator at) {
    const auto node = objects_.extract(at);
    tell_(&node.mapped(), nullptr);
  }

  Parse parse_;
  Key key_;
  std::function<void(const Object*, const Object*)> tell_;
  std::function<void()> synced_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Object> fresh_;  // of a list that has not ended yet
};

}  // namespace caprock::kubernetes
