// SPDX-License-Identifier: Apache-2.0
#include "agent/mirror_ports.hpp"

#include <algorithm>
#include <utility>

#include "abi/mirror.h"

namespace caprock::agent {

std::uint8_t MirrorPorts::acquire() {
  for (std::uint8_t number = 1; number < CAPROCK_MIRROR_PORTS; ++number) {
    if (taken_.insert(number).second) return number;
  }
  return 0;
}

Status MirrorPorts::open(std::uint8_t number, const capture::Device& device,
                         std::uint32_t interface_id) {
  if (number == 0) return Error("through the stage: too many mirror ports for all to have sockets");
  auto port = capture::MirrorPort::open(recorder_->programs(), recorder_->counters().mirror(),
                                        {.device = device,
                                         .interface_id = interface_id,
                                         .number = number,
                                         .memory_bytes = memory_bytes_,
                                         .busy_poll = busy_poll_});
  auto sources = recorder_->add_sources(port.take_sources());
  port.connect();
  const std::string note = port.note();
  open_.emplace(number, Open{std::move(port), {interface_id}, std::move(sources)});
  return note.empty() ? Status() : Error(note);
}

void MirrorPorts::renamed(std::uint8_t number, std::uint32_t interface_id) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  auto& ids = found->second.interface_ids;
  if (std::ranges::find(ids, interface_id) == ids.end()) ids.push_back(interface_id);
}

void MirrorPorts::close(std::uint8_t number) {
  auto closing = open_.extract(number);
  if (!closing) return;
  closing.mapped().port.disconnect();
  recorder_->finish_sources(closing.mapped().sources);
  recorder_->tell_redirected_losses(closing.mapped().interface_ids);
}

std::string MirrorPorts::mode(std::uint8_t number) const {
  const auto found = open_.find(number);
  return found == open_.end() ? std::string() : found->second.port.mode();
}

}  // namespace caprock::agent
