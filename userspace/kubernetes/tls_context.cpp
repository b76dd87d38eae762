// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>

namespace caprock::kubernetes {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

// HTTP/2 is not spoken here. Format: RFC 7301, section 3.1.
constexpr unsigned char kProtocols[] = "\x08http/1.1";

const std::string& expected_name(const Credentials& credentials) {
  return credentials.server_name.empty() ? credentials.host : credentials.server_name;
}

Error refusal(std::string_view what, const error_code& failed) {
  return Error(fmt::format("the {} cannot be used: {}", what, failed.message()));
}

Status trust(ssl::context& context, const Credentials& credentials) {
  error_code failed;
  context.set_verify_mode(credentials.insecure ? ssl::verify_none : ssl::verify_peer, failed);
  if (credentials.ca.empty())
    context.set_default_verify_paths(failed);
  else
    context.add_certificate_authority(boost::asio::buffer(credentials.ca), failed);
  return failed ? refusal("certificate authority", failed) : Status();
}

Status identify(ssl::context& context, const Credentials& credentials) {
  if (credentials.client_certificate.empty()) return {};
  error_code failed;
  context.use_certificate_chain(boost::asio::buffer(credentials.client_certificate), failed);
  if (failed) return refusal("client certificate", failed);
  context.use_private_key(boost::asio::buffer(credentials.client_key), ssl::context::pem, failed);
  if (failed) return refusal("client key", failed);
  return {};
}

}  // namespace

Result<ssl::context> make_tls_context(const Credentials& credentials) {
  ssl::context context(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_protos(context.native_handle(), kProtocols, sizeof kProtocols - 1);
  // Without one OpenSSL would ask for the passphrase of a key on the terminal.
  context.set_password_callback([](std::size_t, auto) { return std::string(); });
  if (const Status done = trust(context, credentials); !done) return done.error();
  if (const Status done = identify(context, credentials); !done) return done.error();
  return context;
}

Status expect_server(SSL* connection, const Credentials& credentials) {
  const std::string& name = expected_name(credentials);
  error_code no_address;
  boost::asio::ip::make_address(name, no_address);
  const bool set =
      no_address ? SSL_set_tlsext_host_name(connection, name.c_str()) == 1 &&
                       SSL_set1_host(connection, name.c_str()) == 1
                 : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), name.c_str()) == 1;
  if (set) return {};
  return Error(fmt::format("\"{}\" cannot be the name of a server", name));
}

std::string handshake_error(const SSL* connection, const Credentials& credentials,
                            const std::string& reason) {
  const long verdict = SSL_get_verify_result(connection);
  if (verdict == X509_V_OK || credentials.insecure) return "no TLS: " + reason;
  const auto* why = X509_verify_cert_error_string(verdict);
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
    return fmt::format("its certificate is not for {} ({}); tls-server-name says what it is for",
                       expected_name(credentials), why);
  if (verdict == X509_V_ERR_CERT_NOT_YET_VALID || verdict == X509_V_ERR_CERT_HAS_EXPIRED)
    return fmt::format(
        "its certificate, or the authority's, is not of this time ({}); is the clock "
        "of this host right?",
        why);
  return fmt::format("its certificate is not trusted ({}); {}", why,
                     credentials.ca.empty() ? "give the cluster's certificate authority"
                                            : "is the certificate authority this cluster's?");
}

}  // namespace caprock::kubernetes
