// SPDX-License-Identifier: Apache-2.0
#include "config/key.hpp"

#include <algorithm>
#include <array>

#include "config/codecs.hpp"

namespace caprock::config {
namespace {

constexpr std::uint64_t kMinStorageBytes = 16u
                                           << 20;  // the least that the store can make a ring of
constexpr std::uint64_t kMinStageBytes =
    1u << 20;  // raised to the least per CPU when the stage is planned

/// A key that is one member of a section of Config.
template <class Codec, auto kSection, auto kMember>
constexpr Key key(std::string_view path, Effect effect, std::string_view meaning,
                  std::string_view newer = {}) {
  return {path,
          Codec::kKind,
          meaning,
          effect,
          newer,
          [](const YAML::Node& value, Config& config) -> Status {
            auto read = Codec::read(value);
            if (!read) return read.error();
            config.*kSection.*kMember = *std::move(read);
            return {};
          },
          [](const Config& config) { return Codec::print(config.*kSection.*kMember); }};
}

template <class Codec, auto kMember>
constexpr Key tap(std::string_view path, Effect effect, std::string_view meaning,
                  std::string_view newer = {}) {
  return key<Codec, &Config::tap, kMember>(path, effect, meaning, newer);
}

template <class Codec, auto kMember>
constexpr Key agent(std::string_view path, Effect effect, std::string_view meaning) {
  return key<Codec, &Config::agent, kMember>(path, effect, meaning);
}

using enum Effect;

constexpr auto kKeys = std::to_array<Key>({
    tap<Regex, &Tap::regex>("tap.regex", kLive,
                            "Pods to record, by name: those in which this is found (RE2 syntax, "
                            "not anchored). On Kubernetes; as all of tap that speaks of pods"),
    tap<Names, &Tap::namespaces>("tap.namespaces", kLive,
                                 "Namespaces whose pods are recorded; empty: all"),
    tap<Names, &Tap::excluded_namespaces>("tap.excludedNamespaces", kLive,
                                          "Namespaces left out; exclusion wins"),
    tap<Selector, &Tap::label_selector>(
        "tap.labelSelector", kLive,
        "Pods to record, by label, as kubectl -l takes it: app=web,tier in (a,b); empty: all"),
    tap<Switch, &Tap::dissection_stopped>("tap.capture.stopped", kLive,
                                          "Live dissection off (true) or on",
                                          "tap.capture.dissection.enabled"),
    tap<Duration, &Tap::dissection_stop_after>(
        "tap.capture.stopAfter", kLive, "Live dissection stops after nobody used it this long",
        "tap.capture.dissection.stopAfter"),
    tap<NegatedSwitch, &Tap::dissection_stopped>(
        "tap.capture.dissection.enabled", kLive,
        "Live dissection on (true) or off; no effect in this version"),
    tap<Duration, &Tap::dissection_stop_after>("tap.capture.dissection.stopAfter", kLive,
                                               "Live dissection stops after nobody used it this "
                                               "long; 0: never. No effect in this version"),
    tap<Switch, &Tap::raw_enabled>(
        "tap.capture.raw.enabled", kLive,
        "Record packets. false detaches the programs; the ring stays readable"),
    tap<Size<kMinStorageBytes>, &Tap::raw_storage_bytes>(
        "tap.capture.raw.storageSize", kRestart,
        "Size of the ring on disk, at least 16Mi. It may be changed between runs: the ring grows "
        "in place, shrinking drops what lies beyond. A ring keeps the segments that it began "
        "with and cannot get smaller than 16 of them: one that began with 128Mi or more keeps at "
        "least 128Mi"),
    tap<DatabaseSize, &Tap::db_max_bytes>("tap.capture.dbMaxSize", kLive,
                                          "Largest size of the database of calls; empty: the "
                                          "default. No effect in this version"),
    agent<Interfaces, &Agent::interfaces>(
        "agent.interfaces", kLive,
        "What to record on. auto: lo, devices that are up and have no lower device, and the host "
        "ends of veths; or names and globs, as [eth0, \"veth*\"]"),
    agent<InterfacePatterns, &Agent::excluded_interfaces>(
        "agent.excludedInterfaces", kLive, "Names and globs left out; exclusion wins"),
    agent<InterfacePatterns, &Agent::mirror_interfaces>(
        "agent.mirrorInterfaces", kRestart,
        "Ports given to caprock for what a switch mirrors or a TAP copies to them, as [eth2, "
        "\"span*\"]. What they receive is recorded and goes no further: the host does not see it. "
        "A port over which the host is reached, or that has an XDP program of somebody else, is "
        "recorded like any other interface, and the status says why"),
    agent<Switch, &Agent::mirror_force>(
        "agent.mirrorForce", kRestart,
        "Take mirror ports also where this host has an address on them or they belong to a bridge "
        "or bond: it is no longer reached there"),
    agent<Port, &Agent::mirror_vxlan_port>("agent.mirrorVxlanPort", kRestart,
                                           "Of what a mirror port receives in VXLAN, to this UDP "
                                           "port (usually 4789), record the packet "
                                           "inside, as clouds mirror traffic; 0: all as it comes"),
    agent<Switch, &Agent::mirror_busy_poll>(
        "agent.mirrorBusyPoll", kRestart,
        "Have the lane of a mirror port poll its receive queues instead of sleeping, so that the "
        "NIC needs no interrupts (where its napi_defer_hard_irqs and gro_flush_timeout are set): a "
        "whole core for each lane that has such queues. Linux 5.11; an older kernel goes on by "
        "interrupts, and the status says so"),
    agent<HookChoice, &Agent::hook>(
        "agent.hook", kRestart,
        "Where packets are taken: tc, both directions, or xdp, for the ingress of physical NICs "
        "(tc then only for egress). auto is tc"),
    Key{"agent.protocols",
        Protocols::kKind,
        "Protocols of the record",
        kLive,
        {},
        Protocols::read,
        Protocols::print},
    agent<Addresses, &Agent::addresses>(
        "agent.addresses", kLive,
        "Record only packets from or to these addresses and CIDRs; empty: all"),
    agent<Addresses, &Agent::excluded_addresses>(
        "agent.excludedAddresses", kLive,
        "Leave out packets from or to these addresses and CIDRs; exclusion wins"),
    agent<Ports, &Agent::ports>("agent.ports", kLive,
                                "Record only packets from or to these ports; empty: all"),
    agent<Ports, &Agent::excluded_ports>(
        "agent.excludedPorts", kLive, "Leave out packets from or to these ports; exclusion wins"),
    agent<Snaplen, &Agent::snaplen>("agent.snaplen", kLive,
                                    "Bytes of a packet that are kept at the most"),
    agent<TransportChoice, &Agent::transport>(
        "agent.transport", kRestart,
        "How packets travel from the kernel to the agent. auto is stage, which measures better"),
    agent<Size<kMinStageBytes>, &Agent::stage_bytes>(
        "agent.stageSize", kRestart,
        "Memory between kernel and agent, of all CPUs together; at least 8Mi per CPU are taken"),
    agent<Lanes, &Agent::lanes>("agent.lanes", kRestart,
                                "Worker threads that write the ring. auto: one per 8 CPUs"),
    agent<OverloadChoice, &Agent::overload>(
        "agent.overload", kLive,
        "When the stage fills: truncate shortens packets before any is lost, drop keeps them whole "
        "or loses them"),
    agent<Switch, &Agent::os_enabled>(
        "agent.os.enabled", kLive,
        "Record what the operating system does, too: processes, connections, resets, "
        "retransmissions, drops; each as a journal entry among the packets"),
    agent<OsEvents, &Agent::os_events>(
        "agent.os.events", kLive,
        "Which of them: exec, exit, oom, cgroup-created, cgroup-removed, bind, listen, connect, "
        "established, accept, failed, open, closed, retransmit, reset-sent, reset-received, rtt, "
        "congestion, zero-window, bad-checksum, listen-overflow, drop, udp-overflow, "
        "memory-limit; empty: all but rtt"),
    agent<OsLimits, &Agent::os_limits>(
        "agent.os.limits", kLive,
        "How many events of a type a CPU tells in a second, where that is to be another number "
        "than the usual one (2000; 200 of retransmissions, resets, congestion, zero windows, wrong "
        "checksums, overflows, memory limits and drops, of which one reason has half; of open "
        "all): retransmit=500. What comes beyond is counted"),
    agent<OsProbesChoice, &Agent::os_probes>(
        "agent.os.probes", kLive,
        "How to see what no tracepoint tells (bind, accept, the end of UDP sockets, listen "
        "overflows). auto: fentry, where this machine has none kprobes, where it has none of both "
        "tracepoints at each call that sends or receives; none: only the last"),
    agent<Duration, &Agent::os_inventory_interval>(
        "agent.os.inventoryInterval", kLive,
        "How often all open sockets, the addresses of network namespaces, and what is known of the "
        "Kubernetes cluster are told again, so that a ring of which the beginning is overwritten "
        "still says whose they are; 0: at the start alone"),
    agent<KubernetesChoice, &Agent::kubernetes>(
        "agent.kubernetes.enabled", kRestart,
        "Follow the pods of this node: record those that tap names, and tell of all. auto: in a "
        "pod of a cluster, or with agent.kubernetes.kubeconfig"),
    agent<Text, &Agent::kubeconfig>(
        "agent.kubernetes.kubeconfig", kRestart,
        "File that says where the API server is and who asks; empty: the service account of the "
        "pod that caprock runs in"),
    agent<Text, &Agent::kubernetes_node>(
        "agent.kubernetes.node", kRestart,
        "Name of this node in the cluster; empty: CAPROCK_NODE in the environment, else the host's "
        "name"),
    agent<Switch, &Agent::kubernetes_events>(
        "agent.kubernetes.events", kRestart,
        "Record the Events that the cluster tells about the node and its pods, too. For that the "
        "API server sends every agent those of all pods and nodes: where they are too many, false "
        "leaves them out"),
    agent<DuplicatesChoice, &Agent::duplicates>(
        "agent.duplicates", kLive,
        "Of a packet that passes several interfaces on Kubernetes. drop: it is recorded once, "
        "where "
        "it comes in (by tc, whatever agent.hook says); keep: on each"),
    agent<Switch, &Agent::pod_loopback>(
        "agent.podLoopback", kLive,
        "On Kubernetes, record the loopback of the targets, too: what the containers of a pod say "
        "to "
        "each other. For that the programs are attached inside the pods' network namespaces"),
    agent<Switch, &Agent::capture_self>("agent.captureSelf", kLive,
                                        "Record caprock's own connections too"),
    agent<OnStopChoice, &Agent::on_stop>(
        "agent.onStop", kLive,
        "What a stop leaves. keep: the programs record on into the stage, for the next agent to "
        "take "
        "over without a gap; detach: nothing. auto keeps on SIGTERM under systemd and in "
        "Kubernetes, and detaches otherwise"),
    agent<Duration, &Agent::lock_wait>(
        "agent.lockWait", kRestart,
        "How long to wait for another agent to let go of the ring; 0: not at all"),
    agent<AbsolutePath, &Agent::data_dir>(
        "agent.dataDir", kRestart,
        "Directory of the ring, ring.pcapng. Made with mode 0700; one that exists keeps its mode. "
        "Outside of /var/lib/caprock the systemd unit needs it in ReadWritePaths="),
    agent<AbsolutePath, &Agent::pin_dir>(
        "agent.pinDir", kRestart,
        "Directory on a bpffs where programs and maps stay while no agent runs"),
    agent<Listeners, &Agent::listen>(
        "agent.listen", kRestart,
        "Where clients are served: everything on a Unix socket; health, metrics and status on "
        "loopback"),
});

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}

const Key* find_key(std::string_view path) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(),
                                  [&](const Key& candidate) { return candidate.path == path; });
  return found == kKeys.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
  return std::any_of(kKeys.begin(), kKeys.end(), [&](const Key& candidate) {
    return candidate.path.starts_with(path) && candidate.path.substr(path.size()).starts_with('.');
  });
}

}  // namespace caprock::config
