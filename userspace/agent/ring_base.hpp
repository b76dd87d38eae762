// SPDX-License-Identifier: Apache-2.0
// How many packets of the programs' counters came into the ring, by whatever agents.
#pragma once

#include <cstdint>
#include <optional>

#include "abi/generation.h"

#include "store/ring.hpp"

namespace caprock::agent {

/// Of maps that were just made, beside a ring that was just opened.
ring_base new_base(const store::RecoveryReport& ring);

/// Of maps that an agent before left, or that were made beside such ones. Unknown (ring_id 0) where
/// it is another ring, or one that lost a lane's count: it got smaller, or recycled the last
/// segment of an idle lane.
ring_base base_gone_on_with(ring_base base, const store::RecoveryReport& ring);

/// Nothing where that cannot be told. Packets behind the base, `since` of them since the ring was
/// opened.
std::optional<std::uint64_t> packets_since(const ring_base& base, const store::RecoveryReport& ring,
                                           std::uint64_t since);

}  // namespace caprock::agent
