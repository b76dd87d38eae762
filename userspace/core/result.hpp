// SPDX-License-Identifier: Apache-2.0
// Errors as values: every fallible function returns Result<T>; each layer may add one line of context.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace caprock {

/// What went wrong, to what, and what to do about it: one line, without a full stop, fit for an operator's eyes.
class Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}

  /// "what: strerror(code)"; code defaults to errno.
  static Error from_errno(std::string_view what);
  static Error from_errno(std::string_view what, int code);

  /// The same error, told from one layer up: "what: message".
  Error context(std::string_view what) &&;
  Error context(std::string_view what) const&;

  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

/// A T, or the Error that kept it from being one. Reading the wrong side is a broken invariant and asserts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }

  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return !failed_; }
  Error& error() & { return error_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_{std::string()};
  bool failed_ = false;
};

using Status = Result<void>;

}  // namespace caprock
