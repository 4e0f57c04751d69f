//===- Options.cpp - Options that subcommands share -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Options.h"
#include "tools/fovea/JsonNesting.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

using namespace fovea;
namespace cl = llvm::cl;

tool::SourceOptions::SourceOptions(cl::SubCommand &parser)
    : settings("set", cl::value_desc("FUNCTION.NAME=VALUE"),
               cl::desc("Set a size, a compile-time parameter, or T"),
               cl::sub(parser)),
      searchPaths("I", cl::Prefix, cl::value_desc("directory"),
                  cl::desc("Look here for modules"), cl::sub(parser)) {}

tool::ProgramOptions::ProgramOptions(cl::SubCommand &parser)
    : file(cl::Positional, cl::Required, cl::desc("FILE.attn"),
           cl::sub(parser)),
      cpuNames("mcpu", cl::CommaSeparated, cl::value_desc("cpu,..."),
               cl::desc("The CPUs to generate code for: native (default), "
                        "x86-64-v3, znver4, …"),
               cl::sub(parser)),
      triple("target", cl::value_desc("triple"),
             cl::desc("The architecture and system to generate code for, such "
                      "as aarch64-linux-gnu (default: this machine's)"),
             cl::sub(parser)),
      schedules("schedules", cl::value_desc("file"),
                cl::desc("Take the schedules that `fovea tune` wrote here"),
                cl::sub(parser)),
      source(parser) {}

llvm::Expected<std::vector<emit::Target>>
tool::ProgramOptions::makeTargets() const {
  std::vector<std::string> names(cpuNames.begin(), cpuNames.end());
  auto targets = emit::makeTargets(names, triple);
  if (!targets || schedules.empty())
    return targets;
  auto measured = readSchedules(schedules);
  if (!measured)
    return measured.takeError();
  auto shared =
      std::make_shared<const attn::MeasuredSchedules>(std::move(*measured));
  for (emit::Target &target : *targets)
    target.cpu.schedules = shared;
  return targets;
}

llvm::Expected<std::vector<emit::Target>>
tool::ProgramOptions::makeTargetsToRun() const {
  auto targets = makeTargets();
  if (!targets)
    return targets;
  const llvm::Triple &its = targets->front().machine->getTargetTriple();
  llvm::Triple process(llvm::sys::getProcessTriple());
  if (its.getArch() != process.getArch() || its.getOS() != process.getOS())
    return llvm::createStringError("expected the --target of this machine to "
                                   "run a program, but found '" +
                                   triple + "'");
  for (emit::Target &target : *targets)
    target.isSanitized = LLVM_ADDRESS_SANITIZER_BUILD;
  return targets;
}

llvm::Expected<emit::Target>
tool::ProgramOptions::makeTarget(bool isRun) const {
  auto targets = isRun ? makeTargetsToRun() : makeTargets();
  if (!targets)
    return targets.takeError();
  if (targets->size() > 1)
    return llvm::createStringError("expected one CPU in --mcpu, but found " +
                                   llvm::Twine(targets->size()));
  return std::move(targets->front());
}

llvm::Expected<attn::MeasuredSchedules>
tool::readSchedules(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + path +
                                       "': " + buffer.getError().message());
  llvm::StringRef text = (*buffer)->getBuffer();
  if (unsigned nesting = getJsonNesting(text); nesting > maxJsonNesting)
    return llvm::createStringError("expected schedules that nest at most " +
                                   llvm::Twine(maxJsonNesting) + " deep in '" +
                                   path + "', but found brackets " +
                                   llvm::Twine(nesting) + " deep");
  return attn::MeasuredSchedules::parse(text, path);
}

tool::EntryOptions::EntryOptions(cl::SubCommand &parser)
    : name("entry", cl::value_desc("name"),
           cl::desc("Which entry of the program"), cl::sub(parser)),
      sizes("size", cl::CommaSeparated, cl::value_desc("INDEX=N,..."),
            cl::desc("Sizes of indices"), cl::sub(parser)),
      inputs("in", cl::value_desc("NAME=FILE.npy|N|N,N,..."),
             cl::desc("An input: a file, a number for every element, or one "
                      "for each"),
             cl::sub(parser)) {}

tool::RunOptions::RunOptions(cl::SubCommand &parser)
    : weights("weights", cl::value_desc("FILE.safetensors"),
              cl::desc("Read the parameters"), cl::sub(parser)),
      seed("random", cl::value_desc("seed"),
           cl::desc("Draw the inputs that are not given"), cl::sub(parser)),
      threads("threads", cl::value_desc("n"), cl::init(0),
              cl::desc("Threads to run on (default: all)"), cl::sub(parser)) {}

llvm::Expected<std::optional<uint64_t>> tool::RunOptions::readSeed() const {
  if (seed.empty())
    return std::nullopt;
  uint64_t value;
  if (llvm::StringRef(seed).getAsInteger(10, value))
    return llvm::createStringError("expected --random SEED with a number of "
                                   "at least 0, but found '" +
                                   seed + "'");
  return value;
}
