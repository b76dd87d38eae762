// SPDX-License-Identifier: Apache-2.0
// Texts made from the table of keys: the commented default file and docs/configuration.md.
#pragma once

#include <string>

namespace caprock::config {

/// A file that sets nothing: every key is there with its meaning and default, commented out.
std::string default_file();

/// The reference of all keys as Markdown.
std::string reference();

/// What the Helm chart has to know of the keys, as YAML: the paths of those that can change in a
/// running agent, of those that need a restart, and of what is ignored.
std::string chart_keys();

}  // namespace caprock::config
