// SPDX-License-Identifier: Apache-2.0
// A status in which every field differs from its default.
#pragma once

#include "api/status.hpp"

namespace caprock::test {

api::AgentStatus example_status();

}  // namespace caprock::test
