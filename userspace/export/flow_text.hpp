// SPDX-License-Identifier: Apache-2.0
// Addresses and flows as events write them: CAPROCK_ADDRESSES, CAPROCK_FLOW in
// docs/formats/events.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "export/packet_flow.hpp"

namespace caprock::exporting {

/// "10.0.0.1", "fd00::1".
std::optional<Address> parse_address(std::string_view text);

/// "10.77.0.2 fd77::2"; what is no address is left out.
std::vector<Address> parse_addresses(std::string_view text);

/// "TCP 10.0.0.1:4000 > 10.0.0.2:80", "UDP [fd00::1]:53 > [fd00::2]:4000".
std::optional<Flow> parse_flow(std::string_view text);

/// "TCP", "UDP".
std::string_view protocol_text(const Flow& flow);

/// "10.0.0.1:80", "[fd00::1]:80".
std::string end_text(const FlowEnd& end);

}  // namespace caprock::exporting
