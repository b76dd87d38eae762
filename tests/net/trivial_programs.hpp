// SPDX-License-Identifier: Apache-2.0
// The smallest programs that can be attached, and a Programs made of them.
#pragma once

#include "capture/programs.hpp"
#include "core/fd.hpp"

namespace caprock::test {

/// Lets every packet pass to the next program. Skips the test where BPF programs cannot be loaded.
Fd load_tc_program(const char* name);
Fd load_xdp_program(const char* name);

class TrivialPrograms final : public capture::Programs {
 public:
  int tc_ingress_fd() const override { return tc_ingress_.get(); }
  int tc_egress_fd() const override { return tc_egress_.get(); }
  int xdp_fd() const override { return xdp_.get(); }
  int mirror_fd() const override { return mirror_.get(); }
  int map_fd(std::string_view) const override { return -1; }
  capture::Transport transport() const override { return capture::Transport::kStage; }
  const capture::StageGeometry& geometry() const override { return geometry_; }
  std::uint64_t instance() const override { return 1; }
  bool adopted() const override { return false; }
  void keep_pins() override {}
  void remove_pins() override {}

 private:
  Fd tc_ingress_ = load_tc_program("tc_ingress");
  Fd tc_egress_ = load_tc_program("tc_egress");
  Fd xdp_ = load_xdp_program("capture_xdp");
  Fd mirror_ = load_xdp_program("mirror_xdp");
  capture::StageGeometry geometry_;
};

}  // namespace caprock::test
