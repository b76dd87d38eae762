// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "caprock_process.hpp"
#include "config/key.hpp"

using caprock::test::file_text;
using caprock::test::run_caprock;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

struct Refused {
  const char* arguments;
  int status;
  const char* message;  // beginning of the one line on standard error
};

}  // namespace

TEST_CASE("command line: what is refused is one line that says what to do") {
  const auto [arguments, status, message] = GENERATE(values<Refused>({
      {"", 2, "caprock: A subcommand is required"},
      {"nonsense", 2, "caprock: \"nonsense\" is not a command; caprock --help lists them"},
      {"nonsense -o x", 2, "caprock: \"nonsense\" is not a command; caprock --help lists them"},
      {"status --nonsense", 2, "caprock: "},
      {"status -o yaml", 2, "caprock: --output"},
      {"status --server nowhere", 2, "caprock: --server: \"nowhere\" is not a server: write it as"},
      {"--server unix:/nonexistent/s status", 1,
       "caprock: no agent at unix:/nonexistent/s: No such file or directory; is it running?"},
      {"tail --server unix:/nonexistent/s", 1, "caprock: no agent at unix:/nonexistent/s"},
      {"export --from yesterday", 2, "caprock: --from: \"yesterday\" is not a time: write it as"},
      {"export --from -1m --to -5m", 2, "caprock: --from is not before --to"},
      {"export --from +5m", 2, "caprock: --from is not before now: five minutes ago is -5m"},
      {"tail --events -f tcp", 2, "caprock: --filter excludes --events"},
      {"status --interval soon", 2, "caprock: --interval: \"soon\""},
      {"status --interval 1ms", 2, "caprock: --interval: 1ms is too short"},
      {"export --file /dev/null -o /nonexistent/x.pcapng", 1,
       "caprock: /nonexistent/x.pcapng cannot be written: No such file or directory; give -o a"},
      {"export --format gif", 2, "caprock: --format"},
      {"export --file /nonexistent/ring", 1,
       "caprock: /nonexistent/ring: No such file or directory; name the ring.pcapng"},
      {"top --server unix:/nonexistent/s", 1, "caprock: no agent at unix:/nonexistent/s"},
      {"top -d 0", 2, "caprock: --delay"},
      {"top -n 0", 2, "caprock: --iterations"},
      {"top --by pod", 2, "caprock: --by"},
      {"top --limit many", 2, "caprock: "},
      {"verify", 2, "caprock: FILE is required"},
      {"verify /nonexistent/ring", 2, "caprock: /nonexistent/ring: "},
      {"agent --set agent.lanes=x", 1, "caprock: --set agent.lanes=x: agent.lanes: \"x\" must be"},
      {"agent --config /nonexistent/file", 1,
       "caprock: /nonexistent/file: cannot be read: No such file or directory"},
      {"doctor --set agent.nonsense=1", 1,
       "caprock: --set agent.nonsense=1: agent.nonsense: unknown"},
      {"completion zsh", 2, "caprock: SHELL"},
  }));
  const auto ended = run_caprock(arguments);
  CAPTURE(arguments);
  CHECK(ended.status == status);
  CHECK(ended.out.empty());
  CHECK_THAT(ended.err, StartsWith(message));
  CHECK(ended.err.find('\n') == ended.err.size() - 1);
}

TEST_CASE("command line: help and version are answers, not errors") {
  const auto help = run_caprock("--help");
  CHECK(help.status == 0);
  for (const auto* name :
       {"agent", "status", "export", "tail", "top", "verify", "doctor", "completion"})
    CHECK_THAT(help.out, ContainsSubstring(name));
  CHECK_THAT(help.out, !ContainsSubstring("docs"));
  CHECK(run_caprock("export --help").status == 0);
  CHECK(run_caprock("version").out == run_caprock("--version").out);
  CHECK_THAT(run_caprock("version").out, StartsWith("caprock 0."));
}

TEST_CASE(
    "command line: docs/cli.md is what the definitions say (caprock docs cli > docs/cli.md)") {
  CHECK(file_text(CAPROCK_DOCS_DIR "/cli.md") == run_caprock("docs cli").out);
}

TEST_CASE(
    "command line: docs/configuration.md is what the table of keys says (caprock docs "
    "configuration > docs/configuration.md)") {
  CHECK(file_text(CAPROCK_DOCS_DIR "/configuration.md") == run_caprock("docs configuration").out);
}

TEST_CASE(
    "command line: the chart knows the keys that the table has (caprock docs chart-keys > "
    "helm/caprock/files/keys.yaml)") {
  CHECK(file_text(CAPROCK_DOCS_DIR "/../helm/caprock/files/keys.yaml") ==
        run_caprock("docs chart-keys").out);
}

TEST_CASE("command line: agent --check says what is wrong, or ignored, and starts nothing") {
  const auto wrong = run_caprock("agent --check --set agent.lanes=x");
  CHECK(wrong.status == 1);
  CHECK_THAT(wrong.err, StartsWith("caprock: --set agent.lanes=x: agent.lanes: \"x\" must be"));
  const auto right = run_caprock("agent --check --set agent.lanes=2 --set license=none");
  CHECK(right.status == 0);
  CHECK(right.out ==
        "--set license=none: ignored, as caprock has no use for it: license\n"
        "the configuration is right\n");
}

TEST_CASE("packaging: the unit restarts without a limit, and says what another dataDir needs") {
  const auto unit = file_text(CAPROCK_DOCS_DIR "/../packaging/caprock.service.in");
  const auto in_unit_section = unit.substr(0, unit.find("[Service]"));
  CHECK_THAT(in_unit_section, ContainsSubstring("\nStartLimitIntervalSec=0\n"));
  CHECK_THAT(unit, ContainsSubstring("#   ReadWritePaths="));
  CHECK_THAT(run_caprock("docs config-file").out, ContainsSubstring("ReadWritePaths="));
}

TEST_CASE(
    "command line: the man page has every command and no line that roff would take for its own") {
  const auto page = run_caprock("docs man").out;
  CHECK_THAT(page, StartsWith(".TH CAPROCK 1"));
  CHECK_THAT(page, ContainsSubstring(".SS export"));
  for (const auto& key : caprock::config::keys())
    CHECK_THAT(page, ContainsSubstring("\\fB" + std::string(key.path) + "\\fR"));
  CHECK_THAT(page, ContainsSubstring("\\-\\-force"));
}

TEST_CASE("command line: bash completes commands, options, and an option's values") {
  const auto completions = [](const std::string& line, const std::string& last) {
    const std::string script =
        "eval \"$(" CAPROCK_BINARY " completion bash)\"; COMP_WORDS=(" + line +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _caprock; echo \"${COMPREPLY[*]}\"";
    const auto out = std::filesystem::current_path() / ("completion-" + last);
    const std::string command = "bash -c '" + script + "' >'" + out.string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(cert-env33-c): a test's own command
    auto text = file_text(out);
    std::filesystem::remove(out);
    return text;
  };
  CHECK(completions("caprock ex", "1") == "export\n");
  CHECK(completions("caprock export --fo", "2") == "--format --force\n");
  CHECK(completions("caprock export --format pcap-", "3") == "pcap-ns\n");
  CHECK(completions("caprock status -o j", "4") == "json\n");
  CHECK(completions("caprock completion b", "5") == "bash\n");
}
