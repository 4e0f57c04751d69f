//===- Server.h - The protocol ------------------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TOOLS_LSP_SERVER_H
#define FOVEA_TOOLS_LSP_SERVER_H

#include "frontend/Frontend.h"
#include "llvm/Support/LSP/Transport.h"

namespace fovea::server {

/// Serves one session over `transport`, until the editor ends it. True when it
/// was shut down in order; an error when the input cannot be read.
llvm::Expected<bool> serve(llvm::lsp::JSONTransport &transport,
                           const frontend::Options &options);

} // namespace fovea::server

#endif // FOVEA_TOOLS_LSP_SERVER_H
