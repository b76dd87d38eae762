// SPDX-License-Identifier: Apache-2.0
// What users call the events of the Kubernetes layer: in the record and in the status.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace caprock::kubernetes {

/// Those up to kNamespace say what is there: told at the start and with every inventory.
enum class EntryType : std::size_t {
  kBegin,
  kEnd,
  kInventory,
  kPod,
  kService,
  kNode,
  kNamespace,
  kPodScheduled,
  kPodAddress,
  kPodReady,
  kPodNotReady,
  kPodCompleted,
  kPodFailed,
  kPodEvicted,
  kPodEvicting,
  kPodDeleting,
  kPodRemoved,
  kContainerStarted,
  kContainerWaiting,
  kContainerEnded,
  kContainerRestarted,
  kEvent,
  kServiceCreated,
  kServiceChanged,
  kServiceRemoved,
  kEndpointReady,
  kEndpointGone,
  kNodeChanged,
  kNodeCondition,
  kNodeCordoned,
  kNodeUncordoned,
  kNamespaceCreated,
  kNamespaceRemoved
};

/// By EntryType.
inline constexpr std::array kEntryNames = std::to_array<std::string_view>({"begin",
                                                                           "end",
                                                                           "inventory",
                                                                           "pod",
                                                                           "service",
                                                                           "node",
                                                                           "namespace",
                                                                           "pod-scheduled",
                                                                           "pod-address",
                                                                           "pod-ready",
                                                                           "pod-not-ready",
                                                                           "pod-completed",
                                                                           "pod-failed",
                                                                           "pod-evicted",
                                                                           "pod-evicting",
                                                                           "pod-deleting",
                                                                           "pod-removed",
                                                                           "container-started",
                                                                           "container-waiting",
                                                                           "container-ended",
                                                                           "container-restarted",
                                                                           "event",
                                                                           "service-created",
                                                                           "service-changed",
                                                                           "service-removed",
                                                                           "endpoint-ready",
                                                                           "endpoint-gone",
                                                                           "node-changed",
                                                                           "node-condition",
                                                                           "node-cordoned",
                                                                           "node-uncordoned",
                                                                           "namespace-created",
                                                                           "namespace-removed"});

inline constexpr std::size_t kEntryTypes = kEntryNames.size();
static_assert(kEntryTypes == static_cast<std::size_t>(EntryType::kNamespaceRemoved) + 1);

inline constexpr std::string_view name_of(EntryType type) {
  return kEntryNames[static_cast<std::size_t>(type)];
}

}  // namespace caprock::kubernetes
