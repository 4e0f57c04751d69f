# Finds Debian's LLVM/MLIR 22 and brings its CMake functions into scope.
#
# Everything links the shared libMLIR: its static archives pull a second copy
# of every type id into the binary, and type ids are compared by address.
find_package(MLIR 22.1 REQUIRED CONFIG)
find_package(fmt REQUIRED)
message(STATUS "MLIR: ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
set(MLIR_LINK_MLIR_DYLIB ON)
set(MLIR_BINARY_DIR ${CMAKE_BINARY_DIR}) # where add_mlir_doc writes
include(TableGen)
include(AddLLVM)
include(AddMLIR)
include(HandleLLVMOptions) # -fno-exceptions; RTTI stays on, as in Debian's build

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
# LLVM_DEFINITIONS is one string; passed as it is, its last macro is mangled.
separate_arguments(FOVEA_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_definitions(${FOVEA_LLVM_DEFINITIONS})
set(LLVM_RUNTIME_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/bin)
set(LLVM_LIBRARY_OUTPUT_INTDIR ${PROJECT_BINARY_DIR}/lib)
