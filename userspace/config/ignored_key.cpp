// SPDX-License-Identifier: Apache-2.0
// Names from helm-chart/values.yaml and README.md of github.com/kubeshark/kubeshark, of its
// versions 52 to 53.
#include "config/ignored_key.hpp"

#include <algorithm>
#include <array>

namespace caprock::config {
namespace {

constexpr auto kIgnored = std::to_array<std::string_view>({
    "aiAssistantEnabled",
    "betaEnabled",
    "cloudApiUrl",
    "cloudLicenseEnabled",
    "config",
    "demoModeEnabled",
    "dissectorsUpdatingEnabled",
    "dumpLogs",
    "headless",
    "internetConnectivity",
    "kube",
    "license",
    "logLevel",
    "logs",
    "manifests",
    "pcapdump",
    "scripting",
    "supportChatEnabled",
    "tap.annotations",
    "tap.auth",
    "tap.bpfOverride",
    "tap.capabilities",
    "tap.capture.captureSelf",
    "tap.customMacros",
    "tap.dashboard",
    "tap.debug",
    "tap.defaultFilter",
    "tap.delayedDissection",
    "tap.disableTlsLog",
    "tap.dns",
    "tap.dnsConfig",
    "tap.docker",
    "tap.dryRun",
    "tap.efsFileSytemIdAndPath",
    "tap.enabledDissectors",
    "tap.extraObjects",
    "tap.gitops",
    "tap.globalFilter",
    "tap.hostNetwork",
    "tap.ignoreTainted",
    "tap.ingress",
    "tap.ipv6",
    "tap.kernelModule",
    "tap.labels",
    "tap.liveConfigMapChangesDisabled",
    "tap.metrics",
    "tap.misc",
    "tap.mountBpf",
    "tap.networkPolicies",
    "tap.nodeSelectorTerms",
    "tap.packetCapture",
    "tap.pcap",
    "tap.persistentStorage",
    "tap.persistentStoragePvcVolumeMode",
    "tap.persistentStorageStatic",
    "tap.portMapping",
    "tap.pprof",
    "tap.priorityClass",
    "tap.probes",
    "tap.proxy",
    "tap.recordingDisabled",
    "tap.redaction",
    "tap.release",
    "tap.resourceGuard",
    "tap.resources",
    "tap.routing",
    "tap.scriptingDisabled",
    "tap.secrets",
    "tap.securityContext",
    "tap.sentry",
    "tap.serviceMesh",
    "tap.snapshots",
    "tap.stopTrafficCapturingDisabled",
    "tap.stopped",
    "tap.storageClass",
    "tap.storageLimit",
    "tap.targetedPodsUpdateDisabled",
    "tap.telemetry",
    "tap.tls",
    "tap.tolerations",
    "tap.watchdog",
    "timezone",
});
static_assert(std::ranges::is_sorted(kIgnored));

}  // namespace

std::span<const std::string_view> ignored_keys() {
  return kIgnored;
}

bool is_ignored(std::string_view path) {
  return std::ranges::any_of(kIgnored, [&](std::string_view key) {
    return path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.');
  });
}

}  // namespace caprock::config
