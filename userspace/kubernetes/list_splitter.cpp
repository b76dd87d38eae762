// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/list_splitter.hpp"

#include "kubernetes/json_fields.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxFrameBytes = 1 << 20;
constexpr std::size_t kListDepth = 1;   // inside of the list's own braces
constexpr std::size_t kItemsDepth = 2;  // between two items

}  // namespace

Status ListSplitter::feed(std::string_view bytes) {
  for (const char byte : bytes)
    if (Status taken = take_byte(byte); !taken) return taken;
  if (item_.size() > kMaxObjectBytes) return Error("an object of the list is too long");
  if (frame_.size() > kMaxFrameBytes) return Error("the answer is no list of objects");
  return {};
}

Result<nlohmann::json> ListSplitter::finish() const {
  auto frame = nlohmann::json::parse(frame_, nullptr, false);
  if (frame.is_object()) return frame;
  return Error(depth_ == 0 ? "the list is not JSON" : "the list is cut off");
}

Status ListSplitter::take_byte(char byte) {
  const bool opens = !in_string_ && (byte == '{' || byte == '[');
  const bool closes = !in_string_ && (byte == '}' || byte == ']');
  if (in_items_ && closes && depth_ == kItemsDepth) in_items_ = false;
  const bool between = in_items_ && depth_ == kItemsDepth && !opens;
  if (!between) (in_items_ ? item_ : frame_) += byte;
  if (opens) {
    in_items_ = in_items_ || (byte == '[' && depth_ == kListDepth && name_ == "items");
    ++depth_;
  }
  if (closes) return close_bracket();
  note_string(byte);
  return {};
}

Status ListSplitter::close_bracket() {
  if (depth_ == 0) return Error("the list is not JSON");
  --depth_;
  if (!in_items_ || depth_ != kItemsDepth) return {};
  const auto item = nlohmann::json::parse(item_, nullptr, false);
  item_.clear();
  if (!item.is_object()) return Error("an object of the list is not JSON");
  return take_(item);
}

/// Follows where strings begin and end; in them brackets mean nothing.
void ListSplitter::note_string(char byte) {
  const bool quote = byte == '"' && !escaped_;
  escaped_ = in_string_ && byte == '\\' && !escaped_;
  if (quote && !in_string_ && depth_ == kListDepth) name_.clear();
  if (in_string_ && !quote && depth_ == kListDepth) name_ += byte;
  if (quote) in_string_ = !in_string_;
}

}  // namespace caprock::kubernetes
