// SPDX-License-Identifier: Apache-2.0
#include "agent/file_writer.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "core/text_file.hpp"

namespace caprock::agent {

FileWriter::~FileWriter() {
  thread_.join();
}

bool FileWriter::busy() const {
  return written_.valid() &&
         written_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

Status FileWriter::finish() {
  return written_.valid() ? written_.get() : Status();
}

void FileWriter::replace(std::string text) {
  written_ =
      boost::asio::post(thread_, boost::asio::use_future([file = file_, text = std::move(text)] {
                          return replace_text(file, text);
                        }));
}

}  // namespace caprock::agent
