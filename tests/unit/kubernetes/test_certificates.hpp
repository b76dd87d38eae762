// SPDX-License-Identifier: Apache-2.0
// Certificates that a test makes for itself.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace caprock::test {

/// In PEM.
struct ServerIdentity {
  std::string authority;  // that signed the certificate
  std::string certificate;
  std::string key;
  bool ask_client = false;  // clients must show a certificate of the same authority
};

/// `name`: as subjectAltName has it, "IP:127.0.0.1" or "DNS:api.test". Valid for two hours, of
/// which the middle is `hours` from now.
ServerIdentity make_identity(const std::string& name, int hours = 0);

/// The caller's.
SSL_CTX* make_server_context(const ServerIdentity& identity);

}  // namespace caprock::test
