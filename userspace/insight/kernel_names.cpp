// SPDX-License-Identifier: Apache-2.0
#include "insight/kernel_names.hpp"

#include <bpf/btf.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace caprock::insight {
namespace {

/// Of an enumeration; the names without their prefix.
std::map<std::uint32_t, std::string> read_reasons(const btf* types, const char* enumeration,
                                                  std::string_view prefix) {
  std::map<std::uint32_t, std::string> reasons;
  const int id = btf__find_by_name_kind(types, enumeration, BTF_KIND_ENUM);
  if (id < 0) return reasons;
  const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
  const struct btf_enum* values = ::btf_enum(type);
  for (unsigned i = 0; i < btf_vlen(type); ++i) {
    std::string_view name = btf__name_by_offset(types, values[i].name_off);
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    reasons.emplace(static_cast<std::uint32_t>(values[i].val), name);
  }
  return reasons;
}

std::string name_of(const std::map<std::uint32_t, std::string>& reasons, std::uint32_t reason) {
  const auto found = reasons.find(reason);
  if (found != reasons.end()) return found->second;
  return reason == 0 ? std::string() : fmt::format("reason {}", reason);
}

}  // namespace

KernelNames KernelNames::load() {
  KernelNames names;
  names.types_ = std::shared_ptr<btf>(btf__load_vmlinux_btf(), btf__free);
  if (const btf* types = names.types_.get(); types != nullptr) {
    names.reasons_ = read_reasons(types, "skb_drop_reason", "SKB_DROP_REASON_");    // from 5.17 on
    names.reset_reasons_ = read_reasons(types, "sk_rst_reason", "SK_RST_REASON_");  // from 6.10 on
  }
  names.read_functions();
  names.read_modules();
  return names;
}

/// Addresses are all 0 where they are hidden.
void KernelNames::read_functions() {
  std::ifstream file("/proc/kallsyms");
  std::string address, kind, name, rest;
  while (file >> address >> kind >> name && std::getline(file, rest)) {
    if (kind != "t" && kind != "T") continue;
    const std::uint64_t begin = std::stoull(address, nullptr, 16);
    if (begin == 0) break;
    if (name == "_stext") texts_.push_back({begin, begin});
    if (name == "_etext" && !texts_.empty()) texts_.front().end = begin;
    functions_.push_back({begin, static_cast<std::uint32_t>(names_.size()),
                          static_cast<std::uint32_t>(name.size())});
    names_ += name;
  }
  std::ranges::sort(functions_, {}, &Function::begin);
}

std::string KernelNames::drop_reason(std::uint32_t reason) const {
  return name_of(reasons_, reason);
}

std::string KernelNames::reset_reason(std::uint32_t reason) const {
  return name_of(reset_reasons_, reason);
}

/// proc(5): name, size, users, who they are, state, address.
void KernelNames::read_modules() {
  std::ifstream file("/proc/modules");
  std::string name, users, who, state, address, rest;
  std::uint64_t bytes = 0;
  while (file >> name >> bytes >> users >> who >> state >> address && std::getline(file, rest)) {
    const std::uint64_t begin = std::stoull(address, nullptr, 16);
    if (begin != 0) texts_.push_back({begin, begin + bytes});
  }
}

std::uint32_t KernelNames::drop_reason_number(std::string_view name) const {
  const auto found =
      std::ranges::find(reasons_, name, [](const auto& reason) { return reason.second; });
  return found == reasons_.end() ? 0 : found->first;
}

/// Of modules that came later nothing is known.
std::string KernelNames::function_at(std::uint64_t address) const {
  const bool known = std::ranges::any_of(
      texts_, [address](const Text& text) { return address >= text.begin && address < text.end; });
  if (!known) return {};
  const auto after = std::ranges::upper_bound(functions_, address, {}, &Function::begin);
  if (after == functions_.begin()) return {};
  const Function& function = *std::prev(after);
  return names_.substr(function.name, function.length);
}

std::pair<std::uint64_t, std::uint64_t> KernelNames::text_of(std::string_view function) const {
  const auto found = std::ranges::find_if(functions_, [&](const Function& one) {
    return std::string_view(names_).substr(one.name, one.length) == function;
  });
  if (found == functions_.end()) return {};
  const auto next = std::ranges::upper_bound(functions_, found->begin, {}, &Function::begin);
  return next == functions_.end() ? std::pair<std::uint64_t, std::uint64_t>{}
                                  : std::pair{found->begin, next->begin};
}

/// The type of its programs: the first argument is the tracepoint's own. Null: there is none.
const btf_type* KernelNames::tracepoint(const std::string& name) const {
  if (!types_) return nullptr;
  const std::string type_name = "btf_trace_" + name;
  const int id = btf__find_by_name_kind(types_.get(), type_name.c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return nullptr;
  const btf_type* const alias = btf__type_by_id(types_.get(), static_cast<__u32>(id));
  const btf_type* const pointer = btf__type_by_id(types_.get(), alias->type);
  return btf__type_by_id(types_.get(), pointer->type);
}

bool KernelNames::has_function(const std::string& name) const {
  return types_ && btf__find_by_name_kind(types_.get(), name.c_str(), BTF_KIND_FUNC) >= 0;
}

std::optional<unsigned> KernelNames::tracepoint_arguments(const std::string& name) const {
  const btf_type* const function = tracepoint(name);
  if (function == nullptr) return std::nullopt;
  return btf_vlen(function) - 1;
}

bool KernelNames::tracepoint_gives_structure(const std::string& name) const {
  const btf_type* const function = tracepoint(name);
  if (function == nullptr || btf_vlen(function) < 2) return false;
  return btf_is_ptr(btf__type_by_id(types_.get(), btf_params(function)[1].type));
}

}  // namespace caprock::insight
