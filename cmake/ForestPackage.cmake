# libespalier_forest as a package of its own, for applications that load a model themselves (docs/embed.md).
#
#   find_package(espalier_forest CONFIG REQUIRED)                    # COMPONENTS static: espalier::forest_static
#   target_link_libraries(app PRIVATE espalier::forest)              # include "espalier/forest.h" or forest.hpp
#
#   cc app.c $(pkg-config --cflags --libs espalier_forest)
#
# `cmake --install BUILD --component espalier_forest` installs this and nothing else.
set(forest_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/espalier_forest)
set(component COMPONENT espalier_forest)

set_target_properties(espalier_forest_shared PROPERTIES EXPORT_NAME forest)
set_target_properties(espalier_forest_static PROPERTIES EXPORT_NAME forest_static)
foreach(kind shared static)
  install(TARGETS espalier_forest_${kind} EXPORT espalier_forest-${kind}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component} NAMELINK_COMPONENT espalier_forest
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component})
  install(EXPORT espalier_forest-${kind} NAMESPACE espalier:: DESTINATION ${forest_package_folder} ${component})
endforeach()
install(FILES models/forest/include/espalier/forest.h models/forest/include/espalier/forest.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier ${component})

# Packages that the static library's needs come from: "absl::status;absl::strings" -> "absl".
get_target_property(forest_needs espalier_forest_static LINK_LIBRARIES)
set(forest_packages ${forest_needs})
list(TRANSFORM forest_packages REPLACE "::.*" "")
list(REMOVE_DUPLICATES forest_packages)

configure_package_config_file(cmake/espalier_forest-config.cmake.in
  ${CMAKE_BINARY_DIR}/espalier_forest-config.cmake INSTALL_DESTINATION ${forest_package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/espalier_forest-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/espalier_forest-config.cmake ${CMAKE_BINARY_DIR}/espalier_forest-config-version.cmake
  DESTINATION ${forest_package_folder} ${component})

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
    set(words ${target})
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
link_line(forest_private_libraries ${forest_needs})
list(JOIN forest_private_libraries " " forest_private_libraries)

# The prefix is found from the file itself, so that an installed tree can be moved.
file(RELATIVE_PATH forest_pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/espalier_forest.pc.in ${CMAKE_BINARY_DIR}/espalier_forest.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/espalier_forest.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${component})
