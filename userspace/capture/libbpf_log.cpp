// SPDX-License-Identifier: Apache-2.0
#include "capture/libbpf_log.hpp"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

namespace caprock::capture {
namespace {

constexpr std::string_view kPrefix = "libbpf: ";
constexpr std::string_view kProgram = "prog '";
constexpr std::string_view kVerifierLog = "-- BEGIN PROG LOAD LOG --\n";
constexpr std::string_view kVerifierLogEnd = "-- END PROG LOAD LOG --";

thread_local LibbpfLog* current = nullptr;  // libbpf's callback has no context of its own

int print(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || current == nullptr) return 0;
  va_list measured;
  va_copy(measured, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, measured);
  va_end(measured);
  std::string message(static_cast<std::size_t>(length) + 1, '\0');
  std::vsnprintf(message.data(), message.size(), format, arguments);
  message.pop_back();
  current->take(message);
  return length;
}

bool is_statistics(std::string_view line) {
  return line.empty() || line.starts_with("processed ") || line.starts_with("verification time ") ||
         line.starts_with("stack depth ");
}

}  // namespace

LibbpfLog::LibbpfLog() {
  current = this;
  libbpf_set_print(print);
}

LibbpfLog::~LibbpfLog() {
  current = nullptr;
}

std::string LibbpfLog::summary() const {
  return verifier_reason_.empty() ? first_warning_ : first_warning_ + ": " + verifier_reason_;
}

std::string LibbpfLog::program() const {
  if (!first_warning_.starts_with(kProgram)) return {};
  const auto end = first_warning_.find('\'', kProgram.size());
  return first_warning_.substr(kProgram.size(), end - kProgram.size());
}

void LibbpfLog::take(std::string_view message) {
  if (const auto log = message.find(kVerifierLog); log != std::string_view::npos) {
    const std::string_view text = message.substr(log + kVerifierLog.size());
    verifier_reason_ = verifier_reason(text.substr(0, text.find(kVerifierLogEnd)));
  } else if (first_warning_.empty()) {
    if (message.starts_with(kPrefix)) message.remove_prefix(kPrefix.size());
    first_warning_ = message.substr(0, message.find('\n'));
  }
}

std::string_view verifier_reason(std::string_view log) {
  while (!log.empty()) {
    const auto end = log.find_last_not_of('\n') + 1;  // npos + 1 is 0
    log = log.substr(0, end);
    const std::string_view line = log.substr(log.rfind('\n') + 1);
    if (!is_statistics(line)) return line;
    log.remove_suffix(line.size());
  }
  return {};
}

}  // namespace caprock::capture
