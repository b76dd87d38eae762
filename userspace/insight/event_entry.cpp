// SPDX-License-Identifier: Apache-2.0
#include "insight/event_entry.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/os_event_names.hpp"
#include "pcapng/note.hpp"

namespace caprock::insight {
namespace {

using pcapng::JournalField;
using pcapng::Priority;

/// Length of the UTF-8 character that begins here, 0: there is none. RFC 3629.
std::size_t character_bytes(const unsigned char* at, std::size_t left) {
  if (*at < 0x80) return 1;
  const std::size_t bytes = *at >= 0xf0 && *at < 0xf5 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc2 ? 2 : 0;
  if (*at >= 0xf5 || bytes > left) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  return bytes;
}

/// Control characters and what is no UTF-8 as \xNN.
std::string printable_text(std::string_view text) {
  const auto* const at = reinterpret_cast<const unsigned char*>(text.data());
  std::string printable;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t letters = character_bytes(at + i, text.size() - i);
    if (letters == 0 || at[i] < 0x20 || at[i] == 0x7f) {
      printable += fmt::format("\\x{:02x}", at[i++]);
      continue;
    }
    printable += text.substr(i, letters);
    i += letters;
  }
  return printable;
}

/// In quotes where a shell would need them.
std::string printable_argument(std::string_view argument) {
  std::string escaped;
  for (const char letter : argument) {
    if (letter == '"' || letter == '\\') escaped += '\\';
    escaped += letter;
  }
  const bool plain = !argument.empty() && argument.find_first_of(" \"'") == argument.npos;
  return plain ? printable_text(escaped) : fmt::format("\"{}\"", printable_text(escaped));
}

/// What a message is made of, and the fields behind it.
class Entry {
 public:
  Entry(const os_event& event, const EventContext& context, const KernelNames& names)
      : event_(event), context_(context), names_(names) {
    describe_task();
    if (event.flow.protocol != 0) add("CAPROCK_FLOW", flow());
    say();
  }

  void write(std::vector<std::byte>& out, std::int64_t wall_ns) const {
    std::vector<JournalField> fields{{"CAPROCK_LAYER", "os"},
                                     {"CAPROCK_EVENT", kOsEventNames[event_.type]}};
    for (const auto& [name, value] : fields_)
      fields.push_back({name, value});
    pcapng::write_note(out, wall_ns, message_, fields, priority_);
  }

 private:
  void add(std::string_view name, std::string value) {
    if (!value.empty()) fields_.emplace_back(name, std::move(value));
  }

  void describe_task() {
    if (event_.task.pid != 0) {
      add("_PID", fmt::to_string(event_.task.pid));
      add("_COMM", comm());
    }
    if (event_.task.tid != 0) {
      add("CAPROCK_TID", fmt::to_string(event_.task.tid));
      add("_UID", fmt::to_string(event_.task.uid));
    }
    if (event_.task.network != 0) add("CAPROCK_NETNS", fmt::to_string(event_.task.network));
    add("CAPROCK_CONTAINER", context_.container);
  }

  std::string comm() const {
    if (!context_.comm.empty()) return printable_text(context_.comm);
    return printable_text({event_.task.comm, ::strnlen(event_.task.comm, sizeof event_.task.comm)});
  }

  /// "curl[1234]"
  std::string who() const {
    if (event_.task.pid == 0) return "a process that is not known";
    return fmt::format("{}[{}]", comm(), event_.task.pid);
  }

  std::string local() const {
    return printable_endpoint(event_.flow.local, event_.flow.local_port);
  }
  std::string remote() const {
    return printable_endpoint(event_.flow.remote, event_.flow.remote_port);
  }
  std::string flow() const {
    const char* protocol = event_.flow.protocol == IPPROTO_UDP ? "UDP" : "TCP";
    return fmt::format("{} {} > {}", protocol, local(), remote());
  }
  std::string flow_of_owner() const {
    return event_.task.pid == 0 ? flow() : fmt::format("{} of {}", flow(), who());
  }

  static std::string ms(std::uint64_t ns) {
    return fmt::format("{:.3f} ms", static_cast<double>(ns) / 1e6);
  }
  static std::string seconds(std::uint64_t ns) {
    return fmt::format("{:.3f} s", static_cast<double>(ns) / 1e9);
  }

  void say() {
    switch (event_.type) {
      case OS_EXEC:
        return say_exec();
      case OS_EXIT:
        return say_exit();
      case OS_OOM_KILL:
        priority_ = Priority::kError;
        message_ = fmt::format("{} killed, as memory ran out", who());
        return;
      case OS_LISTEN:
        message_ = fmt::format("{} listens on {}", who(), local());
        return;
      case OS_CONNECT:
        message_ = fmt::format("{} connects to {}", who(), remote());
        return;
      case OS_ESTABLISHED:
        return say_established();
      case OS_FAILED:
        return say_failed();
      case OS_OPEN:
        message_ = fmt::format("{} has {}", who(), flow());
        return;
      case OS_CLOSED:
        return say_closed();
      case OS_RETRANSMIT:
        return say_segment("retransmission on {}");
      case OS_RESET_SENT:
        return say_segment("reset sent on {}");
      case OS_RESET_RECEIVED:
        return say_segment("reset received on {}");
      case OS_DROP:
        return say_drop();
    }
  }

  void say_exec() {
    const os_exec& exec = event_.exec;
    const std::string command = printable_command(exec.arguments, exec.arguments_bytes);
    const std::string path = printable_text({exec.path, ::strnlen(exec.path, sizeof exec.path)});
    add("_EXE", path);
    add("_CMDLINE", command);
    add("CAPROCK_PARENT_PID", fmt::to_string(exec.parent));
    message_ = fmt::format("{} started: {}", who(), command.empty() ? path : command);
  }

  void say_exit() {
    const os_exit& exit = event_.exit;
    if (exit.signal != 0) {
      priority_ = Priority::kNotice;
      add("CAPROCK_SIGNAL", fmt::to_string(exit.signal));
      message_ = fmt::format("{} killed by signal {} ({}) after {}", who(), exit.signal,
                             ::strsignal(static_cast<int>(exit.signal)), seconds(exit.lived_ns));
    } else {
      add("EXIT_STATUS", fmt::to_string(exit.code));
      message_ =
          fmt::format("{} ended with status {} after {}", who(), exit.code, seconds(exit.lived_ns));
    }
  }

  void say_established() {
    const os_connection& connection = event_.connection;
    if (connection.accepted != 0) {
      message_ = fmt::format("{} is connected from {} on {}", who(), remote(), local());
      return;
    }
    message_ = fmt::format("{} connected to {}", who(), remote());
    if (connection.took_ns != 0) {
      message_ += fmt::format(" after {}", ms(connection.took_ns));
      add("CAPROCK_LATENCY_NS", fmt::to_string(connection.took_ns));
    }
  }

  void say_failed() {
    const os_connection& connection = event_.connection;
    priority_ = Priority::kWarning;
    add("ERRNO", fmt::to_string(connection.error));
    add("CAPROCK_LATENCY_NS", fmt::to_string(connection.took_ns));
    message_ = fmt::format("{} could not connect to {}: {} (after {})", who(), remote(),
                           connection.error == 0 ? "given up" : error_text(connection.error),
                           ms(connection.took_ns));
  }

  static std::string error_text(std::uint32_t error) {
    return std::strerror(static_cast<int>(error));  // the glibc's are the only ones we link
  }

  void say_closed() {
    const os_connection& connection = event_.connection;
    if (connection.took_ns != 0) add("CAPROCK_DURATION_NS", fmt::to_string(connection.took_ns));
    add("CAPROCK_SENT_BYTES", fmt::to_string(connection.sent_bytes));
    add("CAPROCK_RECEIVED_BYTES", fmt::to_string(connection.received_bytes));
    add("CAPROCK_RETRANSMITS", fmt::to_string(connection.retransmits));
    if (connection.srtt_us != 0) add("CAPROCK_SRTT_US", fmt::to_string(connection.srtt_us));
    message_ =
        fmt::format("{} closed: {} bytes sent, {} received, {} retransmissions", flow_of_owner(),
                    connection.sent_bytes, connection.received_bytes, connection.retransmits);
    if (connection.took_ns != 0) message_ += fmt::format(", after {}", seconds(connection.took_ns));
    if (connection.srtt_us != 0)
      message_ += fmt::format(", round trip {}", ms(std::uint64_t{connection.srtt_us} * 1000));
    if (connection.error != 0) {
      priority_ = Priority::kNotice;
      add("ERRNO", fmt::to_string(connection.error));
      message_ += ", " + error_text(connection.error);
    }
  }

  void say_segment(fmt::format_string<std::string> what) {
    priority_ = Priority::kNotice;
    message_ = fmt::format(what, flow_of_owner());
  }

  void say_drop() {
    priority_ = Priority::kNotice;
    const std::string reason = names_.drop_reason(event_.drop.reason);
    const std::string place = names_.function_at(event_.drop.place);
    add("CAPROCK_REASON", reason);
    add("CAPROCK_PLACE", place);
    message_ = fmt::format("packet dropped: {}{}{}{}{}", flow(), reason.empty() ? "" : ", ", reason,
                           place.empty() ? "" : ", in ", place);
  }

  const os_event& event_;
  const EventContext& context_;
  const KernelNames& names_;
  std::vector<std::pair<std::string_view, std::string>> fields_;
  std::string message_;
  Priority priority_ = Priority::kInformation;
};

}  // namespace

void write_event_entry(std::vector<std::byte>& out, const os_event& event, std::int64_t wall_ns,
                       const EventContext& context, const KernelNames& names) {
  Entry(event, context, names).write(out, wall_ns);
}

void write_suppressed_entry(std::vector<std::byte>& out, std::uint32_t type, std::uint64_t events,
                            std::int64_t wall_ns) {
  const std::string count = fmt::to_string(events);
  const std::array fields{JournalField{"CAPROCK_LAYER", "os"},
                          JournalField{"CAPROCK_EVENT", kOsEventNames[type]},
                          JournalField{"CAPROCK_SUPPRESSED", count}};
  pcapng::write_note(out, wall_ns,
                     fmt::format("{} events \"{}\" are not in the record: more came than it takes",
                                 count, kOsEventNames[type]),
                     fields);
}

void write_skipped_entry(std::vector<std::byte>& out, const std::string& hook, std::uint64_t calls,
                         std::int64_t wall_ns) {
  const std::string count = fmt::to_string(calls);
  const std::array fields{
      JournalField{"CAPROCK_LAYER", "os"}, JournalField{"CAPROCK_EVENT", "skipped"},
      JournalField{"CAPROCK_HOOK", hook}, JournalField{"CAPROCK_SKIPPED", count}};
  pcapng::write_note(out, wall_ns,
                     fmt::format("the kernel skipped {} calls of {}, as its program was at work "
                                 "already: some may have been events",
                                 count, hook),
                     fields);
}

void write_border_entry(std::vector<std::byte>& out, bool begins, std::int64_t wall_ns) {
  const std::array fields{JournalField{"CAPROCK_LAYER", "os"},
                          JournalField{"CAPROCK_EVENT", begins ? "begin" : "end"}};
  pcapng::write_note(out, wall_ns,
                     fmt::format("events of the operating system are {} here on",
                                 begins ? "recorded from" : "not recorded from"),
                     fields, Priority::kInformation);
}

std::string printable_command(const unsigned char* arguments, std::size_t bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes;) {
    const auto* const argument = reinterpret_cast<const char*>(arguments + at);
    const std::size_t length = ::strnlen(argument, bytes - at);
    if (at != 0) text += ' ';
    text += printable_argument({argument, length});
    at += length + 1;
  }
  return text;
}

std::string printable_endpoint(const unsigned char (&address)[16], std::uint16_t port) {
  constexpr std::array<unsigned char, 12> kIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  char text[INET6_ADDRSTRLEN];
  if (std::memcmp(address, kIpv4.data(), kIpv4.size()) == 0) {
    ::inet_ntop(AF_INET, address + kIpv4.size(), text, sizeof text);
    return fmt::format("{}:{}", text, port);
  }
  ::inet_ntop(AF_INET6, address, text, sizeof text);
  return fmt::format("[{}]:{}", text, port);
}

}  // namespace caprock::insight
