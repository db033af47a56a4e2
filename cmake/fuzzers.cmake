# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/<target>_fuzz.cpp become build/fuzz/<target>_fuzz, all of them with `ninja fuzzers`.
add_custom_target(fuzzers)
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
foreach(source ${sources})
  get_filename_component(target ${source} NAME_WE)
  add_executable(${target} EXCLUDE_FROM_ALL ${source})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_link_libraries(${target} PRIVATE hull_dockerfile hull_registry_server hull_cli -fsanitize=fuzzer,address,undefined)
  add_dependencies(fuzzers ${target})
endforeach()
