// SPDX-License-Identifier: Apache-2.0
#include "capture/attachment.hpp"

namespace caprock::capture {

std::string_view to_string(Hook hook) {
  switch (hook) {
    case Hook::kTcx:
      return "tcx";
    case Hook::kClsact:
      return "clsact";
    case Hook::kNetkit:
      return "netkit";
    case Hook::kXdpNative:
      return "xdp";
    case Hook::kXdpGeneric:
      break;
  }
  return "xdp (generic)";
}

}  // namespace caprock::capture
