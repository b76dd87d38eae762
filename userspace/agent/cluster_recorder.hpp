// SPDX-License-Identifier: Apache-2.0
// The Kubernetes layer, as a source of the recorder; and which pod is whose, for the layer of the
// operating system.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agent/recorder.hpp"
#include "capture/block_queue.hpp"
#include "capture/packet_source.hpp"
#include "core/pod_directory.hpp"
#include "kubernetes/cluster_journal.hpp"
#include "kubernetes/cluster_watch.hpp"

namespace caprock::agent {

/// Control-plane thread.
class ClusterRecorder final : public kubernetes::ClusterListener {
 public:
  /// What the watch knows; asked within the calls below.
  using View = std::function<kubernetes::ClusterView()>;

  /// Both must outlive it; start() and stop() lie within their lives.
  ClusterRecorder(Recorder& recorder, PodDirectory& pods) : recorder_(recorder), pods_(pods) {}
  ClusterRecorder(const ClusterRecorder&) = delete;
  ClusterRecorder& operator=(const ClusterRecorder&) = delete;
  ~ClusterRecorder() override { stop(); }

  /// From here on what it is told goes into the record. All that is known is told again once the
  /// first list of pods is complete, and every `inventory_interval_ns`, unless that is 0.
  void start(View view, std::int64_t inventory_interval_ns);
  void set_inventory_interval(std::int64_t inventory_interval_ns);

  /// All that was told so far is in the lanes when this returns. What it is told while it is
  /// stopped is passed over, but for the directory.
  void stop();

  /// What is to be told now and then: call it about once a second.
  void tick();

  /// Empty: it is stopped.
  std::vector<kubernetes::EntryStatus> status() const;

  void on_pod(const kubernetes::Pod* before, const kubernetes::Pod* after) override;
  void on_service(const kubernetes::Service* before, const kubernetes::Service* after) override;
  void on_namespace(const kubernetes::Namespace* before,
                    const kubernetes::Namespace* after) override;
  void on_node(const kubernetes::Node* before, const kubernetes::Node* after) override;
  void on_event(const kubernetes::Event& event) override;
  void on_synced(kubernetes::Resource resource) override;

 private:
  using Blocks = kubernetes::ClusterJournal::Blocks;

  void take_inventory();
  template <class Write>
  void tell(Write write);

  Recorder& recorder_;
  PodDirectory& pods_;
  View view_;
  kubernetes::ClusterJournal journal_;
  capture::BlockQueue* queue_ = nullptr;  // the recorder's; null: stopped
  std::vector<const capture::PacketSource*> sources_;
  std::int64_t inventory_interval_ns_ = 0;
  std::int64_t last_inventory_ns_ = 0;  // monotonic time
};

}  // namespace caprock::agent
