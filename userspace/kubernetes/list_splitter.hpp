// SPDX-License-Identifier: Apache-2.0
// Takes a list of objects apart while it is being received.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"

namespace caprock::kubernetes {

/// Of {"kind":"PodList","metadata":{…},"items":[{…},{…}]} each object of "items" is handed on as
/// soon as it is whole, so that only one of them is held at a time.
class ListSplitter {
 public:
  using Taker = std::function<Status(const nlohmann::json& item)>;

  explicit ListSplitter(Taker take) : take_(std::move(take)) {}

  /// The next bytes of the list. The error is the taker's, or says what is wrong with the list.
  Status feed(std::string_view bytes);

  /// The list without its items, once all is fed.
  Result<nlohmann::json> finish() const;

 private:
  Status take_byte(char byte);
  Status close_bracket();
  void note_string(char byte);

  Taker take_;
  std::string frame_;  // what is not in items
  std::string item_;   // the one that is being received
  std::string name_;   // the last string at the list's own level
  std::size_t depth_ = 0;
  bool in_items_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace caprock::kubernetes
