// SPDX-License-Identifier: Apache-2.0
// The severities of findings by name.
#pragma once

#include <string_view>

#include "core/finding.hpp"

namespace caprock::api {

/// "ok", "note", "warning", "fatal".
std::string_view severity_name(Severity severity);

/// The reverse; a name that this version does not know counts as a note.
Severity severity_of(std::string_view name);

}  // namespace caprock::api
