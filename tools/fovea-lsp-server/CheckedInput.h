//===- CheckedInput.h - Messages that the transport can take ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The transport ends the session over a message that is no JSON-RPC object,
// and its parser recurses: what it could not take is dropped here, and logged.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TOOLS_LSP_CHECKEDINPUT_H
#define FOVEA_TOOLS_LSP_CHECKEDINPUT_H

#include "llvm/Support/LSP/Transport.h"

namespace fovea::server {

class CheckedInput : public llvm::lsp::JSONTransportInput {
public:
  CheckedInput(std::FILE *file, llvm::lsp::JSONStreamStyle style)
      : JSONTransportInput(style), file(file, style) {}

  bool hasError() const final { return file.hasError(); }
  bool isEndOfInput() const final { return file.isEndOfInput(); }
  llvm::LogicalResult readDelimitedMessage(std::string &json) final;
  llvm::LogicalResult readStandardMessage(std::string &json) final;

private:
  llvm::lsp::JSONTransportInputOverFile file;
};

} // namespace fovea::server

#endif // FOVEA_TOOLS_LSP_CHECKEDINPUT_H
