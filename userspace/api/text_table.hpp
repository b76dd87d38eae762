// SPDX-License-Identifier: Apache-2.0
// A table of left-aligned columns for the terminal.
#pragma once

#include <string>
#include <vector>

namespace caprock::api {

class TextTable {
 public:
  using Row = std::vector<std::string>;

  explicit TextTable(Row heading) : rows_{std::move(heading)} {}

  /// As many cells as the heading has.
  void add(Row row) { rows_.push_back(std::move(row)); }

  /// Columns as wide as their widest cell, two blanks apart; a line feed after each row.
  std::string text() const;

 private:
  std::vector<Row> rows_;
};

}  // namespace caprock::api
