// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "config/config.hpp"
#include "temporary_file.hpp"

using namespace caprock;
using namespace caprock::config;
using caprock::test::TemporaryFile;
using namespace std::chrono_literals;

namespace {

Config loaded(std::string_view yaml) {
  const TemporaryFile file(yaml);
  const auto result = load(file.path(), {});
  if (!result) FAIL(result.error().message());
  return result->config;
}

struct Refused {
  const char* yaml;
  const char* line;  // without the file's name in front
};

struct RefusedSet {
  const char* assignment;
  const char* line;
};

}  // namespace

TEST_CASE("config: without a file the defaults hold") {
  const auto result = load("", {});
  REQUIRE(result);
  CHECK(result->config == Config{});
  CHECK(result->notes.empty());
}

TEST_CASE("config: an empty file and empty sections change nothing") {
  CHECK(loaded("") == Config{});
  CHECK(loaded("# nothing here\n") == Config{});
  CHECK(loaded("tap:\n  capture:\nagent:\n") == Config{});
}

TEST_CASE("config: every key of the tree is taken over") {
  const Config config = loaded(R"(
tap:
  regex: ^shop-.*
  namespaces: [shop, payment]
  excludedNamespaces: [kube-system]
  capture:
    dissection: { enabled: false, stopAfter: 90s }
    raw: { enabled: false, storageSize: 4Gi }
    dbMaxSize: 1G
agent:
  interfaces: [eth0, "veth*"]
  excludedInterfaces: docker0
  mirrorInterfaces: [eth2, "span*"]
  mirrorForce: true
  mirrorVxlanPort: 4789
  mirrorBusyPoll: true
  os:
    enabled: false
    events: [exec, drop]
    limits: [retransmit=500, drop=50]
    probes: kprobe
    inventoryInterval: 1h
  hook: xdp
  protocols: [udp]
  addresses: [10.0.0.0/8, "fd00::/8", 192.0.2.1]
  excludedAddresses: ["::1"]
  ports: [80, 443]
  excludedPorts: 22
  snaplen: 1500
  transport: ringbuf
  stageSize: 64Mi
  lanes: 3
  overload: drop
  captureSelf: true
  dataDir: /data
  pinDir: /sys/fs/bpf/test
  listen: ["unix:/tmp/agent.sock"]
)");
  Config wanted;
  wanted.tap = {.regex = "^shop-.*",
                .namespaces = {"shop", "payment"},
                .excluded_namespaces = {"kube-system"},
                .dissection_stopped = true,
                .dissection_stop_after = 90s,
                .raw_enabled = false,
                .raw_storage_bytes = 4ULL << 30,
                .db_max_bytes = 1'000'000'000};
  wanted.agent = {.interfaces = {"eth0", "veth*"},
                  .excluded_interfaces = {"docker0"},
                  .mirror_interfaces = {"eth2", "span*"},
                  .mirror_force = true,
                  .mirror_vxlan_port = 4789,
                  .mirror_busy_poll = true,
                  .hook = Hook::kXdp,
                  .tcp = false,
                  .udp = true,
                  .addresses = {"10.0.0.0/8", "fd00::/8", "192.0.2.1"},
                  .excluded_addresses = {"::1"},
                  .ports = {80, 443},
                  .excluded_ports = {22},
                  .snaplen = 1500,
                  .transport = Transport::kRingBuffer,
                  .stage_bytes = 64u << 20,
                  .lanes = 3,
                  .overload = Overload::kDrop,
                  .os_enabled = false,
                  .os_events = {"exec", "drop"},
                  .os_limits = {{"drop", 50}, {"retransmit", 500}},
                  .os_probes = OsProbes::kKprobe,
                  .os_inventory_interval = std::chrono::hours(1),
                  .capture_self = true,
                  .data_dir = "/data",
                  .pin_dir = "/sys/fs/bpf/test",
                  .listen = {"unix:/tmp/agent.sock"}};
  CHECK(config == wanted);
}

TEST_CASE("config: the older spelling of dissection is taken, with a note") {
  const TemporaryFile file("tap:\n  capture:\n    stopped: true\n    stopAfter: 1h\n");
  const auto result = load(file.path(), {});
  REQUIRE(result);
  CHECK(result->config.tap.dissection_stopped);
  CHECK(result->config.tap.dissection_stop_after == 1h);
  REQUIRE(result->notes.size() == 2);
  CHECK(result->notes[0] == file.path().string() +
                                ":3: tap.capture.stopped: the newer spelling is "
                                "tap.capture.dissection.enabled");
}

TEST_CASE("config: both spellings of dissection may be there when they agree") {
  const Config config = loaded("tap: {capture: {stopped: true, dissection: {enabled: false}}}");
  CHECK(config.tap.dissection_stopped);
}

TEST_CASE("config: a refusal names file, line and key, and says what would be right") {
  const auto [yaml, line] = GENERATE(values<Refused>({
      {"tap:\n  capture:\n    raw:\n      storageSise: 1Gi\n",
       ":4: tap.capture.raw.storageSise: unknown key, did you mean tap.capture.raw.storageSize?"},
      {"tap:\n  storageSize: 1Gi\n",
       ":2: tap.storageSize: unknown key, did you mean tap.capture.raw.storageSize?"},
      {"agent:\n  SNAPLEN: 100\n", ":2: agent.SNAPLEN: unknown key, did you mean agent.snaplen?"},
      {"licence: none\n", ":1: licence: unknown key; the man page caprock(1) lists them"},
      {"tap:\n  dockers: none\n",
       ":2: tap.dockers: unknown key; the man page caprock(1) lists them"},
      {"license: none\nscript: []\n",
       ":2: script: unknown key; the man page caprock(1) lists them"},
      {"tap: 5\n", ":1: tap: must be a section of keys"},
      {"[tap]\n", ":1: the file: must be a section of keys"},
      {"agent:\n  snaplen: 0\n",
       ":2: agent.snaplen: \"0\" must be a whole number from 1 to 262144"},
      {"agent:\n  snaplen: 300000\n",
       ":2: agent.snaplen: \"300000\" must be a whole number from 1 to 262144"},
      {"agent:\n  protocols: []\n",
       ":2: agent.protocols: must name a protocol, tcp or udp; to record nothing use "
       "tap.capture.raw.enabled: false"},
      {"agent:\n  protocols: [tcp, sctp]\n", ":2: agent.protocols: \"sctp\" is none of tcp, udp"},
      {"agent:\n  hook: tcx\n", ":2: agent.hook: \"tcx\" is none of auto, tc, xdp"},
      {"agent:\n  transport: ring\n",
       ":2: agent.transport: \"ring\" is none of auto, stage, ringbuf"},
      {"agent:\n  overload: [drop]\n", ":2: agent.overload: must be a single value"},
      {"agent:\n  lanes: 0\n",
       ":2: agent.lanes: \"0\" must be a whole number from 1 to 256, or auto"},
      {"agent:\n  captureSelf: maybe\n", ":2: agent.captureSelf: must be true or false"},
      {"agent:\n  ports: [80, 65536]\n", ":2: agent.ports: \"65536\" is not a port, 1 to 65535"},
      {"agent:\n  ports: {80: x}\n", ":2: agent.ports: must be a list, as [a, b]"},
      {"agent:\n  addresses: [10.0.0]\n",
       ":2: agent.addresses: \"10.0.0\" is neither an IPv4 or IPv6 address nor a CIDR"},
      {"agent:\n  addresses: [10.0.0.0/33]\n",
       ":2: agent.addresses: \"10.0.0.0/33\" must end with a prefix of /0 to /32"},
      {"agent:\n  interfaces: []\n", ":2: agent.interfaces: must name an interface, or be auto"},
      {"agent:\n  interfaces: [auto, eth0]\n",
       ":2: agent.interfaces: auto stands alone, not in a list: write it as auto, or name the "
       "interfaces"},
      {"agent:\n  interfaces: [eth0, \"[abc\"]\n",
       ":2: agent.interfaces: \"[abc\" has a [ without its ] and matches nothing: close it"},
      {"agent:\n  excludedInterfaces: \"veth[!]\"\n",
       ":2: agent.excludedInterfaces: \"veth[!]\" has a [ without its ] and matches nothing: "
       "close it"},
      {"agent:\n  mirrorInterfaces: [\"span[0\"]\n",
       ":2: agent.mirrorInterfaces: \"span[0\" has a [ without its ] and matches nothing: close "
       "it"},
      {"agent:\n  os: {events: [exec, forks]}\n",
       ":2: agent.os.events: \"forks\" is none of exec, exit, oom, cgroup-created, "},
      {"agent:\n  os: {limits: [forks=3]}\n", ":2: agent.os.limits: \"forks\" is none of exec, "},
      {"agent:\n  os: {limits: [drop]}\n",
       ":2: agent.os.limits: \"drop\" must say how many in a second, 1 to 1000000: drop=500"},
      {"agent:\n  os: {limits: [drop=0]}\n",
       ":2: agent.os.limits: \"drop=0\" must say how many in a second, 1 to 1000000: drop=500"},
      {"agent:\n  mirrorVxlanPort: 65536\n",
       ":2: agent.mirrorVxlanPort: \"65536\" must be a whole number from 0 to 65535"},
      {"agent:\n  dataDir: data\n", ":2: agent.dataDir: \"data\" must be an absolute path"},
      {"agent:\n  dataDir:\n", ":2: agent.dataDir: has no value"},
      {"agent:\n  listen: [\"0.0.0.0:8897\"]\n",
       ":2: agent.listen: \"0.0.0.0:8897\" can be reached from other hosts, which needs TLS and is "
       "not in this version; use a Unix socket or a loopback address"},
      {"agent:\n  listen: [\"localhost:8897\"]\n",
       ":2: agent.listen: \"localhost:8897\" is not an address to listen on: the part before the "
       "port must be a numeric address, IPv6 in brackets"},
      {"agent:\n  lanes: 1\n  snaplen: 9\n  lanes: 2\n",
       ":4: agent.lanes: given already (FILE:2), keep one of them"},
      {"tap:\n  regex: \"(\"\n", ":2: tap.regex: \"(\" is not a regular expression: "},
      {"tap:\n  capture:\n    raw: {storageSize: 15Mi}\n",
       ":3: tap.capture.raw.storageSize: \"15Mi\" is too small, at least 16Mi"},
      {"tap:\n  capture:\n    raw: {storageSize: 1GB}\n",
       ":3: tap.capture.raw.storageSize: \"1GB\" is not a size: unknown unit \"GB\", use Ki Mi Gi "
       "Ti Pi Ei or k M G T P E"},
      {"tap:\n  capture:\n    stopAfter: -5m\n",
       ":3: tap.capture.stopAfter: \"-5m\" must not be negative"},
      {"tap:\n  capture:\n    stopped: true\n    dissection: {enabled: true}\n",
       ":4: tap.capture.dissection.enabled: contradicts tap.capture.stopped (FILE:3), keep one of "
       "them"},
      {"tap:\n  capture:\n    dissection: {stopAfter: 1m}\n    stopAfter: 2m\n",
       ":4: tap.capture.stopAfter: contradicts tap.capture.dissection.stopAfter (FILE:3), keep one "
       "of them"},
      {"tap: [\n", ":2: not YAML: "},
  }));
  const TemporaryFile file(yaml);
  std::string wanted = line;
  if (const auto at = wanted.find("FILE"); at != wanted.npos) wanted.replace(at, 4, file.path());
  const auto result = load(file.path(), {});
  REQUIRE_FALSE(result);
  const std::string& message = result.error().message();
  CAPTURE(yaml, message);
  CHECK(message.substr(0, wanted.size() + file.path().string().size()) ==
        file.path().string() + wanted);
  CHECK(message.find('\n') == message.npos);
}

TEST_CASE(
    "config: what only Kubeshark's chart has a use for is passed over, and told in one line") {
  const TemporaryFile file(R"(
license: A1B2
scripting: {env: {TOKEN: x}, sources: []}
tap:
  docker: {registry: "registry.example:5000/shark", overrideTag: {hub: "1"}}
  regex: ^shop-
  capture: {captureSelf: true, dbMaxSize: ""}
)");
  const auto result = load(file.path(), {"tap.docker.tag=v1", "agent.snaplen=96"});
  if (!result) FAIL(result.error().message());
  Config wanted;
  wanted.tap.regex = "^shop-";
  wanted.agent.snaplen = 96;
  CHECK(result->config == wanted);
  CHECK(result->notes ==
        std::vector<std::string>{
            file.path().string() +
                ": ignored, as caprock has no use for it: license, scripting, tap.docker, "
                "tap.capture.captureSelf",
            "--set tap.docker.tag=v1: ignored, as caprock has no use for it: tap.docker.tag"});
}

TEST_CASE("config: --set takes YAML values and goes over the file, the last one wins") {
  const TemporaryFile file("agent: {snaplen: 100, ports: [22]}\n");
  const auto result = load(file.path(), {"agent.snaplen=200", "agent.ports=[80, 443]",
                                         "agent.snaplen=300", "tap.capture.raw.storageSize=4Gi"});
  REQUIRE(result);
  CHECK(result->config.agent.snaplen == 300);
  CHECK(result->config.agent.ports == std::vector<std::uint16_t>{80, 443});
  CHECK(result->config.tap.raw_storage_bytes == 4ULL << 30);
}

TEST_CASE("config: a refused --set names the assignment and what would be right") {
  const auto [assignment, line] = GENERATE(values<RefusedSet>({
      {"agent.snaplen", "--set agent.snaplen: write it as KEY=VALUE"},
      {"agent.snaplen=", "--set agent.snaplen=: agent.snaplen: has no value"},
      {"agent.snaplem=5",
       "--set agent.snaplem=5: agent.snaplem: unknown key, did you mean agent.snaplen?"},
      {"agent.lanes=x",
       "--set agent.lanes=x: agent.lanes: \"x\" must be a whole number from 1 to 256, or auto"},
      {"agent=5", "--set agent=5: agent: must be a section of keys"},
  }));
  const auto result = load("", {assignment});
  REQUIRE_FALSE(result);
  CHECK(result.error().message() == line);
}

TEST_CASE("config: globs of every form are taken") {
  for (const auto* glob : {"veth*", "eth[0-9]", "eth[!0]", "[]x]*", "[[:alpha:]]0", "\\[odd"}) {
    const auto result = load("", {fmt::format("agent.interfaces=['{}']", glob)});
    CAPTURE(glob);
    REQUIRE(result);
    CHECK(result->config.agent.interfaces == std::vector<std::string>{glob});
  }
}

TEST_CASE("config: a file that is not there is named with the reason") {
  const auto result = load("/nonexistent/caprock.yaml", {});
  REQUIRE_FALSE(result);
  CHECK(result.error().message() ==
        "/nonexistent/caprock.yaml: cannot be read: No such file or directory");
}

TEST_CASE("config: what is no regular file, or fails while it is read, is named with the reason") {
  const auto message = [](const char* file) {
    const auto result = load(file, {});
    REQUIRE_FALSE(result);
    return result.error().message();
  };
  CHECK(message("/proc/self") ==
        "/proc/self: cannot be read: it is a directory; give a regular file");
  CHECK(message("/dev/zero") ==
        "/dev/zero: cannot be read: it is not a regular file; give a regular file");
  CHECK(message("/proc/self/mem") == "/proc/self/mem: cannot be read: Input/output error");
}

TEST_CASE("config: a pipe that nobody writes to is refused and not waited for") {
  const auto pipe = std::filesystem::temp_directory_path() /
                    ("caprock-config-test-pipe-" + std::to_string(::getpid()));
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_FALSE(load(pipe, {}));
  std::filesystem::remove(pipe);
}

TEST_CASE("config: a file too long for a configuration is refused") {
  const TemporaryFile file(std::string((1 << 20) + 1, '#'));
  const auto result = load(file.path(), {});
  REQUIRE_FALSE(result);
  CHECK(result.error().message() ==
        file.path().string() + ": cannot be read: it is longer than 1048576 bytes");
}

TEST_CASE("config: a reload is told which changes need a restart") {
  Config running;
  Config wanted = running;
  wanted.agent.snaplen = 96;
  wanted.agent.ports = {443};
  CHECK(fixed_changes(running, wanted).empty());
  wanted.agent.data_dir = "/elsewhere";
  wanted.agent.lanes = 2;
  CHECK(fixed_changes(running, wanted) == std::vector<std::string>{"agent.lanes", "agent.dataDir"});
}
