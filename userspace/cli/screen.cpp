// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "cli/command.hpp"

namespace caprock::cli {
namespace {

constexpr std::string_view kHome = "\033[H";
constexpr std::string_view kEndOfLine = "\033[K\n";  // clears what was behind it
constexpr std::string_view kEndOfPage = "\033[J";
constexpr std::string_view kHideCursor = "\033[?25l";
constexpr std::string_view kClear = "\033[2J";
constexpr char kShowCursor[] = "\033[?25h";
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

termios g_saved;  // for the handler of signals; valid while g_changed
volatile std::sig_atomic_t g_changed = 0;

/// Safe in a handler of signals.
void restore() {
  if (g_changed != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &g_saved);
  g_changed = 0;
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kShowCursor, sizeof kShowCursor - 1);
}

/// Its action is the default one again when it is called (SA_RESETHAND).
void restore_and_end(int number) {
  restore();
  ::raise(number);
}

void handle_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kSignals)
    ::sigaction(number, &action, nullptr);
}

/// Keys one by one and not shown. A stop by Ctrl-Z would leave the terminal so.
bool take_keys() {
  if (::isatty(STDIN_FILENO) != 1 || ::tcgetattr(STDIN_FILENO, &g_saved) != 0) return false;
  termios changed = g_saved;
  changed.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  changed.c_cc[VSUSP] = _POSIX_VDISABLE;
  g_changed = 1;
  return ::tcsetattr(STDIN_FILENO, TCSANOW, &changed) == 0;
}

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

std::string_view cut_line(std::string_view line, std::size_t columns) {
  std::size_t shown = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (begins_character(line[at]) && shown++ == columns) return line.substr(0, at);
  }
  return line;
}

}  // namespace

Screen::Screen() {
  handle_signals(restore_and_end);
  takes_keys_ = take_keys();
  [[maybe_unused]] const Status hidden = print(std::string(kClear) + std::string(kHideCursor));
}

Screen::~Screen() {
  restore();
  handle_signals(SIG_DFL);
}

Screen::Size Screen::size() {
  constexpr Size kUsual{24, 80};
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    return kUsual;
  return {size.ws_row, size.ws_col};
}

Status Screen::show(const std::string& page) {
  std::string text(kHome);
  for (const char byte : cut_page(page, size()))
    byte == '\n' ? text += kEndOfLine : text += byte;
  return print(text + std::string(kEndOfPage));
}

bool Screen::quits_before(std::chrono::steady_clock::time_point time) const {
  using std::chrono::milliseconds;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(time - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) return false;
    pollfd input{.fd = takes_keys_ ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0};
    if (::poll(&input, 1, static_cast<int>(left.count())) != 1) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1 || key == 'q') return true;  // or the terminal has gone
  }
}

std::string cut_page(const std::string& page, Screen::Size size) {
  std::string text;
  std::string_view rest(page);
  // The last line stays free for the cursor.
  for (std::size_t row = 1; row < size.rows && !rest.empty(); ++row) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    text += cut_line(line, size.columns);
    text += '\n';
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return text;
}

}  // namespace caprock::cli
