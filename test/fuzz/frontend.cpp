//===- frontend.cpp - Any bytes as a program ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads, checks, formats and lowers what it is given, as `fovea check`, `fmt`
// and `compile --until-after=frontend` do.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "frontend/Format.h"
#include "frontend/Lower.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

using namespace fovea::frontend;

namespace {
/// One text as the only file of a program.
struct Source {
  explicit Source(llvm::StringRef text)
      : buffer(sources.AddNewSourceBuffer(
            llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.attn"), {})),
        diags(sources) {}

  llvm::StringRef text() const {
    return sources.getMemoryBuffer(buffer)->getBuffer();
  }

  llvm::SourceMgr sources;
  unsigned buffer;
  Diagnostics diags;
};
} // namespace

/// All that is printed can be printed.
static void print(const Diagnostics &diags) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  diags.print(stream);
  check(diags.hasErrors() == !text.empty(), "errors are printed");
}

static void formatAgain(llvm::StringRef text) {
  Source source(text);
  std::optional<std::string> once = format(source.text(), source.diags);
  check(once.has_value() != source.diags.hasErrors(),
        "what parses is formatted");
  if (!once)
    return;
  Source formatted(*once);
  std::optional<std::string> twice = format(formatted.text(), formatted.diags);
  check(twice && *twice == *once, "formatting is idempotent");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  formatAgain(text);

  Source source(text);
  Options options;
  options.searchPaths = {FOVEA_SOURCE_LIBRARY};
  auto checked =
      parseAndCheck(source.sources, source.buffer, options, source.diags);
  if (!source.diags.hasErrors()) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    loadDialects(context);
    std::string remarks;
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
      llvm::raw_string_ostream(remarks) << d << '\n';
    });
    auto module = lowerToMLIR(*checked, context, source.diags);
    check(module.get() != nullptr || source.diags.hasErrors(),
          "what is not lowered is an error");
    if (module && !source.diags.hasErrors() && failed(mlir::verify(*module))) {
      std::fputs(remarks.c_str(), stderr);
      check(false, "what is lowered is well-formed");
    }
  }
  print(source.diags);
  return 0;
}
