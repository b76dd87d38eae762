// SPDX-License-Identifier: Apache-2.0
// A finding of the preflight: what `caprock doctor` prints and the status repeats.
#pragma once

#include <string>
#include <vector>

namespace caprock {

enum class Severity { kOk, kNote, kWarning, kFatal };  // kFatal: recording is impossible until it is mended

struct Finding {
  std::string id;           // stable, lower case, dots: "kernel.btf", "disk.space"
  Severity severity = Severity::kOk;
  std::string found;        // what is there: "kernel 6.1.0-28-amd64"
  std::string consequence{};  // what follows from it; empty when all is well
  std::string remedy{};       // what to do; empty when there is nothing to do
};

using Findings = std::vector<Finding>;

}  // namespace caprock
