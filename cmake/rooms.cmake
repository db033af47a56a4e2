# SPDX-License-Identifier: Apache-2.0
# hull_room(<name> [USES <room>…] [LIBRARIES <target>…])
#
# One folder in src/ is one library target hull_<name>. Its headers can be included as "<name>/x.h" only by
# targets that link it, because every room has an include directory of its own (a link in the build tree):
# a wrong #include does not build.
function(hull_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/rooms/${name})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${CMAKE_BINARY_DIR}/rooms/${name}/${name} SYMBOLIC)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  list(TRANSFORM ROOM_USES PREPEND hull_ OUTPUT_VARIABLE rooms)
  if(sources)
    add_library(hull_${name} STATIC ${sources})
    target_include_directories(hull_${name} PUBLIC ${CMAKE_BINARY_DIR}/rooms/${name})
    target_link_libraries(hull_${name} PUBLIC ${rooms} ${ROOM_LIBRARIES})
  else()
    add_library(hull_${name} INTERFACE)
    target_include_directories(hull_${name} INTERFACE ${CMAKE_BINARY_DIR}/rooms/${name})
    target_link_libraries(hull_${name} INTERFACE ${rooms} ${ROOM_LIBRARIES})
  endif()
endfunction()
