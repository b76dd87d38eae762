# Every *_test.py of the folder that calls this, one ctest per requirement, under the label, with further properties. Needs root;
# skipped without.
function(caprock_traffic_tests label timeout)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(run ${CMAKE_SOURCE_DIR}/tests/lab/run.py ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.py ${CMAKE_SOURCE_DIR}/tests/lab/*.py)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})

  set(runner ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 CAPROCK=$<TARGET_FILE:caprock> ${Python3_EXECUTABLE} ${run})
  execute_process(COMMAND ${Python3_EXECUTABLE} -B ${run} --list OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
  string(STRIP "${listing}" listing)
  string(REPLACE ";" "," listing "${listing}")
  string(REPLACE "\n" ";" listing "${listing}")
  foreach(line IN LISTS listing)
    string(REGEX MATCH "^([^\t]+)\t(ON|OFF)\t(.*)$" matched "${line}")
    set(requirement "${label}: ${CMAKE_MATCH_3}")
    add_test(NAME ${requirement} COMMAND ${runner} ${CMAKE_MATCH_1})
    set_tests_properties(${requirement} PROPERTIES
      LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT ${timeout} RUN_SERIAL ${CMAKE_MATCH_2} ${ARGN})
  endforeach()
endfunction()
