// SPDX-License-Identifier: Apache-2.0
#include "agent/config_watch.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/log.hpp"
#include "core/text_file.hpp"

namespace caprock::agent {
namespace {

constexpr auto kSettleTime = std::chrono::milliseconds(200);
constexpr std::size_t kMaxCompared = 16 << 20;  // more than a configuration may have
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE;

/// Nothing where it cannot be read: whoever loads it then says why.
std::optional<std::string> contents(const std::filesystem::path& file) {
  auto text = read_text(file, kMaxCompared);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

int watch_directory(const std::filesystem::path& directory) {
  const int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0) return -1;
  if (inotify_add_watch(fd, directory.c_str(), kEvents) >= 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

boost::asio::awaitable<void> watch_hangup(boost::asio::signal_set& hangup,
                                          std::function<void()> on_change) {
  for (;;) {
    co_await hangup.async_wait(boost::asio::use_awaitable);
    on_change();
  }
}

boost::asio::awaitable<void> watch_file(std::filesystem::path file,
                                        std::function<void()> on_change) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto directory = std::filesystem::absolute(file).parent_path();
  const int fd = watch_directory(directory);
  if (fd < 0) {
    report_error(fmt::format("{}: cannot be watched for changes; send SIGHUP after a change",
                             directory.string()));
    co_return;
  }
  boost::asio::posix::stream_descriptor events(executor, fd);
  boost::asio::steady_timer settle(executor);
  std::optional<std::string> last = contents(file);
  for (;;) {
    std::array<char, 4096> ignored;
    co_await events.async_read_some(boost::asio::buffer(ignored), boost::asio::use_awaitable);
    settle.expires_after(kSettleTime);
    co_await settle.async_wait(boost::asio::use_awaitable);
    std::optional<std::string> now = contents(file);
    if (now == last) continue;
    last = std::move(now);
    on_change();
  }
}

}  // namespace caprock::agent
