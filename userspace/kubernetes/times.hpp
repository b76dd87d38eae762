// SPDX-License-Identifier: Apache-2.0
// How long the client of the API server waits for what.
#pragma once

#include <chrono>

namespace caprock::kubernetes {

struct Times {
  using Ms = std::chrono::milliseconds;

  Ms connect = std::chrono::seconds(10);  // until there is a connection; the same again for TLS
  Ms answer = std::chrono::seconds(30);   // until an answer begins, and between parts of a list
  Ms watch = std::chrono::minutes(5);     // the server ends a watch after this, or up to twice it
  Ms watch_margin = std::chrono::seconds(30);  // after it a watch without a byte counts as dead
  Ms retry_least = Ms(500);                    // the pause after a failure, at first
  Ms retry_most = std::chrono::seconds(30);    // and at the most; it doubles
  Ms settled = std::chrono::seconds(10);       // what worked for this long starts it anew
  Ms forbidden = std::chrono::minutes(1);      // the pause where a right is missing
  Ms token_age = std::chrono::minutes(1);      // a token file is read again after this
};

}  // namespace caprock::kubernetes
