//===- ASTPrinter.cpp - The program as nested lists -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/AST.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea::frontend;
using namespace fovea::frontend::ast;

StringRef ast::spelling(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "+";
  case BinaryOp::Subtract:
    return "-";
  case BinaryOp::Multiply:
    return "*";
  case BinaryOp::Divide:
    return "/";
  case BinaryOp::FloorDivide:
    return "//";
  case BinaryOp::Modulo:
    return "%";
  case BinaryOp::Power:
    return "^";
  case BinaryOp::Equal:
    return "==";
  case BinaryOp::NotEqual:
    return "!=";
  case BinaryOp::Less:
    return "<";
  case BinaryOp::LessEqual:
    return "<=";
  case BinaryOp::Greater:
    return ">";
  case BinaryOp::GreaterEqual:
    return ">=";
  case BinaryOp::And:
    return "and";
  case BinaryOp::Or:
    return "or";
  }
  llvm_unreachable("unknown operator");
}

StringRef ast::spelling(UnaryOp op) {
  return op == UnaryOp::Negate ? "-" : "not";
}

namespace {
class Printer {
public:
  explicit Printer(llvm::raw_ostream &os) : os(os) {}

  void print(const Expr *expr) {
    switch (expr->kind) {
    case Expr::IntegerKind:
      os << llvm::cast<IntegerExpr>(expr)->value;
      return;
    case Expr::RealKind: {
      // All digits, so that two different numbers never print the same.
      char text[32];
      snprintf(text, sizeof text, "%.17g", llvm::cast<RealExpr>(expr)->value);
      os << "real " << text;
      return;
    }
    case Expr::BoolKind:
      os << (llvm::cast<BoolExpr>(expr)->value ? "true" : "false");
      return;
    case Expr::NameKind: {
      auto *name = llvm::cast<NameExpr>(expr);
      if (!name->qualifier.empty())
        os << name->qualifier << '.';
      os << name->name;
      return;
    }
    case Expr::UnaryKind: {
      auto *unary = llvm::cast<UnaryExpr>(expr);
      os << '(' << spelling(unary->op) << ' ';
      print(unary->operand);
      os << ')';
      return;
    }
    case Expr::ChainKind: {
      auto *chain = llvm::cast<ChainExpr>(expr);
      os << "(chain ";
      print(chain->first);
      for (const ChainExpr::Link &link : chain->links) {
        os << ' ' << spelling(link.op) << ' ';
        print(link.operand);
      }
      os << ')';
      return;
    }
    case Expr::BinaryKind: {
      auto *binary = llvm::cast<BinaryExpr>(expr);
      os << '(' << spelling(binary->op) << ' ';
      print(binary->lhs);
      os << ' ';
      print(binary->rhs);
      os << ')';
      return;
    }
    case Expr::CallKind: {
      auto *call = llvm::cast<CallExpr>(expr);
      os << "(call ";
      print(call->callee);
      if (!call->statics.empty()) {
        os << " <";
        print(call->statics);
        os << '>';
      }
      if (call->hasIndices)
        print(call->indices);
      os << ' ';
      print(call->arguments);
      if (call->where) {
        os << " where ";
        print(call->where);
      }
      os << ')';
      return;
    }
    case Expr::SubscriptKind: {
      auto *subscript = llvm::cast<SubscriptExpr>(expr);
      os << "(at ";
      print(subscript->base);
      os << ' ';
      print(subscript->arguments);
      os << ')';
      return;
    }
    }
  }

  void print(ArrayRef<Decl *> decls) {
    for (const Decl *decl : decls) {
      indent();
      print(decl);
      os << '\n';
    }
  }

private:
  void indent() { os.indent(2 * depth); }

  void print(ArrayRef<Argument> arguments) {
    llvm::interleaveComma(arguments, os, [&](const Argument &argument) {
      if (!argument.name.text.empty())
        os << argument.name.text << " = ";
      print(argument.value);
    });
  }

  void print(const IndexName &index) {
    os << index.name.text;
    if (!index.in)
      return;
    os << " in ";
    print(index.in->begin);
    os << "..";
    print(index.in->end);
  }

  void print(ArrayRef<IndexName> indices) {
    os << '[';
    llvm::interleaveComma(indices, os,
                          [&](const IndexName &index) { print(index); });
    os << ']';
  }

  void print(ArrayRef<Name> names) {
    os << '[';
    llvm::interleaveComma(names, os,
                          [&](const Name &name) { os << name.text; });
    os << ']';
  }

  void print(const Type *type) {
    os << (type->sorted ? "sorted " : "") << type->element.text << '[';
    llvm::interleaveComma(type->dims, os, [&](const Dim &dim) {
      os << '(';
      llvm::interleaveComma(dim.parts, os, [&](const DimPart &part) {
        if (part.size)
          print(part.size);
        else
          print(part.index);
      });
      os << ')';
    });
    os << ']';
  }

  void print(ArrayRef<Operand> operands) {
    os << '(';
    llvm::interleaveComma(operands, os, [&](const Operand &operand) {
      os << operand.name.text;
      if (operand.type) {
        os << ": ";
        print(operand.type);
      }
      if (operand.defaultValue) {
        os << " = ";
        print(operand.defaultValue);
      }
    });
    os << ')';
  }

  void print(ArrayRef<Stmt *> body) {
    ++depth;
    for (const Stmt *stmt : body) {
      indent();
      switch (stmt->kind) {
      case Stmt::LetKind:
        os << "let " << stmt->name.text;
        if (stmt->declaresIndices)
          print(stmt->indices);
        os << " = ";
        print(stmt->value);
        os << '\n';
        break;
      case Stmt::ForKind:
        os << "for ";
        print(stmt->loop);
        os << '\n';
        print(stmt->body);
        break;
      case Stmt::ResultKind:
        os << "result ";
        print(stmt->value);
        os << '\n';
        break;
      }
    }
    --depth;
  }

  void print(const Decl *decl) {
    switch (decl->kind) {
    case Decl::UseKind:
      os << "use";
      for (const Name &part : llvm::cast<UseDecl>(decl)->path)
        os << ' ' << part.text;
      return;
    case Decl::ConstKind:
      os << "const " << decl->name.text << " = ";
      print(llvm::cast<ConstDecl>(decl)->value);
      return;
    case Decl::ParamKind: {
      auto *param = llvm::cast<ParamDecl>(decl);
      os << "param " << param->name.text;
      print(param->family);
      os << ": ";
      print(param->type);
      if (!param->source.text.empty())
        os << " = " << param->source.text;
      return;
    }
    case Decl::FunctionKind: {
      auto *function = llvm::cast<FunctionDecl>(decl);
      os << (function->role == FunctionDecl::Fn          ? "fn "
             : function->role == FunctionDecl::Attention ? "attention "
                                                         : "entry ")
         << function->name.text;
      if (!function->statics.empty()) {
        os << '<';
        print(function->statics);
        os << '>';
      }
      print(function->indices);
      print(function->operands);
      if (!function->results.empty()) {
        os << " -> ";
        print(function->results);
      }
      if (!function->over.empty()) {
        os << " over ";
        print(function->over);
      }
      os << '\n';
      print(function->body);
      return;
    }
    case Decl::ModelKind:
      os << "model " << decl->name.text << '\n';
      ++depth;
      print(llvm::cast<ModelDecl>(decl)->members);
      --depth;
      return;
    }
  }

  llvm::raw_ostream &os;
  unsigned depth = 0;
};
} // namespace

void ast::print(const File &file, llvm::raw_ostream &os) {
  Printer(os).print(file.decls);
}

void ast::print(const Expr *expr, llvm::raw_ostream &os) {
  Printer(os).print(expr);
}
