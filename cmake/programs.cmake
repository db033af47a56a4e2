# SPDX-License-Identifier: Apache-2.0
# hull_program(<name> [STATIC] SOURCE <file>… ROOMS <room>…): one binary in build/bin. The first file has main().
function(hull_program name)
  cmake_parse_arguments(PROGRAM "STATIC" "" "SOURCE;ROOMS" ${ARGN})
  list(GET PROGRAM_SOURCE 0 main)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${main})
    return()
  endif()
  add_executable(${name} ${PROGRAM_SOURCE})
  list(TRANSFORM PROGRAM_ROOMS PREPEND hull_ OUTPUT_VARIABLE rooms)
  target_link_libraries(${name} PRIVATE ${rooms})
  target_compile_definitions(${name} PRIVATE HULL_VERSION="${PROJECT_VERSION}")
  if(PROGRAM_STATIC AND NOT HULL_SANITIZE)
    target_link_options(${name} PRIVATE -static)
  elseif(NOT HULL_SANITIZE)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)  # only the pages that are used, no relocation
  endif()
endfunction()

# hull_bare(<target>): static, and without sanitizers, whose libraries are shared ones.
function(hull_bare name)
  target_compile_options(${name} PRIVATE -fno-sanitize=all)
  target_link_options(${name} PRIVATE -static -fno-sanitize=all)
endfunction()

hull_program(hull STATIC SOURCE src/cmd/hull.cpp ROOMS cli)
hull_program(hulld SOURCE src/cmd/hulld.cpp src/cmd/hulld_configuration.cpp ROOMS api)
hull_program(hull-dial SOURCE src/cmd/hull_dial.cpp ROOMS tls)
hull_program(hull-shim STATIC SOURCE src/cmd/hull_shim.cpp ROOMS shim)
hull_program(hull-runtime STATIC
             SOURCE src/cmd/hull_runtime.cpp src/cmd/no_demangler.cpp src/cmd/runtime_arguments.cpp src/cmd/runtime_checkpoint.cpp
                    src/cmd/runtime_control.cpp src/cmd/runtime_create.cpp src/cmd/runtime_events.cpp
                    src/cmd/runtime_exec.cpp src/cmd/runtime_files.cpp src/cmd/runtime_list.cpp src/cmd/runtime_notify.cpp src/cmd/runtime_spec.cpp
                    src/cmd/runtime_state.cpp src/cmd/runtime_update.cpp
             ROOMS runtime)
# One command a process: less to read from the disk counts for more than quicker loops.
target_compile_options(hull-runtime PRIVATE -Os)
target_link_options(hull-runtime PRIVATE ${HULL_FOLD_CODE} $<$<CONFIG:Release>:-s>)
hull_program(hull-manifest
             SOURCE src/cmd/hull_manifest.cpp src/cmd/manifest_lists.cpp src/cmd/manifest_verbs.cpp
             ROOMS registry cli)
hull_program(hull-registry
             SOURCE src/cmd/hull_registry.cpp src/cmd/registry_contents.cpp src/cmd/registry_handover.cpp
                    src/cmd/registry_serve.cpp
             ROOMS registry_server cli)
hull_program(hull-log-tls SOURCE src/cmd/hull_log_tls.cpp ROOMS linux)
target_link_libraries(hull-log-tls PRIVATE OpenSSL::SSL OpenSSL::Crypto)
# Stands by itself in a container.
add_executable(hull-init src/cmd/hull_init.cpp)
hull_bare(hull-init)
