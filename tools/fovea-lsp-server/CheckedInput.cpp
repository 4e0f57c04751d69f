//===- CheckedInput.cpp - Messages that the transport can take ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/CheckedInput.h"
#include "tools/fovea/JsonNesting.h"
#include "llvm/ADT/StringExtras.h"

using namespace fovea::server;
using llvm::lsp::Logger;

static llvm::LogicalResult check(const std::string &json) {
  if (llvm::StringRef(json).trim().empty())
    return llvm::failure(); // nothing but comments between two delimiters
  if (fovea::getJsonNesting(json) > fovea::maxJsonNesting) {
    Logger::error("expected a message that nests at most {0} deep",
                  fovea::maxJsonNesting);
    return llvm::failure();
  }
  llvm::Expected<llvm::json::Value> message = llvm::json::parse(json);
  if (!message) {
    Logger::error("expected a message in JSON, but found {0}",
                  llvm::toString(message.takeError()));
    return llvm::failure();
  }
  const llvm::json::Object *object = message->getAsObject();
  if (!object || object->getString("jsonrpc") != llvm::StringRef("2.0")) {
    Logger::error("expected an object with \"jsonrpc\": \"2.0\"");
    return llvm::failure();
  }
  return llvm::success();
}

llvm::LogicalResult CheckedInput::readDelimitedMessage(std::string &json) {
  return succeeded(file.readDelimitedMessage(json)) ? check(json)
                                                    : llvm::failure();
}

llvm::LogicalResult CheckedInput::readStandardMessage(std::string &json) {
  return succeeded(file.readStandardMessage(json)) ? check(json)
                                                   : llvm::failure();
}
