// SPDX-License-Identifier: Apache-2.0
// What the running kernel calls its things: reasons of drops (BTF), places in its text (kallsyms).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct btf;
struct btf_type;

namespace caprock::insight {

class KernelNames {
 public:
  /// Reads both once; what cannot be read leaves numbers without names.
  static KernelNames load();

  /// "TCP_INVALID_SEQUENCE"; "reason 42" where it has no name, empty for 0.
  std::string drop_reason(std::uint32_t reason) const;

  /// The number of a reason; 0: the kernel has none of that name.
  std::uint32_t drop_reason_number(std::string_view name) const;

  /// "tcp_v4_rcv"; empty: not known, as where kernel.kptr_restrict hides it.
  std::string function_at(std::uint64_t address) const;

  /// What a reset is for ("TCP_ABORT_ON_CLOSE"), as drop_reason().
  std::string reset_reason(std::uint32_t reason) const;

  /// Whether the kernel has a function of that name of which BTF tells the arguments.
  bool has_function(const std::string& name) const;

  /// Where a function's text is: addresses of its first byte and of the one behind it. Both 0: not
  /// known.
  std::pair<std::uint64_t, std::uint64_t> text_of(std::string_view function) const;

  /// Whether the kernel tells its types (BTF).
  bool knows_types() const { return types_ != nullptr; }

  /// Whether places have names at all.
  bool knows_functions() const { return !functions_.empty(); }

  /// How many arguments the tracepoint's programs get; nothing: there is no such tracepoint.
  std::optional<unsigned> tracepoint_arguments(const std::string& name) const;

  /// Whether the tracepoint's first argument is a structure's address.
  bool tracepoint_gives_structure(const std::string& name) const;

 private:
  const btf_type* tracepoint(const std::string& name) const;

  std::shared_ptr<btf> types_;
  using Reasons = std::map<std::uint32_t, std::string>;
  Reasons reasons_;
  Reasons reset_reasons_;

  struct Function {
    std::uint64_t begin;   // address of its first byte
    std::uint32_t name;    // where in names_ it begins
    std::uint32_t length;  // of the name
  };
  struct Text {
    std::uint64_t begin;
    std::uint64_t end;
  };
  void read_functions();
  void read_modules();

  std::vector<Function> functions_;  // by address
  std::vector<Text> texts_;          // where they lie: the kernel's own first, then its modules
  std::string names_;
};

}  // namespace caprock::insight
