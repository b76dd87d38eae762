// SPDX-License-Identifier: Apache-2.0
// How a document's structs name their members: fields(), a tuple of these, beside each of them.
#pragma once

namespace caprock::api {

template <class Owner, class T>
struct Field {
  const char* name;  // in JSON
  T Owner::*member;
};

template <class T>
concept Described = requires(const T& value) {
  fields(value);
};

}  // namespace caprock::api
