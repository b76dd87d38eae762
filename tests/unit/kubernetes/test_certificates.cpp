// SPDX-License-Identifier: Apache-2.0
#include "test_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

Key make_key() {
  return {EVP_EC_gen("P-256"), &EVP_PKEY_free};
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  REQUIRE(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Not signed yet. `issuer` null: its own.
Certificate make_certificate(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                             int hours) {
  constexpr int kHour = 3600;
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), (hours - 1) * kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), (hours + 1) * kHour);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer == nullptr ? name : X509_get_subject_name(issuer));
  return certificate;
}

std::string text_of(const Memory& memory) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), certificate);
  return text_of(memory);
}

std::string pem_of(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory);
}

Memory reader_of(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

Certificate read_certificate(const std::string& pem) {
  return {PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr), &X509_free};
}

}  // namespace

ServerIdentity make_identity(const std::string& name, int hours) {
  const Key authority_key = make_key();
  const Key key = make_key();
  const auto authority = make_certificate("test authority", authority_key.get(), nullptr, 0);
  add_extension(authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(authority.get(), authority_key.get(), EVP_sha256());
  const auto certificate = make_certificate("test", key.get(), authority.get(), hours);
  add_extension(certificate.get(), NID_subject_alt_name, name);
  X509_sign(certificate.get(), authority_key.get(), EVP_sha256());
  return {pem_of(authority.get()), pem_of(certificate.get()), pem_of(key.get())};
}

SSL_CTX* make_server_context(const ServerIdentity& identity) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const auto certificate = read_certificate(identity.certificate);
  const Key key(PEM_read_bio_PrivateKey(reader_of(identity.key).get(), nullptr, nullptr, nullptr),
                &EVP_PKEY_free);
  REQUIRE(SSL_CTX_use_certificate(context, certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
  if (!identity.ask_client) return context;
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), read_certificate(identity.authority).get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return context;
}

}  // namespace caprock::test
