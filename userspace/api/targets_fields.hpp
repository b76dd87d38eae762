// SPDX-License-Identifier: Apache-2.0
// The fields of the targets' structs by their JSON names.
#pragma once

#include <tuple>

#include "api/field.hpp"
#include "api/targets.hpp"

namespace caprock::api {

constexpr auto fields(const Target&) {
  using S = Target;
  return std::tuple(Field{"namespace", &S::namespace_name}, Field{"pod", &S::pod},
                    Field{"targeted", &S::targeted}, Field{"reason", &S::reason},
                    Field{"addresses", &S::addresses}, Field{"interfaces", &S::interfaces},
                    Field{"note", &S::note});
}

constexpr auto fields(const WatchedResource&) {
  using S = WatchedResource;
  return std::tuple(Field{"name", &S::name}, Field{"synced", &S::synced},
                    Field{"objects", &S::objects}, Field{"requests", &S::requests},
                    Field{"bytes", &S::bytes}, Field{"error", &S::error});
}

constexpr auto fields(const TargetsReport&) {
  using S = TargetsReport;
  return std::tuple(Field{"node", &S::node}, Field{"enabled", &S::enabled},
                    Field{"restricts", &S::restricts}, Field{"resources", &S::resources},
                    Field{"notes", &S::notes}, Field{"targets", &S::targets});
}

}  // namespace caprock::api
