// SPDX-License-Identifier: Apache-2.0
#include "store/direct_writer.hpp"

#include <liburing.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "core/log.hpp"
#include "core/result.hpp"

namespace caprock::store {

/// An io_uring for one request at a time.
class DirectWriter::Queue {
 public:
  /// Nothing where the kernel has none or an administrator has switched it off.
  static std::unique_ptr<Queue> open() {
    auto queue = std::unique_ptr<Queue>(new Queue);
    // A completion waits until it is asked for, instead of interrupting (Linux 6.1).
    if (io_uring_queue_init(kEntries, &queue->ring_,
                            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0 ||
        io_uring_queue_init(kEntries, &queue->ring_, 0) == 0) {
      queue->open_ = true;
      return queue;
    }
    return nullptr;
  }

  ~Queue() {
    if (open_) io_uring_queue_exit(&ring_);
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void pin(std::span<const Bytes> memory) {
    std::vector<iovec> vectors;
    for (const Bytes bytes : memory)
      vectors.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    const auto count = static_cast<unsigned>(vectors.size());
    if (io_uring_register_buffers(&ring_, vectors.data(), count) == 0)
      pinned_.assign(memory.begin(), memory.end());
  }

  bool submit(int fd, Bytes bytes, std::uint64_t offset) {
    io_uring_sqe* const request = io_uring_get_sqe(&ring_);
    errno = EAGAIN;
    if (request == nullptr) return false;
    const auto size = static_cast<unsigned>(bytes.size());
    const int buffer = pinned_buffer(bytes);
    if (buffer < 0) {
      io_uring_prep_write(request, fd, bytes.data(), size, offset);
    } else {
      io_uring_prep_write_fixed(request, fd, bytes.data(), size, offset, buffer);
    }
    const int submitted = io_uring_submit(&ring_);
    if (submitted < 0) errno = -submitted;
    return submitted == 1;
  }

  /// Bytes written, or the negative error number. Throws where the kernel does not say whether the
  /// write has ended: then its memory must not be used again.
  int wait() {
    io_uring_cqe* completion = nullptr;
    int error = 0;
    do {
      error = io_uring_wait_cqe(&ring_, &completion);
    } while (error == -EINTR || error == -EAGAIN);
    if (error != 0) throw std::system_error(-error, std::generic_category(), "io_uring");
    const int result = completion->res;
    io_uring_cqe_seen(&ring_, completion);
    return result;
  }

 private:
  static constexpr unsigned kEntries = 2;

  Queue() = default;

  int pinned_buffer(Bytes bytes) const {
    const auto holds = [bytes](Bytes memory) {
      return bytes.data() >= memory.data() &&
             bytes.data() + bytes.size() <= memory.data() + memory.size();
    };
    const auto found = std::find_if(pinned_.begin(), pinned_.end(), holds);
    return found == pinned_.end() ? -1 : static_cast<int>(found - pinned_.begin());
  }

  io_uring ring_{};
  bool open_ = false;
  std::vector<Bytes> pinned_;  // by buffer index
};

DirectWriter::DirectWriter(const DirectFile& file) : file_(file) {}

DirectWriter::~DirectWriter() {
  if (queued_) finish();
}

void DirectWriter::pin(std::span<const Bytes> memory) {
  queue_ = Queue::open();
  set_up_ = true;
  if (queue_) queue_->pin(memory);
}

void DirectWriter::start(Bytes bytes, std::uint64_t offset) {
  if (!set_up_) pin({});
  bytes_ = bytes;
  offset_ = offset;
  queued_ = queue_ && queue_->submit(file_.descriptor(), bytes, offset);
  if (queued_) return;
  drop_queue();
  done_ = file_.write(bytes, offset);
  errno_ = errno;
}

/// What a queue did not take it might take with the next request.
void DirectWriter::drop_queue() {
  if (!queue_) return;
  report_error(
      Error::from_errno("io_uring takes no write: the lane waits for the disk until the next start").message());
  queue_.reset();
}

bool DirectWriter::finish() {
  if (!queued_) {
    errno = errno_;
    return done_;
  }
  queued_ = false;
  const int result = queue_->wait();
  if (result == static_cast<int>(bytes_.size())) return true;
  // Cut short, or not to be done asynchronously: once more, as usual.
  return file_.write(bytes_, offset_);
}

}  // namespace caprock::store
