# SPDX-License-Identifier: Apache-2.0
# The rooms: who may use whom, and which library belongs to which room. See rooms.cmake for what
# hull_room() does with this. The order is the design's: a room uses rooms above it, never below.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
find_package(BZip2 REQUIRED)
find_package(ZLIB REQUIRED)

# libarchive's archive, not its shared library: we use its tar reader and writer, the shared library brings libxml2, ICU
# and nettle for formats that we do not use, 1.2 MiB of the engine's memory at rest.
find_library(HULL_ARCHIVE NAMES libarchive.a REQUIRED)

# libyaml's archive for the same reason: it reads files that are seldom there.
find_library(HULL_YAML NAMES libyaml.a REQUIRED)

hull_room(base)
hull_room(linux USES base oci LIBRARIES seccomp Threads::Threads)  # by name: some programs are static
hull_room(oci USES base LIBRARIES ${HULL_YAML})
hull_room(dockerfile USES base oci)
hull_room(archive USES base oci LIBRARIES ${HULL_ARCHIVE} PkgConfig::ISAL PkgConfig::ZSTD PkgConfig::LZMA
          BZip2::BZip2 ZLIB::ZLIB OpenSSL::Crypto Threads::Threads)
hull_room(tls USES linux LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
hull_room(settings USES base oci)
hull_room(http USES linux tls LIBRARIES Threads::Threads)
hull_room(runtime USES linux oci)
target_compile_options(hull_runtime PRIVATE -Os)  # its time goes into system calls
hull_room(shim USES runtime linux LIBRARIES z)  # by name: hull-shim is static
hull_room(store USES archive linux LIBRARIES SQLite::SQLite3 OpenSSL::Crypto)
hull_room(registry USES base oci archive LIBRARIES ${CMAKE_DL_LIBS})  # libcurl is loaded when it is needed
hull_room(cdi USES oci linux)
hull_room(image USES store archive registry)
hull_room(network USES store linux)
hull_room(volume USES store linux)
hull_room(container USES image network volume shim cdi)
hull_room(build USES dockerfile registry container image network shim store archive)
hull_room(api USES build container volume network image settings http tls LIBRARIES OpenSSL::SSL OpenSSL::Crypto)
hull_room(registry_server USES registry http oci linux LIBRARIES OpenSSL::Crypto crypt)
hull_room(cli USES base oci dockerfile)
