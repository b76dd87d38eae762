// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "agent/run.hpp"
#include "capture/device_attachment.hpp"
#include "capture/device_monitor.hpp"
#include "capture/pin_lock.hpp"
#include "capture/pinned_generation.hpp"
#include "capture/pins.hpp"
#include "capture/promiscuous_mode.hpp"
#include "capture/sources.hpp"
#include "config/config.hpp"
#include "core/log.hpp"
#include "core/quantity.hpp"
#include "store/ring_lock.hpp"

namespace caprock::agent {
namespace {

std::uint64_t waiting_bytes(const std::filesystem::path& directory) {
  const auto generation = capture::PinnedGeneration::open(directory);
  if (!generation) return 0;
  const auto sources = capture::make_sources(*generation);
  std::uint64_t bytes = 0;
  if (sources) {
    for (const auto& source : *sources)
      bytes += source->used_bytes();
  }
  return bytes;
}

void remove_directory(const std::filesystem::path& directory) {
  capture::remove_generation(directory);
  log_info(fmt::format("removed {}", directory.native()));
}

void give_up(const std::filesystem::path& directory) {
  if (const std::uint64_t bytes = waiting_bytes(directory); bytes != 0)
    log_warning(fmt::format("{} that no agent has written are given up", format_size(bytes)));
  remove_directory(directory);
}

/// Filters as well as links: those stay on a device without a pin.
Status detach_all(const std::filesystem::path& pin_directory) {
  const auto devices = capture::read_devices();
  if (!devices) return devices.error();
  return capture::remove_leftovers(
      *devices, {}, {.tc = capture::TcFlavour::kClsact, .pin_directory = pin_directory});
}

}  // namespace

Status uninstall(const Options& options) {
  const auto loaded = config::load(options.config_file, options.sets);
  if (!loaded) return loaded.error();
  const config::Agent& agent = loaded->config.agent;
  std::optional<store::RingLock> lock;
  if (std::filesystem::exists(agent.data_dir)) {
    auto acquired = store::RingLock::acquire(agent.data_dir / "ring.pcapng");
    if (!acquired) return std::move(acquired).error();
    lock.emplace(std::move(*acquired));
  }
  std::optional<capture::PinLock> pins;
  if (std::filesystem::exists(agent.pin_dir)) {
    auto acquired = capture::PinLock::acquire(agent.pin_dir, {});
    if (!acquired) return std::move(acquired).error();
    pins.emplace(*std::move(acquired));
  }
  if (auto detached = detach_all(agent.pin_dir); !detached) return detached;
  if (auto ended = capture::end_promiscuous_modes(agent.pin_dir, {}); !ended) return ended;
  for (const auto& directory : capture::foreign_generation_directories(agent.pin_dir))
    remove_directory(directory);
  for (const auto& directory : capture::old_generation_directories(agent.pin_dir))
    give_up(directory);
  if (const auto present = capture::generation_directory(agent.pin_dir);
      std::filesystem::exists(present)) {
    give_up(present);
  }
  ::rmdir(agent.pin_dir.c_str());
  return {};
}

}  // namespace caprock::agent
