// SPDX-License-Identifier: Apache-2.0
// caprock: flight recorder for network traffic.
#include "cli/application.hpp"

int main(int argc, char** argv) {
  return caprock::cli::run(argc, argv);
}
