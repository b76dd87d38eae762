// SPDX-License-Identifier: Apache-2.0
#include "trivial_programs.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <array>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

Fd load_program(bpf_prog_type type, const char* name, int verdict) {
  const std::array<bpf_insn, 2> instructions = {
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
               .dst_reg = BPF_REG_0,
               .src_reg = 0,
               .off = 0,
               .imm = verdict},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  Fd program(bpf_prog_load(type, name, "GPL", instructions.data(), instructions.size(), nullptr));
  if (!program) SKIP("needs root: BPF programs cannot be loaded");
  return program;
}

}  // namespace

Fd load_tc_program(const char* name) {
  return load_program(BPF_PROG_TYPE_SCHED_CLS, name, TC_ACT_UNSPEC);
}

Fd load_xdp_program(const char* name) {
  return load_program(BPF_PROG_TYPE_XDP, name, XDP_PASS);
}

}  // namespace caprock::test
