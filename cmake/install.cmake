# SPDX-License-Identifier: Apache-2.0
include(GNUInstallDirs)
foreach(program hull hulld hull-shim hull-runtime hull-init hull-dial hull-log-tls hull-manifest hull-registry)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
