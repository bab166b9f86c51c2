# cmake --install: programs, libraries, headers and the CMake package that find_package(renderfm) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Programs find the libraries that they load by themselves beside them, and LibTorch where this build found it; it is
# too large to copy.
set(CMAKE_BUILD_RPATH "$ORIGIN/../lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}" ${LibTorch_RPATH})

# Called once every target exists.
function(renderfm_install)
  get_property(modules GLOBAL PROPERTY RENDERFM_MODULES)
  install(TARGETS ${modules} EXPORT renderfmTargets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  get_property(programs GLOBAL PROPERTY RENDERFM_PROGRAMS)
  if(programs)
    install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/renderfm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/renderfm)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/renderfmConfig.cmake.in
    ${PROJECT_BINARY_DIR}/renderfmConfig.cmake INSTALL_DESTINATION ${package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/renderfmConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/renderfmConfig.cmake ${PROJECT_BINARY_DIR}/renderfmConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake DESTINATION ${package_dir})
  install(EXPORT renderfmTargets NAMESPACE renderfm:: DESTINATION ${package_dir})
endfunction()
