// SPDX-License-Identifier: Apache-2.0
// Takes what a list and the watches after it tell of the objects of one resource.
#pragma once

#include <nlohmann/json.hpp>

namespace caprock::kubernetes {

class ObjectSink {
 public:
  virtual ~ObjectSink() = default;

  /// A list begins; one that had begun before will not end.
  virtual void list_begins() = 0;
  virtual void listed(const nlohmann::json& object) = 0;
  /// All that there is has been listed.
  virtual void list_ends() = 0;

  /// It is new or not as it was.
  virtual void changed(const nlohmann::json& object) = 0;
  virtual void gone(const nlohmann::json& object) = 0;
};

}  // namespace caprock::kubernetes
