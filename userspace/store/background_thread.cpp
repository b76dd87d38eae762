// SPDX-License-Identifier: Apache-2.0
#include "store/background_thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace caprock::store {
namespace {

/// A third of a lane's share of a CPU: behind every lane, but never so far that the prepared
/// segments run out (10 would leave a tenth, SCHED_IDLE nothing at all on a busy machine).
constexpr int kNice = 5;

}  // namespace

BackgroundThread::BackgroundThread(const char* name, WakeSignal& signal, Round round)
    : signal_(signal), round_(std::move(round)), thread_([this, name] { run(name); }) {}

void BackgroundThread::stop() {
  stopping_.store(true);
  signal_.notify();
  if (thread_.joinable()) thread_.join();
}

void BackgroundThread::run(const char* name) {
  pthread_setname_np(pthread_self(), name);
  setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  while (!stopping_.load())
    signal_.wait(round_());
}

}  // namespace caprock::store
