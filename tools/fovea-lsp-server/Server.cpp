//===- Server.cpp - The protocol ----------------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/Server.h"
#include "tools/fovea-lsp-server/Workspace.h"

using namespace fovea;
using namespace fovea::server;
using llvm::json::Object;
using llvm::json::Value;
using namespace llvm::lsp;

namespace {
/// What LLVM has no names for: requests about a whole document.
struct DocumentParams {
  TextDocumentIdentifier textDocument;
};

bool fromJSON(const Value &value, DocumentParams &result,
              llvm::json::Path path) {
  llvm::json::ObjectMapper map(value, path);
  return map && map.map("textDocument", result.textDocument);
}

class Server {
public:
  Server(JSONTransport &transport, const frontend::Options &options)
      : handler(transport),
        workspace(options,
                  handler.outgoingNotification<PublishDiagnosticsParams>(
                      "textDocument/publishDiagnostics")) {
    handler.method("initialize", this, &Server::onInitialize);
    handler.notification("initialized", this, &Server::onIgnored);
    handler.method("shutdown", this, &Server::onShutdown);
    handler.notification("textDocument/didOpen", this, &Server::onOpen);
    handler.notification("textDocument/didChange", this, &Server::onChange);
    handler.notification("textDocument/didClose", this, &Server::onClose);
    handler.notification("textDocument/didSave", this, &Server::onFiles);
    handler.notification("workspace/didChangeWatchedFiles", this,
                         &Server::onFiles);
    handler.method("textDocument/hover", this, &Server::onHover);
    handler.method("textDocument/definition", this, &Server::onDefinition);
    handler.method("textDocument/references", this, &Server::onReferences);
    handler.method("textDocument/documentSymbol", this, &Server::onSymbols);
    handler.method("textDocument/completion", this, &Server::onCompletion);
    handler.method("textDocument/formatting", this, &Server::onFormatting);
  }

  MessageHandler handler;
  bool isShutDown = false;

private:
  void onInitialize(const InitializeParams &, Callback<Value> reply) {
    reply(Object{
        {"serverInfo", Object{{"name", "fovea-lsp-server"}}},
        {"capabilities",
         Object{
             {"positionEncoding", "utf-16"},
             {"textDocumentSync",
              Object{{"openClose", true},
                     {"change",
                      static_cast<int>(TextDocumentSyncKind::Incremental)},
                     {"save", true}}},
             {"hoverProvider", true},
             {"definitionProvider", true},
             {"referencesProvider", true},
             {"documentSymbolProvider", true},
             {"documentFormattingProvider", true},
             {"completionProvider",
              Object{{"triggerCharacters", llvm::json::Array{"."}}}},
         }}});
  }
  void onIgnored(const NoParams &) {}
  void onShutdown(const NoParams &, Callback<std::nullptr_t> reply) {
    isShutDown = true;
    reply(nullptr);
  }

  void onOpen(const DidOpenTextDocumentParams &params) {
    const TextDocumentItem &item = params.textDocument;
    workspace.open({item.uri, item.text, item.version});
  }
  void onChange(const DidChangeTextDocumentParams &params) {
    if (!workspace.change(params.textDocument.uri, params.textDocument.version,
                          params.contentChanges))
      Logger::error("expected an open document, but found '{0}'",
                    params.textDocument.uri.uri());
  }
  void onClose(const DidCloseTextDocumentParams &params) {
    workspace.close(params.textDocument.uri);
  }
  void onFiles(const NoParams &) { workspace.refresh(); }

  /// Replies with what `ask` finds out about a document, or that it is not
  /// open.
  template <typename Result, typename Ask>
  void answer(const TextDocumentIdentifier &document, Callback<Result> &reply,
              Ask ask) {
    if (const Analysis *analysis = workspace.find(document.uri))
      return reply(ask(*analysis));
    reply(llvm::make_error<LSPError>("expected an open document, but found '" +
                                         document.uri.uri().str() + "'",
                                     ErrorCode::InvalidParams));
  }
  void onHover(const TextDocumentPositionParams &params,
               Callback<std::optional<Hover>> reply) {
    answer(params.textDocument, reply, [&](const Analysis &analysis) {
      return analysis.hover(params.position);
    });
  }
  void onDefinition(const TextDocumentPositionParams &params,
                    Callback<std::vector<Location>> reply) {
    answer(params.textDocument, reply, [&](const Analysis &analysis) {
      return analysis.definition(params.position);
    });
  }
  void onReferences(const ReferenceParams &params,
                    Callback<std::vector<Location>> reply) {
    answer(params.textDocument, reply, [&](const Analysis &analysis) {
      return analysis.references(params.position,
                                 params.context.includeDeclaration);
    });
  }
  void onSymbols(const DocumentParams &params,
                 Callback<std::vector<DocumentSymbol>> reply) {
    answer(params.textDocument, reply,
           [](const Analysis &analysis) { return analysis.symbols(); });
  }
  void onCompletion(const CompletionParams &params,
                    Callback<CompletionList> reply) {
    answer(params.textDocument, reply, [&](const Analysis &analysis) {
      return analysis.completion(params.position);
    });
  }
  void onFormatting(const DocumentParams &params,
                    Callback<std::vector<TextEdit>> reply) {
    answer(params.textDocument, reply,
           [](const Analysis &analysis) { return analysis.formatting(); });
  }

  Workspace workspace;
};
} // namespace

llvm::Expected<bool> server::serve(JSONTransport &transport,
                                   const frontend::Options &options) {
  Server server(transport, options);
  if (llvm::Error error = transport.run(server.handler))
    return std::move(error);
  return server.isShutDown;
}
