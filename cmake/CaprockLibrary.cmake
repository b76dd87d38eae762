# One library per folder of userspace, with the same warnings and the same include root for all.
#
#   caprock_library(store LINK pcapng core SYSTEM fmt::fmt)
#
# LINK names libraries of ours (scripts/check-layers holds them to the table in docs/architecture.md), SYSTEM everything else.

add_library(caprock_options INTERFACE)
target_compile_options(caprock_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror=return-type
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>)
target_include_directories(caprock_options INTERFACE ${CMAKE_SOURCE_DIR}/userspace ${CMAKE_SOURCE_DIR}/bpf)
target_compile_definitions(caprock_options INTERFACE _GNU_SOURCE CAPROCK_VERSION="${PROJECT_VERSION}")
if(CAPROCK_SANITIZE)
  target_compile_options(caprock_options INTERFACE -fsanitize=${CAPROCK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(caprock_options INTERFACE -fsanitize=${CAPROCK_SANITIZE})
endif()

function(caprock_library name)
  cmake_parse_arguments(ARG "" "" "LINK;SYSTEM" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(caprock_${name} STATIC ${sources})
  list(TRANSFORM ARG_LINK PREPEND caprock_)
  target_link_libraries(caprock_${name} PUBLIC caprock_options ${ARG_LINK} ${ARG_SYSTEM})
endfunction()

# A Catch2 executable of all the .cpp files of this folder, found by ctest case by case.
function(caprock_test name)
  cmake_parse_arguments(ARG "" "" "LINK;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit) # an empty one would take the next property for its value
  endif()
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(TRANSFORM ARG_LINK PREPEND caprock_)
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE ${ARG_LINK} Catch2::Catch2WithMain)
  catch_discover_tests(${name}_test TEST_PREFIX "${name}: " PROPERTIES LABELS "${ARG_LABELS}" SKIP_RETURN_CODE 4
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endfunction()
