// SPDX-License-Identifier: Apache-2.0
// Copying runs of blocks past the cache: the file's pages are not read again soon, the stage's
// bytes are wanted there.
#pragma once

#include "core/byte_span.hpp"

namespace caprock::store {

/// Copies `from` to `to`, which is aligned to 8 bytes; the size is a multiple of 8. Long copies use
/// streaming stores where the machine has them: call store_fence() before a store that publishes
/// the bytes.
void stream_copy(std::byte* to, Bytes from);

/// Orders all stores before it, streaming ones too, before all stores behind it.
void store_fence();

}  // namespace caprock::store
