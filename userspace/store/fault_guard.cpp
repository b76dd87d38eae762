// SPDX-License-Identifier: Apache-2.0
#include "store/fault_guard.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>

namespace caprock::store {
namespace {

// A signal handler has no argument of ours: what it needs is reached from here, by atomics alone.
std::array<std::atomic<FaultGuard*>, FaultGuard::kMaxGuards> guards;
struct sigaction previous_action;

void on_bus_error(int, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (auto& slot : guards) {
    FaultGuard* guard = slot.load(std::memory_order_acquire);
    if (guard != nullptr && guard->absorb(address)) {
      errno = saved_errno;
      return;
    }
  }
  // Not ours: the faulting instruction runs again and meets whoever was there before us.
  sigaction(SIGBUS, &previous_action, nullptr);
}

bool install_handler() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  return sigaction(SIGBUS, &action, &previous_action) == 0;
}

bool enlist(FaultGuard* guard) {
  for (auto& slot : guards) {
    FaultGuard* empty = nullptr;
    if (slot.compare_exchange_strong(empty, guard, std::memory_order_acq_rel)) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<FaultGuard>> FaultGuard::protect(MutableBytes range,
                                                        std::uint64_t unit_bytes) {
  static const bool installed = install_handler();
  if (!installed) return Error("cannot install the handler of SIGBUS");
  std::unique_ptr<FaultGuard> guard(new FaultGuard(range, unit_bytes));
  if (!enlist(guard.get())) return Error("too many mapped rings in this process");
  return guard;
}

FaultGuard::FaultGuard(MutableBytes range, std::uint64_t unit_bytes)
    : begin_(reinterpret_cast<std::uintptr_t>(range.data())),
      bytes_(range.size()),
      unit_bytes_(unit_bytes),
      lost_(std::make_unique<std::atomic<bool>[]>(range.size() / unit_bytes)) {}

FaultGuard::~FaultGuard() {
  for (auto& slot : guards) {
    FaultGuard* self = this;
    slot.compare_exchange_strong(self, nullptr, std::memory_order_acq_rel);
  }
}

bool FaultGuard::absorb(std::uintptr_t address) {
  if (address < begin_ || address - begin_ >= bytes_) return false;
  const std::uint64_t unit = (address - begin_) / unit_bytes_;
  void* const at = reinterpret_cast<void*>(begin_ + unit * unit_bytes_);
  constexpr int kFlags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  if (mmap(at, unit_bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0) == MAP_FAILED) return false;
  lost_[unit].store(true, std::memory_order_relaxed);
  return true;
}

}  // namespace caprock::store
