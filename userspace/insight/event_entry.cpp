// SPDX-License-Identifier: Apache-2.0
#include "insight/event_entry.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/os_event_names.hpp"
#include "core/printable_text.hpp"
#include "insight/process_text.hpp"
#include "pcapng/note.hpp"

namespace caprock::insight {
namespace {

using pcapng::JournalField;
using pcapng::Priority;

/// What a message is made of, and the fields behind it.
class Entry {
 public:
  Entry(const os_event& event, const EventContext& context, const KernelNames& names)
      : event_(event), context_(context), names_(names) {
    describe_task();
    if (event.flow.protocol != 0) add("CAPROCK_FLOW", flow());
    add("CAPROCK_DIRECTION", direction());
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
    if (event_.task.cgroup != 0 && !is_about_cgroup())
      add("CAPROCK_CGROUP_ID", fmt::to_string(event_.task.cgroup));
    if (event_.task.network != 0) add("CAPROCK_NETNS", fmt::to_string(event_.task.network));
    add("CAPROCK_CONTAINER", context_.container.container);
    add("CAPROCK_POD_UID", context_.container.pod_uid);
    add("CAPROCK_NAMESPACE", printable_text(context_.namespace_name));
    add("CAPROCK_POD", printable_text(context_.pod));
  }

  /// Its id is that of the one that is told of.
  bool is_about_cgroup() const {
    return event_.type == OS_CGROUP_CREATED || event_.type == OS_CGROUP_REMOVED;
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
  const char* protocol() const { return event_.flow.protocol == IPPROTO_UDP ? "UDP" : "TCP"; }
  std::string flow() const { return fmt::format("{} {} > {}", protocol(), local(), remote()); }
  /// Which side opened the connection, where that is known.
  std::string direction() const {
    if (event_.flow.direction == OS_OUTBOUND) return "out";
    if (event_.flow.direction == OS_INBOUND) return "in";
    if (event_.type == OS_CONNECT || event_.type == OS_FAILED) return "out";
    if (event_.type == OS_ACCEPT) return "in";
    if (event_.type == OS_ESTABLISHED) return event_.connection.accepted != 0 ? "in" : "out";
    return {};
  }
  /// For people, who want no remote end where there is none.
  std::string flow_or_port() const {
    return event_.flow.remote_port != 0 ? flow() : fmt::format("{} {}", protocol(), local());
  }
  std::string flow_of_owner() const {
    return event_.task.pid == 0 ? flow_or_port() : fmt::format("{} of {}", flow_or_port(), who());
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
      case OS_CGROUP_CREATED:
        return say_cgroup("created");
      case OS_CGROUP_REMOVED:
        return say_cgroup("removed");
      case OS_BIND:
        message_ = fmt::format("{} is bound to {} {}", who(), protocol(), local());
        return;
      case OS_LISTEN:
        message_ = fmt::format("{} listens on {}", who(), local());
        return;
      case OS_CONNECT:
        message_ = fmt::format("{} connects to {}", who(), remote());
        return;
      case OS_ESTABLISHED:
        return say_established();
      case OS_ACCEPT:
        return say_accept();
      case OS_FAILED:
        return say_failed();
      case OS_OPEN:
        message_ = fmt::format("{} has {}", who(), flow_or_port());
        return;
      case OS_CLOSED:
        return say_closed();
      case OS_RETRANSMIT:
        say_segment("retransmission", retransmit_kind());
        return add_state();
      case OS_RESET_SENT:
        return say_segment("reset sent", names_.reset_reason(event_.segment.kind));
      case OS_RESET_RECEIVED:
        return say_segment("reset received", {});
      case OS_RTT:
        return say_rtt();
      case OS_CONGESTION:
        return say_congestion();
      case OS_ZERO_WINDOW:
        return say_segment("zero window", event_.segment.kind == OS_WINDOW_OURS
                                              ? "this side takes no more"
                                              : "the peer takes no more");
      case OS_BAD_CHECKSUM:
        priority_ = Priority::kNotice;
        message_ = fmt::format("packet with a wrong checksum: {}", flow());
        return;
      case OS_LISTEN_OVERFLOW:
        return say_listen_overflow();
      case OS_DROP:
        return say_drop();
      case OS_UDP_OVERFLOW:
        return say_udp_overflow();
      case OS_MEMORY_LIMIT:
        return say_full("memory for sockets exhausted", "pages");
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
    message_ = fmt::format("{} could not connect to {}: {}", who(), remote(), why_failed());
    if (connection.error != 0) add("ERRNO", fmt::to_string(connection.error));
    if (connection.took_ns == 0) return;
    add("CAPROCK_LATENCY_NS", fmt::to_string(connection.took_ns));
    message_ += fmt::format(" (after {})", ms(connection.took_ns));
  }

  std::string why_failed() const {
    if (event_.connection.error != 0) return error_text(event_.connection.error);
    return event_.connection.at_once != 0 ? "refused by this host, as where no local port is free"
                                          : "given up";
  }

  static std::string error_text(std::uint32_t error) {
    return std::strerror(static_cast<int>(error));  // the glibc's are the only ones we link
  }

  void say_closed() {
    const os_connection& connection = event_.connection;
    if (connection.took_ns != 0) add("CAPROCK_DURATION_NS", fmt::to_string(connection.took_ns));
    message_ = fmt::format("{} closed", flow_of_owner());
    if (event_.flow.protocol == IPPROTO_TCP) say_transfer();
    if (connection.took_ns != 0) message_ += fmt::format(", after {}", seconds(connection.took_ns));
    add_rtt(connection.srtt_us);
    if (connection.error != 0) {
      priority_ = Priority::kNotice;
      add("ERRNO", fmt::to_string(connection.error));
      message_ += ", " + error_text(connection.error);
    }
  }

  void say_transfer() {
    const os_connection& connection = event_.connection;
    add("CAPROCK_SENT_BYTES", fmt::to_string(connection.sent_bytes));
    add("CAPROCK_RECEIVED_BYTES", fmt::to_string(connection.received_bytes));
    add("CAPROCK_RETRANSMITS", fmt::to_string(connection.retransmits));
    message_ +=
        fmt::format(": {} bytes sent, {} received, {} retransmissions", connection.sent_bytes,
                    connection.received_bytes, connection.retransmits);
  }

  void add_rtt(std::uint32_t srtt_us) {
    if (srtt_us == 0) return;
    add("CAPROCK_SRTT_US", fmt::to_string(srtt_us));
    message_ += fmt::format(", round trip {}", ms(std::uint64_t{srtt_us} * 1000));
  }

  /// How the connection is doing.
  void add_state() {
    add_rtt(event_.segment.srtt_us);
    if (event_.segment.window == 0) return;
    add("CAPROCK_CWND", fmt::to_string(event_.segment.window));
    message_ += fmt::format(", congestion window {}", event_.segment.window);
  }

  void say_accept() {
    message_ = fmt::format("{} takes the connection from {} on {}", who(), remote(), local());
    const std::uint64_t waited_ns = event_.connection.took_ns;
    if (waited_ns == 0) return;
    message_ += fmt::format(" after {}", ms(waited_ns));
    add("CAPROCK_LATENCY_NS", fmt::to_string(waited_ns));
  }

  void say_cgroup(std::string_view what) {
    const os_cgroup& group = event_.group;
    const std::string path = printable_text({group.path, ::strnlen(group.path, sizeof group.path)});
    add("CAPROCK_CGROUP", path);
    add("CAPROCK_CGROUP_ID", fmt::to_string(group.id));
    message_ = fmt::format("cgroup {} {} by {}", path, what, who());
  }

  std::string_view retransmit_kind() const {
    switch (event_.segment.kind) {
      case OS_RETRANSMIT_TIMEOUT:
        return "time-out";
      case OS_RETRANSMIT_FAST:
        return "fast";
      case OS_RETRANSMIT_TAIL_PROBE:
        return "tail-loss probe";
      case OS_RETRANSMIT_SYN:
        return "SYN";
      case OS_RETRANSMIT_SYN_ACK:
        return "SYN-ACK";
    }
    return {};
  }

  void say_segment(std::string_view what, std::string_view reason) {
    priority_ = Priority::kNotice;
    add("CAPROCK_REASON", std::string(reason));
    message_ =
        fmt::format("{} on {}{}{}", what, flow_of_owner(), reason.empty() ? "" : ": ", reason);
  }

  void say_rtt() {
    message_ = flow_of_owner();
    add_state();
  }

  /// include/uapi/linux/tcp.h, enum tcp_ca_state.
  static std::string_view congestion_state(std::uint32_t state) {
    constexpr std::array<std::string_view, 5> kNames = {"open", "disorder", "CWR", "recovery",
                                                        "loss"};
    return state < kNames.size() ? kNames[state] : "unknown";
  }

  void say_congestion() {
    const std::string_view state = congestion_state(event_.segment.kind);
    add("CAPROCK_REASON", std::string(state));
    message_ = fmt::format("congestion control of {} goes from {} to {}", flow_of_owner(),
                           congestion_state(event_.segment.before), state);
    add_state();
  }

  void say_listen_overflow() {
    const os_queue& queue = event_.queue;
    const bool syn = queue.kind == OS_QUEUE_SYN;  // cookies may help then
    const std::string_view kind = syn ? "SYN backlog" : "accept queue";
    priority_ = syn ? Priority::kNotice : Priority::kWarning;
    add("CAPROCK_REASON", std::string(kind));
    message_ = fmt::format("{} of {} is full for {}", kind, who(), flow());
    add_fill("connections");
  }

  void say_full(std::string_view what, std::string_view unit) {
    priority_ = Priority::kWarning;
    message_ = fmt::format("{} of {}", what, flow_of_owner());
    add_fill(unit);
  }

  void say_udp_overflow() {
    const bool memory = event_.queue.kind == OS_QUEUE_MEMORY;
    add("CAPROCK_REASON", memory ? "memory" : "receive queue");
    say_full(memory ? "no memory for a datagram" : "receive queue full", "bytes");
  }

  void add_fill(std::string_view unit) {
    const os_queue& queue = event_.queue;
    if (queue.limit == 0) return;
    add("CAPROCK_USED", fmt::to_string(queue.used));
    add("CAPROCK_LIMIT", fmt::to_string(queue.limit));
    message_ += fmt::format(": {} of {} {}", queue.used, queue.limit, unit);
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

void write_addresses_entry(std::vector<std::byte>& out, std::uint32_t network,
                           const std::vector<std::string>& addresses, bool own,
                           std::int64_t wall_ns) {
  const std::string number = fmt::to_string(network);
  const std::string list = fmt::format("{}", fmt::join(addresses, " "));
  const std::array fields{
      JournalField{"CAPROCK_LAYER", "os"}, JournalField{"CAPROCK_EVENT", "addresses"},
      JournalField{"CAPROCK_NETNS", number}, JournalField{"CAPROCK_ADDRESSES", list},
      JournalField{"CAPROCK_OWN_NETNS", "1"}};
  pcapng::write_note(
      out, wall_ns,
      list.empty() ? fmt::format("network namespace {} has no process any more", number)
                   : fmt::format("network namespace {} has {}", number, list),
      std::span(fields).first(own ? fields.size() : fields.size() - 1), Priority::kInformation);
}

void write_border_entry(std::vector<std::byte>& out, bool begins, std::int64_t wall_ns) {
  const std::array fields{JournalField{"CAPROCK_LAYER", "os"},
                          JournalField{"CAPROCK_EVENT", begins ? "begin" : "end"}};
  pcapng::write_note(out, wall_ns,
                     fmt::format("events of the operating system are {} here on",
                                 begins ? "recorded from" : "not recorded from"),
                     fields, Priority::kInformation);
}

}  // namespace caprock::insight
