// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/inflater.hpp"

#include <fmt/format.h>

namespace caprock::kubernetes {

void Inflater::End::operator()(z_stream* stream) const {
  inflateEnd(stream);
  delete stream;
}

Inflater::Inflater() : stream_(new z_stream{}) {
  constexpr int kGzip = 16;  // zlib.h: added to the window's size
  if (inflateInit2(stream_.get(), kGzip + MAX_WBITS) != Z_OK) ended_ = true;
}

Result<std::size_t> Inflater::inflate(std::string_view& compressed, std::span<char> plain) {
  if (ended_ && !compressed.empty()) return Error("there is something behind the gzip stream");
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream_->avail_in = static_cast<uInt>(compressed.size());
  stream_->next_out = reinterpret_cast<Bytef*>(plain.data());
  stream_->avail_out = static_cast<uInt>(plain.size());
  const int done = ::inflate(stream_.get(), Z_NO_FLUSH);
  compressed.remove_prefix(compressed.size() - stream_->avail_in);
  ended_ = ended_ || done == Z_STREAM_END;
  if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR)
    return Error(fmt::format("the gzip stream is broken: {}",
                             stream_->msg == nullptr ? "out of memory" : stream_->msg));
  return plain.size() - stream_->avail_out;
}

}  // namespace caprock::kubernetes
