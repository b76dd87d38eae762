// SPDX-License-Identifier: Apache-2.0
// Walks the YAML tree by the table of keys; whatever the table does not know is refused.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>

#include "config/config.hpp"
#include "config/ignored_key.hpp"
#include "config/key.hpp"
#include "core/text_file.hpp"

namespace caprock::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;  // as much as Kubernetes puts into a ConfigMap

/// A value that was given, and where: "caprock.yaml:12" or "--set".
struct Given {
  YAML::Node value;
  std::string place;
};

Error refusal(std::string_view place, std::string_view path, std::string_view why) {
  return Error(fmt::format("{}: {}: {}", place, path, why));
}

/// Reads one source of values, a file or a --set, into a configuration.
class Reader {
 public:
  Reader(LoadedConfig& loaded, std::string source, bool lines)
      : loaded_(loaded), source_(std::move(source)), lines_(lines) {}

  Status read_section(const YAML::Node& section, const std::string& path) {
    if (section.IsNull()) return {};
    if (!section.IsMap())
      return refusal(place(section), path.empty() ? "the file" : path, "must be a section of keys");
    for (const auto& entry : section) {
      const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "?";
      const std::string below = path.empty() ? name : path + '.' + name;
      if (Status read = read_entry(below, entry.second, place(entry.first)); !read) return read;
    }
    return {};
  }

  Status read_entry(const std::string& path, const YAML::Node& value, const std::string& place) {
    if (const Key* key = find_key(path)) return read_value(*key, value, place);
    if (is_section(path)) return read_section(value, path);
    if (is_ignored(path)) {
      ignored_.push_back(path);
      return {};
    }
    const auto meant = nearest_key(path);
    return refusal(place, path,
                   meant.empty() ? "unknown key; the man page caprock(1) lists them"
                                 : fmt::format("unknown key, did you mean {}?", meant));
  }

  /// One note for all that was passed over.
  void tell_ignored() {
    if (ignored_.empty()) return;
    loaded_.notes.push_back(fmt::format("{}: ignored, as caprock has no use for it: {}", source_,
                                        fmt::join(ignored_, ", ")));
  }

 private:
  std::string place(const YAML::Node& node) const {
    return lines_ ? fmt::format("{}:{}", source_, node.Mark().line + 1) : source_;
  }

  Status read_value(const Key& key, const YAML::Node& value, const std::string& place) {
    if (const auto [earlier, added] = given_.try_emplace(key.path, Given{value, place}); !added)
      return refusal(place, key.path,
                     fmt::format("given already ({}), keep one of them", earlier->second.place));
    if (value.IsNull()) return refusal(place, key.path, "has no value");
    if (const Status read = key.read(value, loaded_.config); !read)
      return refusal(place, key.path, read.error().message());
    return check_spellings(key, value, place);
  }

  /// Two spellings of one key may both be there as long as they say the same.
  Status check_spellings(const Key& key, const YAML::Node& value, const std::string& place) {
    if (!key.newer.empty())
      loaded_.notes.push_back(
          fmt::format("{}: {}: the newer spelling is {}", place, key.path, key.newer));
    for (const auto& [path, other] : given_) {
      const Key* other_key = find_key(path);
      if (other_key->newer != key.path && key.newer != path) continue;
      if (alone(key, value) == alone(*other_key, other.value)) continue;
      return refusal(place, key.path,
                     fmt::format("contradicts {} ({}), keep one of them", path, other.place));
    }
    return {};
  }

  /// The configuration that has only this value set.
  static std::optional<Config> alone(const Key& key, const YAML::Node& value) {
    Config config;
    return key.read(value, config) ? std::optional(std::move(config)) : std::nullopt;
  }

  LoadedConfig& loaded_;
  std::string source_;
  bool lines_;  // whether a line number says more than the source alone
  std::map<std::string_view, Given> given_;
  std::vector<std::string> ignored_;  // paths, as they come
};

Status read_file(const std::filesystem::path& file, LoadedConfig& loaded) {
  const auto text = read_text(file, kMaxFileBytes);
  if (!text) return text.error().context(file.string());
  try {
    Reader reader(loaded, file, true);
    if (Status read = reader.read_section(YAML::Load(*text), ""); !read) return read;
    reader.tell_ignored();
    return {};
  } catch (const YAML::Exception& broken) {
    return Error(
        fmt::format("{}:{}: not YAML: {}", file.string(), broken.mark.line + 1, broken.msg));
  }
}

Status read_set(const std::string& assignment, LoadedConfig& loaded) {
  const auto source = fmt::format("--set {}", assignment);
  const auto equals = assignment.find('=');
  if (equals == assignment.npos) return Error(source + ": write it as KEY=VALUE");
  try {
    const YAML::Node value = YAML::Load(assignment.substr(equals + 1));
    Reader reader(loaded, source, false);
    if (Status read = reader.read_entry(assignment.substr(0, equals), value, source); !read)
      return read;
    reader.tell_ignored();
    return {};
  } catch (const YAML::Exception& broken) {
    return Error(fmt::format("{}: not YAML: {}", source, broken.msg));
  }
}

}  // namespace

Result<LoadedConfig> load(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  LoadedConfig loaded;
  if (!file.empty())
    if (const Status read = read_file(file, loaded); !read) return read.error();
  for (const auto& assignment : sets)
    if (const Status read = read_set(assignment, loaded); !read) return read.error();
  return loaded;
}

std::vector<std::string> fixed_changes(const Config& running, const Config& wanted) {
  std::vector<std::string> changed;
  for (const auto& key : keys())
    if (key.effect == Effect::kRestart && key.print(running) != key.print(wanted))
      changed.emplace_back(key.path);
  return changed;
}

}  // namespace caprock::config
