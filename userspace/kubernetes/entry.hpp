// SPDX-License-Identifier: Apache-2.0
// Entries of the Kubernetes layer in the making: docs/formats/kubernetes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kubernetes/entry_limiter.hpp"
#include "kubernetes/entry_types.hpp"
#include "pcapng/note.hpp"

namespace caprock::kubernetes {

/// All texts may come from outside: they are made printable, and cut at 1024 bytes.
class Entry {
 public:
  explicit Entry(EntryType type, pcapng::Priority priority = pcapng::Priority::kInformation)
      : type_(type), priority_(priority) {}

  /// Empty ones are left out.
  Entry& field(std::string_view name, std::string_view value);
  Entry& say(std::string_view message);

  EntryType type() const { return type_; }
  void write(std::vector<std::byte>& out, std::int64_t wall_ns) const;

 private:
  EntryType type_;
  pcapng::Priority priority_;
  std::string message_;
  std::vector<std::pair<std::string_view, std::string>> fields_;
};

/// Appends entries of one moment, as far as they are admitted. What it is given must outlive it.
class EntryWriter {
 public:
  EntryWriter(std::vector<std::byte>& out, EntryLimiter& limiter, std::int64_t wall_ns)
      : out_(out), limiter_(limiter), wall_ns_(wall_ns) {}

  void add(const Entry& entry) {
    if (limiter_.admit(entry.type(), wall_ns_)) entry.write(out_, wall_ns_);
  }

  std::vector<std::byte>& out() { return out_; }

 private:
  std::vector<std::byte>& out_;
  EntryLimiter& limiter_;
  std::int64_t wall_ns_;
};

}  // namespace caprock::kubernetes
