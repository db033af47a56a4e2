# SPDX-License-Identifier: Apache-2.0
# tests/unit/<room>/*_test.cpp become build/tests/test_<room>.
find_package(GTest REQUIRED)
enable_testing()
include(GoogleTest)
foreach(room base linux oci dockerfile tls http settings archive runtime shim store registry cdi image network volume container build api registry_server cli)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${room}/*_test.cpp)
  if(NOT sources)
    continue()
  endif()
  add_executable(test_${room} ${sources})
  set_target_properties(test_${room} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(test_${room} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz)
  target_compile_options(test_${room} PRIVATE -O0)  # what they test is optimized; they themselves run once
  target_link_libraries(test_${room} PRIVATE hull_${room} GTest::gtest GTest::gmock GTest::gtest_main)
  if(TARGET hull-${room})  # tests of a room that has a program of its own run that program
    add_dependencies(test_${room} hull-${room})
  endif()
  add_test(NAME unit_${room} COMMAND test_${room})
endforeach()

target_compile_definitions(test_dockerfile PRIVATE HULL_CORPUS="${CMAKE_SOURCE_DIR}/tests/corpus")
target_include_directories(test_dockerfile PRIVATE ${CMAKE_SOURCE_DIR}/tests/conformance/dockerfile)
# Answers questions about Dockerfiles for tests/conformance/test_dockerfile_language.py.
add_executable(dockerfile_answers ${CMAKE_SOURCE_DIR}/tests/conformance/dockerfile/ours.cpp)
set_target_properties(dockerfile_answers PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(dockerfile_answers PRIVATE hull_dockerfile)
