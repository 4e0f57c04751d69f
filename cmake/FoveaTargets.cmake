# The three kinds of target of this project, so that warnings and link rules
# are written once.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

function(fovea_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic
    -Wno-unused-parameter
    $<$<BOOL:${FOVEA_WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()

# fovea_precompiled_mlir(TARGET): what most files of a target include of MLIR is
# parsed once, which otherwise takes three quarters of the time of each file.
function(fovea_precompiled_mlir target)
  if(NOT FOVEA_PRECOMPILED_HEADERS)
    return()
  endif()
  if(NOT TARGET FoveaMLIRHeaders)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/mlir_headers.cpp CONTENT "")
    add_library(FoveaMLIRHeaders OBJECT ${PROJECT_BINARY_DIR}/mlir_headers.cpp)
    llvm_update_compile_flags(FoveaMLIRHeaders)
    fovea_warnings(FoveaMLIRHeaders)
    # A compiler cache knows headers by what is in them.
    target_compile_options(FoveaMLIRHeaders PRIVATE
      $<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>)
    target_precompile_headers(FoveaMLIRHeaders PRIVATE
      <mlir/Dialect/Arith/IR/Arith.h>
      <mlir/Dialect/Func/IR/FuncOps.h>
      <mlir/Dialect/LLVMIR/LLVMDialect.h>
      <mlir/Dialect/Linalg/IR/Linalg.h>
      <mlir/Dialect/Math/IR/Math.h>
      <mlir/Dialect/MemRef/IR/MemRef.h>
      <mlir/Dialect/SCF/IR/SCF.h>
      <mlir/Dialect/Tensor/IR/Tensor.h>
      <mlir/Dialect/Vector/IR/VectorOps.h>
      <mlir/IR/PatternMatch.h>
      <mlir/IR/TypeUtilities.h>
      <llvm/ADT/StringExtras.h>)
  endif()
  target_precompile_headers(${target} REUSE_FROM FoveaMLIRHeaders)
endfunction()

# fovea_compiler_library(NAME [MLIR] sources... [DEPENDS tablegen targets] [LINK libraries])
# A static library of the compiler; MLIR: one that is made of it. libMLIR is
# linked once, by the tools.
function(fovea_compiler_library name)
  cmake_parse_arguments(ARG "MLIR" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  fovea_warnings(${name})
  if(ARG_MLIR)
    fovea_precompiled_mlir(${name})
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# fovea_tool(NAME [MLIR] sources... [LINK libraries])
# An executable of the compiler, linked with the shared MLIR and LLVM.
function(fovea_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  fovea_warnings(${name})
  if(ARG_MLIR)
    # Headers parsed for -fPIC, which is among LLVM's flags, serve no file for -fPIE.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    fovea_precompiled_mlir(${name})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM fmt::fmt)
endfunction()
