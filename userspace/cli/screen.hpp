// SPDX-License-Identifier: Apache-2.0
// A terminal that shows one page after another in the same place, and takes keys at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "core/result.hpp"

namespace caprock::cli {

/// Standard output, a terminal, and standard input where it is one, too. While there is one (there
/// is one at a time), keys are not echoed; the terminal is as it was again when it goes, and when
/// the process is ended by a signal. The page shown last stays.
class Screen {
 public:
  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  struct Size {
    std::size_t rows;
    std::size_t columns;
  };
  static Size size();

  /// In place of the page before; what does not fit is left out.
  static Status show(const std::string& page);

  /// Until the time is there, or, and then true, somebody presses q.
  bool quits_before(std::chrono::steady_clock::time_point time) const;

 private:
  bool takes_keys_;
};

/// So many lines of so many columns of a UTF-8 text, each character taken as one column wide.
std::string cut_page(const std::string& page, Screen::Size size);

}  // namespace caprock::cli
