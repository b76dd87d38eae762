// SPDX-License-Identifier: Apache-2.0
// The programs and maps of a BPF object as files in a BPF file system, for bpftool and for the next
// agent.
//
//   <pinDir>/link_…              what packets meet (link_pins.hpp)
//   <pinDir>/promiscuous_…       which mode of a device is to be taken back (promiscuous_mode.hpp)
//   <pinDir>/v1/                 programs and maps of this layout (bpf/abi/generation.h)
//   <pinDir>/v1_old_<instance>/  maps set aside: what waits in them is still to be taken
//   <pinDir>/v<other>…/          of another layout, left to the version that has it
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/result.hpp"

struct bpf_object;

namespace caprock::capture {

/// Makes it (0700) where it is missing. An error where it would not be in a BPF file system.
Status make_pin_directory(const std::filesystem::path& directory);

/// Of the layout that this version has.
std::filesystem::path generation_directory(const std::filesystem::path& pin_directory);

/// Of the same layout, set aside.
std::vector<std::filesystem::path> old_generation_directories(
    const std::filesystem::path& pin_directory);

/// Of layouts that this version cannot read: of a newer caprock, or of one too old.
std::vector<std::filesystem::path> foreign_generation_directories(
    const std::filesystem::path& pin_directory);

/// Makes room for a new generation without touching what the old one holds.
Status set_generation_aside(const std::filesystem::path& pin_directory, std::uint64_t instance);

/// The files of that directory and it: the maps go when nothing else holds them.
void remove_generation(const std::filesystem::path& directory);

/// Pins every loaded program and every created map of `object` under its name. A program replaces
/// what is pinned there; with `adopted`, the maps are those that are pinned there already. The map
/// `generation` comes last: where it is, all are.
Status pin_generation(const bpf_object* object, const std::filesystem::path& pin_directory,
                      bool adopted);

}  // namespace caprock::capture
