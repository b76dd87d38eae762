// SPDX-License-Identifier: Apache-2.0
#include "filter/apply.hpp"

#include <string>
#include <utility>

#include "filter/compile.hpp"

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
  capture_settings settings = transition.meanwhile;
  for (const auto* entries :
       {&transition.additions, &transition.removals, &transition.restrictions}) {
    if (auto written = settings_.write(settings); !written) return written;
    if (auto written = write(*entries); !written) return written;
    ++settings.generation;
  }
  return settings_.write(transition.after);
}

Status Applier::write(const std::vector<TableEntry>& entries) const {
  for (const TableEntry& entry : entries) {
    const capture::BpfMap& table = tables_[static_cast<std::size_t>(entry.table)];
    auto written =
        entry.value.empty() ? table.remove(entry.key) : table.set(entry.key, entry.value);
    if (!written) return written;
  }
  return {};
}

}  // namespace caprock::filter
