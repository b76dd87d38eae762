// SPDX-License-Identifier: Apache-2.0
// The operating-system layer, on and off, as a source of the recorder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/recorder.hpp"
#include "capture/packet_source.hpp"
#include "config/config.hpp"
#include "core/pod_directory.hpp"
#include "core/result.hpp"
#include "insight/event_layer.hpp"

namespace caprock::agent {

/// Control-plane thread.
class EventRecorder {
 public:
  /// Both must outlive it. `pods` says which pod a process is in.
  EventRecorder(Recorder& recorder, const PodDirectory& pods);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  /// The layer's thread fills what the recorder's lanes empty.
  ~EventRecorder();

  /// As the settings say, from here on: what was recorded by others before is whole. On an error
  /// the layer is off.
  Status set(const config::Agent& settings);

  /// All that was told so far is in the lanes when this returns.
  void stop();

  /// Empty: it is off. Where it cannot be had, each event says why.
  std::vector<insight::EventStatus> status() const;

 private:
  Recorder& recorder_;
  const PodDirectory& pods_;
  std::unique_ptr<insight::EventLayer> layer_;  // none: it is off, or cannot be had
  std::string failure_;                         // why it cannot be had
  std::vector<const capture::PacketSource*> sources_;
};

}  // namespace caprock::agent
