// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/system_error.hpp>

namespace caprock::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

bool answers(const Endpoint& endpoint) {
  asio::io_context context;
  asio::basic_stream_socket<Protocol> socket(context);
  error_code failed;
  socket.connect(socket_endpoint(endpoint), failed);
  return !failed;
}

/// Makes the directory and removes what a dead server left.
Status clear_path(const Endpoint& endpoint) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::create_directories(fs::path(endpoint.path).parent_path(), failed);
  if (failed) return Error(fmt::format("its directory cannot be made: {}", failed.message()));
  const auto status = fs::symlink_status(endpoint.path, failed);
  if (!fs::exists(status)) return {};
  if (!fs::is_socket(status)) return Error("there is a file of that name, and it is no socket");
  if (answers(endpoint)) return Error("another process is listening there");
  fs::remove(endpoint.path, failed);
  if (failed)
    return Error(fmt::format("the socket left there cannot be removed: {}", failed.message()));
  return {};
}

void open_and_bind(Acceptor& acceptor, const Endpoint& endpoint) {
  const auto address = socket_endpoint(endpoint);
  acceptor.open(address.protocol());
  if (endpoint.is_unix()) {
    // bind() gives the file the mode of the socket's own inode: no moment at which others could
    // connect.
    if (::fchmod(acceptor.native_handle(), 0600) != 0)
      throw boost::system::system_error(errno, boost::system::system_category());
  } else {
    acceptor.set_option(asio::socket_base::reuse_address(true));
  }
  acceptor.bind(address);
  acceptor.listen();
}

}  // namespace

Protocol::endpoint socket_endpoint(const Endpoint& endpoint) {
  if (endpoint.is_unix()) return asio::local::stream_protocol::endpoint(endpoint.path);
  return asio::ip::tcp::endpoint(asio::ip::make_address(endpoint.address), endpoint.port);
}

Result<Acceptor> listen(const asio::any_io_executor& executor, const Endpoint& endpoint) {
  const auto refuse = [&](std::string_view why) {
    return Error(fmt::format("cannot listen on {}: {}", endpoint.text(), why));
  };
  if (!endpoint.is_local())
    return refuse("other hosts can reach it, which needs TLS and is not in this version");
  if (endpoint.is_unix())
    if (const Status clear = clear_path(endpoint); !clear) return refuse(clear.error().message());
  try {
    Acceptor acceptor(executor);
    open_and_bind(acceptor, endpoint);
    return acceptor;
  } catch (const boost::system::system_error& failure) {
    return refuse(failure.code().message());
  }
}

}  // namespace caprock::http
