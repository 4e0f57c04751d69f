# fovea_add_model(TARGET FILE.attn
#   [PREFIX symbol]             default: TARGET, as a C identifier
#   [CPU cpu...]                default: the compiler's own; of several, the best
#                               that a machine has is chosen as the model is made
#   [SCHEDULES file]            what `fovea tune` wrote
#   [TRIPLE triple]             default: that of a cross build, else the compiler's own
#   [SET function.name=value]...
#   [DEPENDS file...])
#
# Compiles FILE.attn and makes TARGET, a library to link with. It brings the
# header TARGET.h, which declares the entries under the symbol prefix, and
# Fovea::runtime:
#
#   find_package(Fovea REQUIRED)
#   fovea_add_model(encoder encoder.attn)
#   target_link_libraries(app PRIVATE encoder)      # #include "encoder.h"
#
# The model is compiled again when FILE.attn, another .attn file of its folder
# or the compiler changes. FOVEA_COMPILER names another compiler, such as the
# host's in a cross build.
#
# TARGET is a static library rather than an object library: CMake refuses
# ready-made objects in the latter, and an archive can be linked through two
# paths without defining a symbol twice.
function(fovea_add_model target source)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "PREFIX;SCHEDULES;TRIPLE" "CPU;SET;DEPENDS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "fovea_add_model: expected PREFIX, CPU, SCHEDULES, TRIPLE, SET or DEPENDS, "
      "but got '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "fovea_add_model: expected a value after "
      "'${ARG_KEYWORDS_MISSING_VALUES}'")
  endif()
  get_filename_component(source "${source}" ABSOLUTE)
  if(NOT EXISTS "${source}")
    message(FATAL_ERROR "fovea_add_model: expected a file, but found no '${source}'")
  endif()
  if(FOVEA_COMPILER)
    set(compiler "${FOVEA_COMPILER}")
  elseif(TARGET Fovea::fovea)
    set(compiler Fovea::fovea)
  else()
    message(FATAL_ERROR "fovea_add_model: this installation has the runtime alone; "
      "set FOVEA_COMPILER to the path of a fovea compiler")
  endif()

  set(prefix "${ARG_PREFIX}")
  if(NOT prefix)
    string(MAKE_C_IDENTIFIER "${target}" prefix)
  endif()
  set(options --prefix "${prefix}")
  if(ARG_CPU)
    list(JOIN ARG_CPU "," cpus)
    list(APPEND options "--mcpu=${cpus}")
  endif()
  if(ARG_SCHEDULES)
    get_filename_component(schedules "${ARG_SCHEDULES}" ABSOLUTE)
    list(APPEND options --schedules "${schedules}")
    list(APPEND ARG_DEPENDS "${schedules}")
  endif()
  set(triple "${ARG_TRIPLE}")
  if(NOT triple AND CMAKE_CROSSCOMPILING)
    set(triple "${CMAKE_C_COMPILER_TARGET}")
    if(NOT triple)
      string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}-${CMAKE_SYSTEM_NAME}-gnu" triple)
    endif()
  endif()
  if(triple)
    list(APPEND options "--target=${triple}")
  endif()
  foreach(setting IN LISTS ARG_SET)
    list(APPEND options --set "${setting}")
  endforeach()

  get_filename_component(folder "${source}" DIRECTORY)
  file(GLOB neighbours CONFIGURE_DEPENDS "${folder}/*.attn")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.fovea")
  file(MAKE_DIRECTORY "${out}")
  set(object "${out}/${target}${CMAKE_C_OUTPUT_EXTENSION}")
  set(header "${out}/${target}.h")
  add_custom_command(
    OUTPUT "${object}" "${header}"
    COMMAND ${compiler} compile "${source}" -o "${object}" --header "${header}" ${options}
    DEPENDS "${source}" ${neighbours} ${ARG_DEPENDS} ${compiler}
    COMMENT "Compiling attention of ${target}"
    VERBATIM)
  add_library(${target} STATIC "${object}" "${header}")
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE "${out}")
  target_link_libraries(${target} PUBLIC Fovea::runtime)
endfunction()
