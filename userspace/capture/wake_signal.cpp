// SPDX-License-Identifier: Apache-2.0
#include "capture/wake_signal.hpp"

#include "capture/shared_position.hpp"

namespace caprock::capture {

void WakeSignal::clear() {
  if (!ring_) return;
  const RingBufferView view = ring_->view();
  store_release(*view.consumer, load_acquire(*view.producer));
}

}  // namespace caprock::capture
