# SPDX-License-Identifier: Apache-2.0
# The images that ship with hull: root filesystems as tar files in build/share/hull/images. hulld imports one
# when its name is asked for and no such image is there.
set(HULL_IMAGES ${CMAKE_BINARY_DIR}/share/hull/images)
add_executable(hello images/hello/hello.cpp)
set_target_properties(hello PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/images/hello)
hull_bare(hello)
target_link_options(hello PRIVATE -s)
add_custom_command(
  OUTPUT ${HULL_IMAGES}/hello.tar
  COMMAND ${CMAKE_COMMAND} -E make_directory ${HULL_IMAGES}
  COMMAND tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C ${CMAKE_BINARY_DIR}/images/hello
          -cf ${HULL_IMAGES}/hello.tar hello
  DEPENDS hello
  VERBATIM)
add_custom_target(images ALL DEPENDS ${HULL_IMAGES}/hello.tar)
install(FILES ${HULL_IMAGES}/hello.tar DESTINATION share/hull/images)
