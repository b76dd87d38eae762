// SPDX-License-Identifier: Apache-2.0
#include "filter/transition.hpp"

#include <random>

#include <catch2/catch_test_macros.hpp>

#include "filter/compile.hpp"
#include "filter_model.hpp"

using namespace caprock;
using namespace caprock::filter;

namespace {

/// Small worlds, so that prefixes nest and filters overlap often.
class RandomWorld {
 public:
  explicit RandomWorld(unsigned seed) : random_(seed) {}

  FilterState filter() {
    config::Agent agent;
    agent.tcp = pick(4) > 0;
    agent.addresses = prefixes(pick(4));
    agent.excluded_addresses = prefixes(pick(4));
    agent.ports = ports(pick(3));
    agent.excluded_ports = ports(pick(2));
    Specification specification = *Specification::from(agent);
    specification.targets = hosts(pick(4));
    return *compile(specification, {});
  }

  Link link() { return {.targets = pick(3) == 0}; }

  Flow flow() {
    return {.tcp = pick(2) == 0,
            .source = address(host()),
            .destination = address(host()),
            .source_port = static_cast<std::uint16_t>(pick(4)),
            .destination_port = static_cast<std::uint16_t>(pick(4))};
  }

 private:
  unsigned pick(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  std::string host() { return "10.0.0." + std::to_string(pick(8)); }

  std::vector<std::string> prefixes(unsigned count) {
    std::vector<std::string> list;
    while (list.size() < count)
      list.push_back(host() + "/" + std::to_string(29 + pick(4)));
    return list;
  }

  std::set<Prefix> hosts(unsigned count) {
    std::set<Prefix> some;
    while (some.size() < count)
      some.insert(address(host()));
    return some;
  }

  std::vector<std::uint16_t> ports(unsigned count) {
    std::vector<std::uint16_t> list;
    while (list.size() < count)
      list.push_back(static_cast<std::uint16_t>(pick(4)));
    return list;
  }

  std::mt19937 random_;
};

/// Every state that programs see on the way, the first and the last included.
std::vector<FilterState> states_on_the_way(const FilterState& from, const Transition& transition) {
  std::vector<FilterState> states = {from};
  const auto next = [&]() -> FilterState& {
    return states.emplace_back(FilterState(states.back()));
  };
  next().settings = transition.meanwhile;
  for (const TableEntry& entry : transition.additions)
    next()[entry.table][entry.key] = entry.value;
  for (const TableEntry& entry : transition.removals)
    next()[entry.table].erase(entry.key);
  for (const TableEntry& entry : transition.restrictions)
    next()[entry.table][entry.key] = entry.value;
  next().settings = transition.after;
  return states;
}

}  // namespace

TEST_CASE("filter change: what both filters take is taken at every moment in between") {
  RandomWorld world(20261122);
  std::uint64_t common = 0;
  std::uint64_t missed = 0;
  for (int round = 0; round < 60000; ++round) {
    const FilterState from = world.filter();
    const FilterState to = world.filter();
    const auto states = states_on_the_way(from, plan_transition(from, to));
    for (int i = 0; i < 40; ++i) {
      const Flow flow = world.flow();
      const Link link = world.link();
      if (!FilterModel(from).takes(flow, link) || !FilterModel(to).takes(flow, link)) continue;
      ++common;
      for (const FilterState& state : states)
        missed += !FilterModel(state).takes(flow, link);
    }
  }
  CHECK(common > 1000);
  CHECK(missed == 0);
}

TEST_CASE("filter change: it ends at the new filter, with what is not its own as it was") {
  RandomWorld world(7);
  for (int round = 0; round < 100; ++round) {
    FilterState from = world.filter();
    from.settings.wall_offset_ns = 123;
    from.settings.tunnel_ports[0] = 4789;
    const FilterState to = world.filter();
    const FilterState last = states_on_the_way(from, plan_transition(from, to)).back();
    CHECK(last.tables == to.tables);
    CHECK(last.settings.flags == to.settings.flags);
    CHECK(last.settings.wall_offset_ns == 123);
    CHECK(last.settings.tunnel_ports[0] == 4789);
  }
}

TEST_CASE(
    "filter change: what the programs remember of addresses is void before and after the tables "
    "change") {
  RandomWorld world(11);
  const FilterState from = world.filter();
  const Transition transition = plan_transition(from, world.filter());
  CHECK(transition.meanwhile.generation != from.settings.generation);
  CHECK(transition.after.generation != from.settings.generation);
  CHECK(transition.after.generation != transition.meanwhile.generation);
}

TEST_CASE("filter change: to the same filter nothing is written to the tables") {
  RandomWorld world(3);
  const FilterState filter = world.filter();
  const Transition transition = plan_transition(filter, filter);
  CHECK(transition.additions.empty());
  CHECK(transition.removals.empty());
}
