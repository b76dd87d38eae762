// SPDX-License-Identifier: Apache-2.0
#include "filter/apply.hpp"

#include <string>
#include <utility>

#include "filter/compile.hpp"
#include "filter/transition.hpp"

namespace caprock::filter {

Applier::Applier(const capture::Programs& programs) : settings_(programs) {
  for (const std::string_view name : kTableNames)
    tables_.emplace_back(std::string(name), programs.map_fd(name));
}

Status Applier::apply(const Specification& specification, const std::vector<Endpoint>& own) {
  const auto wanted = compile(specification, own);
  if (!wanted) return wanted.error();
  if (auto written = write(*wanted); !written) return std::move(written).error().context("filter");
  mode_ = takes_everything(*wanted) ? INTERFACE_ALL : INTERFACE_MATCH;
  return {};
}

Result<FilterState> Applier::read() const {
  const auto settings = settings_.read();
  if (!settings) return settings.error();
  FilterState state{.settings = *settings, .tables = {}};
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto entries = tables_[i].entries();
    if (!entries) return std::move(entries).error();
    state.tables[i] = *std::move(entries);
  }
  return state;
}

Status Applier::write(const FilterState& wanted) const {
  const auto in_force = read();
  if (!in_force) return in_force.error();
  const Transition transition = plan_transition(*in_force, wanted);
  const auto table_of = [&](const TableEntry& entry) {
    return tables_[static_cast<std::size_t>(entry.table)];
  };
  if (auto written = settings_.write(transition.meanwhile); !written) return written;
  for (const TableEntry& entry : transition.additions) {
    if (auto written = table_of(entry).set(entry.key, entry.value); !written) return written;
  }
  for (const TableEntry& entry : transition.removals) {
    if (auto removed = table_of(entry).remove(entry.key); !removed) return removed;
  }
  return settings_.write(transition.after);
}

}  // namespace caprock::filter
