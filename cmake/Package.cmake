# What `cmake --install` puts beside the program: the forest as a library of its own, for find_package(espalier).
#
#   find_package(espalier CONFIG REQUIRED)
#   target_link_libraries(app PRIVATE espalier::models_forest)      #include "models/forest/forest.h"
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/espalier)
set(include_folder ${CMAKE_INSTALL_INCLUDEDIR}/espalier)

foreach(library models_base models_forest)
  set_target_properties(espalier_${library} PROPERTIES EXPORT_NAME ${library})
endforeach()
set_target_properties(espalier_options PROPERTIES EXPORT_NAME options)

install(TARGETS espalier_options espalier_models_base espalier_models_forest
  EXPORT espalier-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${include_folder})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/models/base DESTINATION ${include_folder}/models FILES_MATCHING PATTERN "*.h"
  PATTERN include EXCLUDE PATTERN c_seam.h EXCLUDE PATTERN caller_struct.h EXCLUDE)
install(FILES models/forest/category_names.h models/forest/ensemble.h models/forest/forest.h models/forest/read_ensemble.h
  DESTINATION ${include_folder}/models/forest)
install(EXPORT espalier-targets NAMESPACE espalier:: DESTINATION ${package_folder})

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/espalier-config.cmake.in
  ${CMAKE_BINARY_DIR}/espalier-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/espalier-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/espalier-config.cmake ${CMAKE_BINARY_DIR}/espalier-config-version.cmake
  DESTINATION ${package_folder})
