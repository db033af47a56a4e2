# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
foreach(program hull hulld hull-shim hull-runtime hull-init hull-dial hull-log-tls hull-manifest hull-registry)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# What the tables of commands say, for man(1) and for the shells: written by the programs themselves.
set(HULL_SHARE ${CMAKE_BINARY_DIR}/documents)
set(HULL_BIN ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
add_custom_command(
  OUTPUT ${HULL_SHARE}/documents.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${HULL_SHARE}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${HULL_SHARE}/man1
  COMMAND ${HULL_BIN}/hull __document --form man ${HULL_SHARE}/man1
  COMMAND ${HULL_BIN}/hull manifest __document man ${HULL_SHARE}/man1
  COMMAND ${HULL_BIN}/hull registry __document man ${HULL_SHARE}/man1
  COMMAND ${HULL_BIN}/hull completion bash > ${HULL_SHARE}/hull.bash
  COMMAND ${HULL_BIN}/hull completion zsh > ${HULL_SHARE}/hull.zsh
  COMMAND ${HULL_BIN}/hull completion fish > ${HULL_SHARE}/hull.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${HULL_SHARE}/documents.stamp
  DEPENDS hull hull-manifest hull-registry
  COMMENT "Writing man pages and completions")
add_custom_target(documents ALL DEPENDS ${HULL_SHARE}/documents.stamp)
install(DIRECTORY ${HULL_SHARE}/man1/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES ${HULL_SHARE}/hull.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME hull)
install(FILES ${HULL_SHARE}/hull.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _hull)
install(FILES ${HULL_SHARE}/hull.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
