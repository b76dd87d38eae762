// SPDX-License-Identifier: Apache-2.0
// Kubeconfig files: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#include <fmt/format.h>
#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <memory>
#include <optional>

#include "core/text_file.hpp"
#include "kubernetes/credentials.hpp"
#include "kubernetes/server_url.hpp"

namespace caprock::kubernetes {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;

/// What a user entry may hold that caprock does not do.
constexpr std::array<std::string_view, 4> kRefused = {"exec", "auth-provider", "username", "as"};

std::optional<std::string> decode_base64(const std::string& text) {
  const std::unique_ptr<EVP_ENCODE_CTX, decltype(&EVP_ENCODE_CTX_free)> context(
      EVP_ENCODE_CTX_new(), &EVP_ENCODE_CTX_free);
  std::string decoded(text.size() + 3, '\0');
  auto* out = reinterpret_cast<unsigned char*>(decoded.data());
  int size = 0;
  int rest = 0;
  EVP_DecodeInit(context.get());
  if (EVP_DecodeUpdate(context.get(), out, &size,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       static_cast<int>(text.size())) < 0 ||
      EVP_DecodeFinal(context.get(), out + size, &rest) < 0)
    return std::nullopt;
  decoded.resize(static_cast<std::size_t>(size + rest));
  return decoded;
}

/// Reads one kubeconfig file. Its methods throw what yaml-cpp throws.
class Reader {
 public:
  Reader(std::filesystem::path folder, const YAML::Node& root)
      : folder_(std::move(folder)), root_(root) {}

  Result<Credentials> read(const std::string& wanted) const {
    const auto name = wanted.empty() ? text(root_, "current-context") : wanted;
    if (name.empty()) return Error("it has no current-context; name a context");
    const auto context = entry("context", name);
    if (!context) return context.error();
    Credentials credentials;
    if (Status done = read_cluster(text(*context, "cluster"), credentials); !done)
      return done.error();
    if (Status done = read_user(text(*context, "user"), credentials); !done) return done.error();
    return credentials;
  }

 private:
  /// The `kind` of that name: clusters are in "clusters" as {name: …, cluster: …}.
  Result<YAML::Node> entry(const std::string& kind, const std::string& name) const {
    const YAML::Node list = root_[kind + 's'];
    if (list.IsSequence())
      for (const YAML::Node& item : list)
        if (item.IsMap() && text(item, "name") == name) return YAML::Node(item[kind]);
    return Error(fmt::format("it has no {} \"{}\"", kind, name));
  }

  static std::string text(const YAML::Node& map, const std::string& key) {
    if (!map.IsMap()) return {};
    const YAML::Node value = map[key];
    return value.IsDefined() && value.IsScalar() ? value.Scalar() : std::string();
  }

  Status read_cluster(const std::string& name, Credentials& credentials) const {
    const auto cluster = entry("cluster", name);
    if (!cluster) return cluster.error();
    const auto where = fmt::format("cluster \"{}\"", name);
    if (!text(*cluster, "proxy-url").empty())
      return Error(where + ": proxy-url is not supported; reach the API server directly");
    if (Status done = take_server_url(text(*cluster, "server"), credentials); !done)
      return done.error().context(where);
    credentials.server_name = text(*cluster, "tls-server-name");
    credentials.insecure = text(*cluster, "insecure-skip-tls-verify") == "true";
    return take(*cluster, "certificate-authority", where, credentials.ca);
  }

  Status read_user(const std::string& name, Credentials& credentials) const {
    const auto user = entry("user", name);
    if (!user) return user.error();
    const auto where = fmt::format("user \"{}\"", name);
    for (const auto key : kRefused)
      if (user->IsMap() && (*user)[std::string(key)].IsDefined())
        return Error(
            fmt::format("{}: {} is not supported; give a token, a tokenFile or a "
                        "client-certificate, e.g. those of a ServiceAccount",
                        where, key));
    credentials.token = text(*user, "token");
    if (const auto file = text(*user, "tokenFile"); !file.empty())
      credentials.token_file = folder_ / file;
    if (Status done = take(*user, "client-certificate", where, credentials.client_certificate);
        !done)
      return done;
    return take(*user, "client-key", where, credentials.client_key);
  }

  /// `into` becomes what KEY-data holds, in base64, or else what is in the file that KEY names.
  Status take(const YAML::Node& map, const std::string& key, const std::string& where,
              std::string& into) const {
    if (const auto data = text(map, key + "-data"); !data.empty()) {
      auto decoded = decode_base64(data);
      if (!decoded) return Error(fmt::format("{}: {}-data is not base64", where, key));
      into = *std::move(decoded);
      return {};
    }
    const auto file = text(map, key);
    if (file.empty()) return {};
    auto read = read_text(folder_ / file, kMaxFileBytes);
    if (!read)
      return read.error().context(fmt::format("{}: {} {}", where, key, (folder_ / file).string()));
    into = *std::move(read);
    return {};
  }

  std::filesystem::path folder_;  // what relative paths start from
  const YAML::Node root_;         // constant: to look up what is missing must not add it
};

}  // namespace

Result<Credentials> kubeconfig_credentials(const std::filesystem::path& file,
                                           const std::string& context) {
  const auto text = read_text(file, kMaxFileBytes);
  if (!text) return text.error().context(file.string());
  try {
    auto credentials = Reader(file.parent_path(), YAML::Load(*text)).read(context);
    return credentials ? std::move(credentials) : credentials.error().context(file.string());
  } catch (const YAML::Exception& broken) {
    return Error(
        fmt::format("{}:{}: not YAML: {}", file.string(), broken.mark.line + 1, broken.msg));
  }
}

}  // namespace caprock::kubernetes
