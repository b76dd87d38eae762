// SPDX-License-Identifier: Apache-2.0
// Waits for the programs that are under way.
#pragma once

namespace caprock::capture {

/// When this returns, every program run that had begun has ended. Some ms, up to some ten on a busy
/// host.
void await_programs();

}  // namespace caprock::capture
