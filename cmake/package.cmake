# SPDX-License-Identifier: Apache-2.0
# `make deb`: a package for Debian 12, by CPack. Its units are enabled and started by packaging/debian/postinst.
install(FILES ${CMAKE_SOURCE_DIR}/packaging/hull.service ${CMAKE_SOURCE_DIR}/packaging/hull.socket
        DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hull)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The hull authors <hull@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "container engine that speaks Docker's API")
set(CPACK_PACKAGE_DESCRIPTION "hull runs applications as OCI containers, builds and ships their images, and serves a registry.
The docker command line, Compose, the docker SDKs and other programs that talk to a Docker socket drive it unchanged.
Its own command line has the same grammar.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54), passwd, libcurl4")  # libcurl is loaded when it is needed
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, git, xz-utils")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "docker-cli, docker-compose, criu, apparmor")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
    ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
