# The install tree: the tools, std/ and the CMake package; runtime/ installs the
# runtime and its headers. All paths are relative, so that the tree can be moved;
# only LLVM's libraries, which are the system's, are found by an absolute path.
include(CMakePackageConfigHelpers)

set(FOVEA_CMAKE_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Fovea)

foreach(tool fovea fovea-opt fovea-lsp-server fovea-mlir-lsp-server)
  if(TARGET ${tool})
    set_target_properties(${tool} PROPERTIES INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
    install(TARGETS ${tool} EXPORT FoveaTargets
      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
if(TARGET fovea)
  add_executable(Fovea::fovea ALIAS fovea)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/frontend/std
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fovea
    FILES_MATCHING PATTERN "*.attn")
endif()

install(EXPORT FoveaTargets NAMESPACE Fovea::
  DESTINATION ${FOVEA_CMAKE_INSTALL_DIR})
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/FoveaConfig.cmake.in
  ${PROJECT_BINARY_DIR}/FoveaConfig.cmake
  INSTALL_DESTINATION ${FOVEA_CMAKE_INSTALL_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/FoveaConfig.cmake
  ${PROJECT_BINARY_DIR}/FoveaConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FoveaAddModel.cmake
  DESTINATION ${FOVEA_CMAKE_INSTALL_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/fovea)
