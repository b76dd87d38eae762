// SPDX-License-Identifier: Apache-2.0
// A BPF file system that nobody else sees pins in.
#pragma once

#include <stdlib.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

#include <catch2/catch_test_macros.hpp>

namespace caprock::test {

class PinDirectory {
 public:
  PinDirectory() {
    REQUIRE(::mkdtemp(root_.data()) != nullptr);
    REQUIRE(::mount("bpf", root_.c_str(), "bpf", 0, nullptr) == 0);
    std::filesystem::create_directory(path());
  }
  PinDirectory(const PinDirectory&) = delete;
  PinDirectory& operator=(const PinDirectory&) = delete;
  ~PinDirectory() {
    ::umount(root_.c_str());
    std::filesystem::remove(root_);
  }
  std::filesystem::path path() const { return std::filesystem::path(root_) / "caprock"; }

 private:
  std::string root_ = "/tmp/caprock-net-test-XXXXXX";
};

}  // namespace caprock::test
