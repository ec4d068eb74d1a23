# Install rules. Component `dev`: headers, static libraries, exported targets and the package's config, so that
# find_package(zooid) works. Component `programs` is declared with each program (zooid_program).
include_guard()
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/zooid)

install(TARGETS zooid_base zooid_placement zooid_core zooid_zooid zooid_sim
    EXPORT zooid_targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/zooid DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
    FILES_MATCHING PATTERN "*.hpp")
install(EXPORT zooid_targets NAMESPACE zooid:: DESTINATION ${package_dir} COMPONENT dev)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/zooid_config.cmake.in ${PROJECT_BINARY_DIR}/cmake/zooidConfig.cmake
    INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break the API, so only the same minor is compatible.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/zooidConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/zooidConfig.cmake ${PROJECT_BINARY_DIR}/cmake/zooidConfigVersion.cmake
    DESTINATION ${package_dir} COMPONENT dev)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT dev)
