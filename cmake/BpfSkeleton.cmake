# BPF programs to a skeleton header, in the build tree only.
#
#   bpf_skeleton(capture_bpf programs/capture_tc.bpf.c programs/capture_xdp.bpf.c)
#
# compiles each source for BPF, links them into one object with one set of maps, and makes the library
# capture_bpf_skeleton, which gives "capture_bpf.skel.h" to whoever links it (exactly one .cpp). Edits of headers
# rebuild it.

find_program(CLANG NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)

# arm64 publishes positions by an atomic exchange, which is of instruction set v3; v2 every verifier since 5.10 knows.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(BPF_ARCHITECTURE -mcpu=v3 -D__TARGET_ARCH_arm64)
else()
  set(BPF_ARCHITECTURE -mcpu=v2 -D__TARGET_ARCH_x86)
endif()

function(bpf_object source object)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CLANG} -target bpf ${BPF_ARCHITECTURE} -O2 -g -Wall -Wextra -Werror
            -I${CMAKE_SOURCE_DIR}/bpf -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -MD -MF ${object}.d -MT ${object}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source}
    DEPFILE ${object}.d
    COMMENT "Compiling ${source} for BPF"
    VERBATIM)
endfunction()

function(bpf_skeleton name)
  set(objects)
  foreach(source ${ARGN})
    cmake_path(GET source STEM LAST_ONLY stem)
    bpf_object(${source} ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
    list(APPEND objects ${CMAKE_CURRENT_BINARY_DIR}/${stem}.o)
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.linked.o)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/include/${name}.skel.h)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/include)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${BPFTOOL} gen skeleton ${linked} name ${name} > ${header}
    DEPENDS ${objects}
    COMMENT "Making ${name}.skel.h"
    VERBATIM)
  add_custom_target(${name}_skeleton_header DEPENDS ${header})
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_skeleton_header)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/include)
endfunction()
