// SPDX-License-Identifier: Apache-2.0
#include "kubernetes/credentials.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace caprock;
using namespace caprock::kubernetes;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "caprock-k8s-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return path / name;
  }

  std::filesystem::path path;
};

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
         "contexts:\n"
         "- {name: other, context: {cluster: nowhere, user: nobody}}\n"
         "- {name: main, context: {cluster: c1, user: u1}}\n"
         "clusters: [{name: c1, cluster: {" +
         cluster + "}}]\nusers: [{name: u1, user: {" + user + "}}]\n";
}

Result<Credentials> read(const std::string& cluster, const std::string& user) {
  const Folder folder;
  return kubeconfig_credentials(folder.write("config", kubeconfig(cluster, user)));
}

struct ServerCase {
  const char* url;
  const char* host;
  std::uint16_t port;
  bool tls;
  const char* path;
};

}  // namespace

TEST_CASE("credentials: a pod has them in its environment and its service account's folder") {
  const Folder folder;
  folder.write("token", "secret\n");
  folder.write("ca.crt", "PEM");
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "6443", 1);
  const auto credentials = in_cluster_credentials(folder.path);
  REQUIRE(credentials);
  CHECK(credentials->host == "fd00::1");
  CHECK(credentials->port == 6443);
  CHECK(credentials->tls);
  CHECK(credentials->ca == "PEM");
  CHECK(credentials->token_file == folder.path / "token");
  std::filesystem::remove(folder.path / "token");
  const auto without = in_cluster_credentials(folder.path);
  REQUIRE_FALSE(without);
  CHECK(without.error().message() ==
        (folder.path / "token").string() +
            ": cannot be read: No such file or directory; is automountServiceAccountToken off?");
}

TEST_CASE("credentials: outside of a pod that is said") {
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  const auto credentials = in_cluster_credentials("/nonexistent");
  REQUIRE_FALSE(credentials);
  CHECK(credentials.error().message().starts_with("not in a pod: "));
}

TEST_CASE("credentials: a kubeconfig's server is a URL") {
  const auto expected =
      GENERATE(ServerCase{"https://10.0.0.1:6443", "10.0.0.1", 6443, true, ""},
               ServerCase{"https://api.test", "api.test", 443, true, ""},
               ServerCase{"http://[::1]:8080/", "::1", 8080, false, ""},
               ServerCase{"http://127.0.0.1", "127.0.0.1", 80, false, ""},
               ServerCase{"https://[fd00::1]/k8s/c1/", "fd00::1", 443, true, "/k8s/c1"});
  CAPTURE(expected.url);
  const auto credentials = read("server: \"" + std::string(expected.url) + '"', "token: t");
  REQUIRE(credentials);
  CHECK(credentials->host == expected.host);
  CHECK(credentials->port == expected.port);
  CHECK(credentials->tls == expected.tls);
  CHECK(credentials->path == expected.path);
  CHECK(credentials->token == "t");
}

TEST_CASE("credentials: what is no server is refused") {
  const auto* url = GENERATE("", "10.0.0.1:6443", "https://", "https://a:", "https://a:0",
                             "https://a:70000", "https://me@a", "ftp://a");
  CAPTURE(url);
  const auto credentials = read("server: \"" + std::string(url) + '"', "token: t");
  REQUIRE_FALSE(credentials);
  CHECK(credentials.error().message().ends_with(
      "/config: cluster \"c1\": \"" + std::string(url) +
      "\" is not a server: write it as https://10.0.0.1:6443"));
}

TEST_CASE("credentials: data goes before files, and files are looked for beside the kubeconfig") {
  const Folder folder;
  folder.write("client.crt", "CERTIFICATE");
  folder.write("client.key", "KEY");
  const auto file = folder.write(
      "config", kubeconfig("server: \"https://a\", tls-server-name: api.test, "
                           "certificate-authority-data: UEVN, certificate-authority: missing.crt",
                           "client-certificate: client.crt, client-key: client.key, "
                           "tokenFile: rotated"));
  const auto credentials = kubeconfig_credentials(file);
  REQUIRE(credentials);
  CHECK(credentials->ca == "PEM");
  CHECK(credentials->server_name == "api.test");
  CHECK_FALSE(credentials->insecure);
  CHECK(credentials->client_certificate == "CERTIFICATE");
  CHECK(credentials->client_key == "KEY");
  CHECK(credentials->token_file == folder.path / "rotated");
}

TEST_CASE("credentials: TLS without a check is only what is asked for") {
  const auto credentials =
      read("server: \"https://a\", insecure-skip-tls-verify: true", "token: t");
  REQUIRE(credentials);
  CHECK(credentials->insecure);
}

TEST_CASE("credentials: what caprock does not do is refused with the user's name") {
  const auto* key = GENERATE("exec", "auth-provider", "username", "as");
  CAPTURE(key);
  const auto credentials = read("server: \"https://a\"", std::string(key) + ": {command: aws-iam}");
  REQUIRE_FALSE(credentials);
  CHECK(credentials.error().message().ends_with(
      "/config: user \"u1\": " + std::string(key) +
      " is not supported; give a token, a tokenFile or a client-certificate, e.g. those of a "
      "ServiceAccount"));
}

TEST_CASE("credentials: contexts, clusters and users that are missing are named") {
  const Folder folder;
  const auto file = folder.write("config", kubeconfig("server: \"https://a\"", "token: t"));
  const auto unknown = kubeconfig_credentials(file, "third");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message() == file.string() + ": it has no context \"third\"");
  const auto dangling = kubeconfig_credentials(file, "other");
  REQUIRE_FALSE(dangling);
  CHECK(dangling.error().message() == file.string() + ": it has no cluster \"nowhere\"");
}

TEST_CASE("credentials: files that are none, or not YAML, are told") {
  const Folder folder;
  CHECK_FALSE(kubeconfig_credentials(folder.path / "missing"));
  const auto broken = kubeconfig_credentials(folder.write("config", "a: [\n"));
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message().find("not YAML") != std::string::npos);
  const auto data = read("server: \"https://a\", certificate-authority-data: \"%%\"", "token: t");
  REQUIRE_FALSE(data);
  CHECK(
      data.error().message().ends_with("cluster \"c1\": certificate-authority-data is not base64"));
}
