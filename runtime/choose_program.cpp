//===- choose_program.cpp - The code for this CPU -------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/choose_program.h"

#include "runtime/cpu_features.h"

#include <cstring>

using namespace fovea::runtime;

fovea_status fovea::runtime::chooseProgram(const fovea_program &first,
                                           uint64_t features, const char *cpu,
                                           const fovea_program *&chosen,
                                           fovea_error *error) {
  // The one that lacks least is the one to tell of.
  const fovea_program *closest = nullptr;
  auto lacking = [&](const fovea_program *program) {
    return program->cpu_features & ~features;
  };
  Text<256> names;
  for (const fovea_program *each = &first; each; each = each->alternative) {
    names.append("%s%s", each == &first ? "" : ", ", each->target_cpu);
    if (*cpu && std::strcmp(cpu, each->target_cpu) != 0)
      continue;
    if (!closest || __builtin_popcountll(lacking(each)) <
                        __builtin_popcountll(lacking(closest)))
      closest = each;
    if (!lacking(closest))
      break;
  }
  if (!closest)
    return fail(
        error, FOVEA_UNSUPPORTED_CPU,
        "program '%s' was compiled for %s, but the context or FOVEA_CPU "
        "asks for '%s'",
        first.name, names.c_str(), cpu);
  chosen = closest;
  if (!lacking(closest))
    return FOVEA_OK;
  char missing[256];
  describeCpuFeatures(lacking(closest), missing, sizeof missing);
  if (*cpu)
    return fail(
        error, FOVEA_UNSUPPORTED_CPU,
        "program '%s': the context or FOVEA_CPU asks for '%s', but this "
        "CPU lacks %s",
        first.name, cpu, missing);
  bool isAlone = !first.alternative;
  return fail(error, FOVEA_UNSUPPORTED_CPU,
              "program '%s' was compiled for %s; this CPU lacks %s%s%s",
              first.name, names.c_str(), missing, isAlone ? "" : " for ",
              isAlone ? "" : closest->target_cpu);
}
