// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/bearer_token.hpp"

#include <utility>

#include "core/text_file.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxTokenBytes = 64 << 10;
constexpr std::string_view kSpace = " \t\r\n";

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  return text;
}

}  // namespace

BearerToken::BearerToken(std::string token, std::filesystem::path file,
                         std::chrono::milliseconds age)
    : token_(file.empty() ? trimmed(std::move(token)) : std::string()),
      file_(std::move(file)),
      age_(age) {}

Result<std::string> BearerToken::current() {
  const auto now = std::chrono::steady_clock::now();
  if (!file_.empty() && (token_.empty() || now - read_at_ >= age_))
    if (const Status done = read(); !done && token_.empty()) return done.error();
  return token_;
}

bool BearerToken::renew(std::string_view refused) {
  if (file_.empty()) return false;
  return token_ != refused || (read() && token_ != refused);
}

Status BearerToken::read() {
  auto text = read_text(file_, kMaxTokenBytes);
  if (!text) return text.error().context(file_.string());
  std::string token = trimmed(*std::move(text));
  if (token.empty()) return Error(file_.string() + ": holds no token");
  token_ = std::move(token);
  read_at_ = std::chrono::steady_clock::now();
  return {};
}

}  // namespace caprock::kubernetes
