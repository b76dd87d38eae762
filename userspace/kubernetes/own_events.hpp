// SPDX-License-Identifier: Apache-2.0
// Those of the cluster's events that concern one node.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "kubernetes/object_sink.hpp"
#include "kubernetes/objects.hpp"

namespace caprock::kubernetes {

/// Passes on what is about the node or a pod of it, or about a pod and told by the node. The
/// scheduler's event and the pod come by two connections, either first: what nobody is known for is
/// kept a moment. One thread.
class OwnEvents : public ObjectSink {
 public:
  using Clock = std::chrono::steady_clock;

  struct Calls {
    std::function<bool(const std::string& uid)> is_pod_of_node;
    std::function<void(const Event&)> tell;
    std::function<void()> synced;
  };

  OwnEvents(std::string node, Calls calls) : node_(std::move(node)), calls_(std::move(calls)) {}

  /// Tells what was kept about it.
  void pod_appeared(const std::string& uid);

  std::uint64_t told() const { return told_; }

  void list_begins() override {}
  void listed(const nlohmann::json&) override {}
  void list_ends() override { calls_.synced(); }
  void changed(const nlohmann::json& object) override;
  void gone(const nlohmann::json&) override {}  // it is its time that is over

 private:
  struct Kept {
    Clock::time_point since;
    Event event;
  };

  void tell(const Event& event);
  void keep(Event event);

  std::string node_;
  Calls calls_;
  std::deque<Kept> kept_;  // oldest first
  std::uint64_t told_ = 0;
};

}  // namespace caprock::kubernetes
