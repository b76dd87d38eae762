// SPDX-License-Identifier: Apache-2.0
// How a pod's own loopback interface is described in the record, where its name is as any other's.
#pragma once

#include <string>
#include <string_view>

namespace caprock {

inline constexpr std::string_view kPodLoopbackEnding = ", loopback";

/// `pod`: "pod shop/frontend-7c9".
inline std::string describe_pod_loopback(const std::string& pod) {
  return pod + std::string(kPodLoopbackEnding);
}

/// No other description ends so: names of Kubernetes have no comma.
inline bool is_pod_loopback(std::string_view description) {
  return description.ends_with(kPodLoopbackEnding);
}

}  // namespace caprock
