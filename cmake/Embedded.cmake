# The libraries that applications embed (docs/embed.md, docs/embed-assign.md): each stands alone behind a C
# interface, shared and static, and installs as a package of its own.
#
#   espalier_embedded_library(forest                        # libespalier_forest
#     TARGETS models_base models_forest models_forest_c     # the folders that it is made of
#     HEADERS models/forest/include/espalier/forest.h       # what applications include, from the root
#     MAP forest_c.map                                      # what the shared one exports
#     DESCRIPTION "Loads models of boosted trees and predicts")
#
# gives, after `cmake --install BUILD --component espalier_forest`,
#
#   find_package(espalier_forest CONFIG REQUIRED)           # COMPONENTS static: espalier::forest_static
#   target_link_libraries(app PRIVATE espalier::forest)     # include "espalier/forest.h"
#
#   cc app.c $(pkg-config --cflags --libs espalier_forest)
function(espalier_embedded_library name)
  cmake_parse_arguments(ARG "" "MAP;DESCRIPTION" "TARGETS;HEADERS" ${ARGN})
  embedded_targets(${name} "${ARG_TARGETS}" "${ARG_HEADERS}" ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_MAP})
  embedded_install(${name} "${ARG_HEADERS}" "${ARG_DESCRIPTION}")
endfunction()

# espalier_NAME_shared and espalier_NAME_static.
function(embedded_targets name targets headers map)
  set(objects)
  set(needs)
  foreach(target ${targets})
    # Objects, and not the archives of the folders, so that the static library is whole too.
    list(APPEND objects $<TARGET_OBJECTS:espalier_${target}>)
    # What the folders need beside each other; nlohmann_json has nothing to link.
    get_target_property(libraries espalier_${target} LINK_LIBRARIES)
    list(APPEND needs ${libraries})
    # Code that an application may load into a library of its own, and that shows it nothing of its inside.
    set_target_properties(espalier_${target} PROPERTIES
      POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endforeach()
  list(FILTER needs EXCLUDE REGEX "^espalier|^nlohmann_json")
  list(REMOVE_DUPLICATES needs)
  set(includes)
  foreach(header ${headers})
    cmake_path(SET folder NORMALIZE ${CMAKE_SOURCE_DIR}/${header}/../..)
    list(APPEND includes ${folder})
  endforeach()
  list(REMOVE_DUPLICATES includes)

  foreach(kind SHARED STATIC)
    string(TOLOWER espalier_${name}_${kind} library)
    add_library(${library} ${kind} ${objects})
    target_link_libraries(${library} PRIVATE ${needs})
    target_include_directories(${library} INTERFACE
      "$<BUILD_INTERFACE:${includes}>$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    set_target_properties(${library} PROPERTIES OUTPUT_NAME espalier_${name} LINKER_LANGUAGE CXX)
  endforeach()
  target_link_options(espalier_${name}_shared PRIVATE
    LINKER:--version-script=${map} LINKER:--as-needed LINKER:--gc-sections
    $<TARGET_PROPERTY:espalier_options,INTERFACE_LINK_OPTIONS>)
  set_target_properties(espalier_${name}_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 1 LINK_DEPENDS ${map})
endfunction()

# The component espalier_NAME: both libraries, the headers, the CMake package and the file of pkg-config.
function(embedded_install name headers description)
  set(package espalier_${name})
  set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/${package})
  set(component COMPONENT ${package})
  set_target_properties(${package}_shared PROPERTIES EXPORT_NAME ${name})
  set_target_properties(${package}_static PROPERTIES EXPORT_NAME ${name}_static)
  foreach(kind shared static)
    install(TARGETS ${package}_${kind} EXPORT ${package}-${kind}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component} NAMELINK_COMPONENT ${package}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component})
    install(EXPORT ${package}-${kind} NAMESPACE espalier:: DESTINATION ${package_folder} ${component})
  endforeach()
  list(TRANSFORM headers PREPEND ${CMAKE_SOURCE_DIR}/)
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier ${component})

  get_target_property(needs ${package}_static LINK_LIBRARIES)
  embedded_find_lines(find_lines "${needs}")
  set(config ${CMAKE_BINARY_DIR}/${package}-config)
  configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/embedded-config.cmake.in ${config}.cmake
    INSTALL_DESTINATION ${package_folder})
  write_basic_package_version_file(${config}-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${config}.cmake ${config}-version.cmake DESTINATION ${package_folder} ${component})

  set_property(GLOBAL PROPERTY link_line_seen)
  link_line(private_libraries ${needs})
  list(JOIN private_libraries " " private_libraries)
  # The prefix is found from the file itself, so that an installed tree can be moved.
  file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  configure_file(${CMAKE_SOURCE_DIR}/cmake/embedded.pc.in ${CMAKE_BINARY_DIR}/${package}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${component})
endfunction()

# How a consumer finds the packages that link targets come from: "absl::status;absl::strings" -> absl, once.
function(embedded_find_lines out targets)
  list(TRANSFORM targets REPLACE "::.*" "")
  list(REMOVE_DUPLICATES targets)
  set(lines)
  foreach(package ${targets})
    if(package STREQUAL PkgConfig)
      list(APPEND lines "find_dependency(PkgConfig)" "pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)")
    elseif(package STREQUAL protobuf)
      # As in our own Dependencies.cmake.
      list(APPEND lines "find_package(Protobuf CONFIG QUIET)" "if(NOT Protobuf_FOUND)"
        "  find_dependency(Protobuf MODULE)" "endif()")
    elseif(package STREQUAL Threads)
      list(APPEND lines "find_dependency(Threads)")
    else()
      list(APPEND lines "find_dependency(${package} CONFIG)")
    endif()
  endforeach()
  list(JOIN lines "\n  " lines)
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

# link_line(OUT TARGETS...): the linker's words for imported targets and what they need, users before the used.
function(link_line out)
  get_property(seen GLOBAL PROPERTY link_line_seen)
  set(line)
  foreach(target ${ARGN})
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" target "${target}")
    if(target STREQUAL "Threads::Threads")
      set(target -pthread)
    endif()
    # Words that only group others lose their place here, and generator expressions are not for pkg-config.
    if(target IN_LIST seen OR target MATCHES "^$|^-Wl,|^\\$<|NOTFOUND$")
      continue()
    endif()
    list(APPEND seen ${target})
    set_property(GLOBAL PROPERTY link_line_seen ${seen})
    # A library by its path, as a pkg-config target names it.
    string(REGEX REPLACE "^/.*/lib([^/]+)\\.(so|a)$" "-l\\1" words ${target})
    if(TARGET ${target})
      get_target_property(needs ${target} INTERFACE_LINK_LIBRARIES)
      link_line(words ${needs})
      get_property(seen GLOBAL PROPERTY link_line_seen)
      get_target_property(type ${target} TYPE)
      if(NOT type STREQUAL INTERFACE_LIBRARY)
        get_target_property(location ${target} LOCATION)
        cmake_path(GET location STEM name)
        string(REGEX REPLACE "^lib" "-l" name ${name})
        list(PREPEND words ${name})
      endif()
    endif()
    list(PREPEND line ${words})
  endforeach()
  set(${out} ${line} PARENT_SCOPE)
endfunction()
