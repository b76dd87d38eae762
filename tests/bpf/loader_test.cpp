// SPDX-License-Identifier: Apache-2.0
// The loaded object as the agent and an operator with bpftool find it.
#include <bpf/bpf.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "abi/counters.h"
#include "abi/filter.h"
#include "abi/generation.h"
#include "abi/stage.h"

#include "capture/libbpf_log.hpp"
#include "capture/pinned_generation.hpp"
#include "capture/pins.hpp"
#include "core/fd.hpp"
#include "rig.hpp"

namespace caprock::test {
namespace {

using capture::LoadOptions;
using capture::Programs;
using capture::Transport;

bpf_map_info map_info(int fd) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  REQUIRE(bpf_map_get_info_by_fd(fd, &info, &size) == 0);
  return info;
}

struct MapType {
  const char* name;
  std::size_t key_bytes;
  std::size_t value_bytes;
};

/// A BPF file system of the test's own.
class BpfMount {
 public:
  BpfMount() {
    char name[] = "/tmp/caprock-bpf-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
    REQUIRE(::mount("bpf", path_.c_str(), "bpf", 0, nullptr) == 0);
  }
  BpfMount(const BpfMount&) = delete;
  BpfMount& operator=(const BpfMount&) = delete;
  ~BpfMount() {
    ::umount(path_.c_str());
    ::rmdir(path_.c_str());
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

LoadOptions with_pins(Transport transport, const std::filesystem::path& directory) {
  return {.transport = transport, .stage_bytes = 0, .xdp = true, .pin_directory = directory};
}

}  // namespace

TEST_CASE("loader: keys and values of the maps are as long as both worlds think, and have BTF") {
  const MapType map = GENERATE(
      MapType{"stage_head", 4, sizeof(stage_head)}, MapType{"stage_tail", 4, sizeof(stage_tail)},
      MapType{"counters", 4, sizeof(capture_counters)},
      MapType{"settings", 4, sizeof(capture_settings)},
      MapType{"if_policy", 4, sizeof(interface_policy)},
      MapType{"if_policy_low", 4, sizeof(interface_policy)},
      MapType{"addr4", 4, sizeof(address_verdict)},
      MapType{"addr6", sizeof(addr6_key), sizeof(address_verdict)},
      MapType{"cidr4", sizeof(cidr4_key), sizeof(address_verdict)},
      MapType{"cidr6", sizeof(cidr6_key), sizeof(address_verdict)},
      MapType{"ports", 2, sizeof(port_verdict)},
      MapType{"generation", 4, sizeof(capture_generation)},
      MapType{"ring_base", 4, sizeof(ring_base)}, MapType{"if_record", 4, sizeof(interface_record)},
      MapType{"own_endpoint", sizeof(endpoint_key), 1}, MapType{"translated", sizeof(link_flow), 4},
      MapType{"pod_ends", sizeof(pod_end), 4});
  Rig& rig = Rig::fresh(Transport::kStage);
  INFO(map.name);
  const bpf_map_info info = map_info(rig.programs().map_fd(map.name));
  CHECK(info.key_size == map.key_bytes);
  CHECK(info.value_size == map.value_bytes);
  CHECK(info.btf_value_type_id != 0);
  CHECK(std::string(info.name) == map.name);
}

TEST_CASE("loader: only the maps of the chosen transport exist") {
  CHECK(Rig::fresh(Transport::kStage).programs().map_fd("rings") == -1);
  CHECK(Rig::fresh(Transport::kStage).programs().map_fd("stage") >= 0);
  CHECK(Rig::fresh(Transport::kRingBuffer).programs().map_fd("stage") == -1);
  CHECK(Rig::fresh(Transport::kRingBuffer).programs().map_fd("rings") >= 0);
}

TEST_CASE("loader: the stage is as its geometry says") {
  Rig& rig = Rig::fresh(Transport::kStage);
  const auto& geometry = rig.programs().geometry();
  const bpf_map_info stage = map_info(rig.programs().map_fd("stage"));
  CHECK(stage.value_size == geometry.segment_bytes());
  CHECK(stage.max_entries == geometry.cpus * geometry.segments);
  CHECK(stage.map_flags & BPF_F_MMAPABLE);
}

TEST_CASE("loader: without XDP its program is left out") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  auto programs = Programs::load(
      {.transport = Transport::kStage, .stage_bytes = 0, .xdp = false, .pin_directory = {}});
  REQUIRE(programs);
  CHECK((*programs)->xdp_fd() == -1);
  CHECK((*programs)->tc_ingress_fd() >= 0);
}

TEST_CASE("loader: programs and maps are pinned under their names until the object is gone") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const Transport transport = GENERATE(Transport::kStage, Transport::kRingBuffer);
  const BpfMount bpffs;
  const auto directory = bpffs.path() / "caprock";
  {
    auto programs = Programs::load(with_pins(transport, directory));
    REQUIRE(programs);
    for (const char* name :
         {"tc_ingress", "tc_egress", "capture_xdp", "counters", "settings", "wake", "generation"}) {
      INFO(name);
      const Fd pin(bpf_obj_get((directory / "v1" / name).c_str()));
      CHECK(pin);
    }
    CHECK(std::filesystem::exists(directory / "v1/stage") == (transport == Transport::kStage));
    struct stat status {};
    REQUIRE(::stat(directory.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK(!std::filesystem::exists(directory));
}

/// Loads with pins and leaves them; the instance of what was loaded.
std::uint64_t leave_pins(const LoadOptions& options) {
  auto programs = Programs::load(options);
  REQUIRE(programs);
  (*programs)->keep_pins();
  return (*programs)->instance();
}

TEST_CASE("loader: maps that were left pinned are gone on with") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const Transport transport = GENERATE(Transport::kStage, Transport::kRingBuffer);
  const BpfMount bpffs;
  const auto directory = bpffs.path() / "caprock";
  const LoadOptions options = with_pins(transport, directory);
  const std::uint64_t instance = leave_pins(options);
  const Fd counters(bpf_obj_get((directory / "v1/counters").c_str()));
  REQUIRE(counters);
  auto programs = Programs::load(options);
  REQUIRE(programs);
  CHECK((*programs)->adopted());
  CHECK((*programs)->instance() == instance);
  CHECK(map_info((*programs)->map_fd("counters")).id == map_info(counters.get()).id);
  (*programs)->remove_pins();
  programs->reset();
  CHECK(!std::filesystem::exists(directory));
}

TEST_CASE("loader: maps that do not fit are set aside, with what they hold") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const BpfMount bpffs;
  const auto directory = bpffs.path() / "caprock";
  LoadOptions options = with_pins(Transport::kStage, directory);
  const std::uint64_t instance = leave_pins(options);
  SECTION("another size") {
    options.stage_bytes = 64u << 20;
  }
  SECTION("another transport") {
    options.transport = Transport::kRingBuffer;
  }
  auto programs = Programs::load(options);
  REQUIRE(programs);
  CHECK_FALSE((*programs)->adopted());
  CHECK((*programs)->instance() != instance);
  const auto old = capture::old_generation_directories(directory);
  REQUIRE(old.size() == 1);
  const auto pinned = capture::PinnedGeneration::open(old.front());
  REQUIRE(pinned);
  CHECK(pinned->instance() == instance);
  CHECK(pinned->transport() == Transport::kStage);
  CHECK(pinned->geometry().cpu_bytes() == 8u << 20);
  capture::remove_generation(old.front());
}

TEST_CASE("loader: pins that are not whole are replaced") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const BpfMount bpffs;
  const auto directory = bpffs.path() / "caprock";
  const LoadOptions options = with_pins(Transport::kStage, directory);
  const std::uint64_t instance = leave_pins(options);
  std::filesystem::remove(directory / "v1/stage_tail");
  auto programs = Programs::load(options);
  REQUIRE(programs);
  CHECK_FALSE((*programs)->adopted());
  CHECK((*programs)->instance() != instance);
  CHECK(capture::old_generation_directories(directory).empty());
}

TEST_CASE("loader: a pin directory is one agent's") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const BpfMount bpffs;
  const auto directory = bpffs.path() / "caprock";
  const auto first = Programs::load(with_pins(Transport::kStage, directory));
  REQUIRE(first);
  const auto second = Programs::load(with_pins(Transport::kStage, directory));
  REQUIRE(!second);
  CHECK(second.error().message().starts_with("another agent has its programs in "));
}

TEST_CASE("loader: a pin directory outside a BPF file system is refused with the remedy") {
  if (::geteuid() != 0) SKIP("loading BPF programs needs root");
  const auto programs = Programs::load(with_pins(Transport::kStage, "/tmp/caprock-no-bpffs"));
  REQUIRE(!programs);
  CHECK(programs.error().message() ==
        "/tmp/caprock-no-bpffs is not in a BPF file system; mount one: mount -t bpf bpf /tmp");
  CHECK(!std::filesystem::exists("/tmp/caprock-no-bpffs"));
}

TEST_CASE("loader: of a verifier's log the line counts that says why") {
  CHECK(capture::verifier_reason(
            "0: R1=ctx()\n1: (79) r0 = *(u64 *)(r1 +0)\ninvalid bpf_context access off=0 size=8\n"
            "verification time 5 usec\nstack depth 0\nprocessed 2 insns (limit 1000000)\n") ==
        "invalid bpf_context access off=0 size=8");
  CHECK(capture::verifier_reason("processed 2 insns\n").empty());
  CHECK(capture::verifier_reason("").empty());
}

}  // namespace caprock::test
