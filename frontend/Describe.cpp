//===- Describe.cpp - What a program means, in words for a reader ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Describe.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fovea::frontend;
using llvm::SMRange;
using llvm::StringRef;

/// The source in `range` on one line: comments are left out, and any space is
/// one blank.
static std::string oneLine(SMRange range) {
  const char *begin = range.Start.getPointer();
  StringRef rest(begin, range.End.getPointer() - begin);
  std::string text;
  bool inString = false;
  while (!rest.empty()) {
    char c = rest.front();
    if (c == '#' && !inString) {
      rest = rest.drop_until([](char c) { return c == '\n'; });
      continue;
    }
    inString ^= c == '"';
    if (!llvm::isSpace(c))
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
    rest = rest.drop_front();
  }
  return StringRef(text).rtrim().str();
}

static StringRef elementName(Elem elem) {
  switch (elem) {
  case Elem::Unknown:
    return "value";
  case Elem::Bool:
    return "bool";
  case Elem::Int:
    return "int";
  case Elem::Real:
    return "real";
  }
  llvm_unreachable("unknown element");
}

std::string fovea::frontend::describeType(const Node *value) {
  std::string text = elementName(value->elem).str();
  llvm::SmallVector<const IndexVar *> free = freeInOrder(value, {});
  if (free.empty())
    return text;
  return text + "[" +
         llvm::join(llvm::map_range(free, [](auto *var) { return var->name; }),
                    ", ") +
         "]";
}

namespace {
/// Binding strengths, as in the language's table of operators.
enum Strength { Loosest, OrAnd, Comparison, Sum, Factor, Sign, Tight };

Strength strengthOf(const Node *node) {
  switch (node->op) {
  case NodeOp::And:
  case NodeOp::Or:
  case NodeOp::Not:
    return OrAnd;
  case NodeOp::Add:
  case NodeOp::Subtract:
    return Sum;
  case NodeOp::Multiply:
  case NodeOp::Divide:
  case NodeOp::FloorDivide:
  case NodeOp::Modulo:
    return Factor;
  case NodeOp::Negate:
  case NodeOp::Power:
    return Sign;
  default:
    return isComparison(node->op) ? Comparison : Tight;
  }
}

/// `depth` more levels are written out.
std::string expression(const Node *node, Strength context, unsigned depth) {
  if (!depth)
    return "…";
  auto operand = [&](unsigned k, Strength at) {
    return expression(node->operands[k], at, depth - 1);
  };
  auto list = [&](llvm::ArrayRef<const Node *> nodes) {
    return llvm::join(llvm::map_range(nodes,
                                      [&](const Node *each) {
                                        return expression(each, Loosest,
                                                          depth - 1);
                                      }),
                      ", ");
  };
  std::string word = spelling(node->op).str();
  Strength own = strengthOf(node);
  std::string text;
  switch (node->op) {
  case NodeOp::Integer:
    text = std::to_string(node->integer);
    break;
  case NodeOp::Real:
    text = llvm::formatv("{0}", node->real).str();
    break;
  case NodeOp::Bool:
    text = node->integer ? "true" : "false";
    break;
  case NodeOp::Static:
    text = node->name.str();
    break;
  case NodeOp::Index:
    text = node->index->name;
    break;
  case NodeOp::Size:
    text = "size(" + node->extent->name + ")";
    break;
  case NodeOp::Read:
    text = node->tensor->name;
    if (!node->operands.empty())
      text += "[" + list(node->operands) + "]";
    break;
  case NodeOp::ToReal:
    return expression(node->operands[0], context, depth);
  case NodeOp::Convert:
    text = (spelling(node->dtype) + "(" + list(node->operands) + ")").str();
    break;
  case NodeOp::Not:
    text = "not " + operand(0, Comparison);
    break;
  case NodeOp::Negate:
    text = "-" + operand(0, Tight);
    break;
  default:
    if (isBinder(node->op) || node->op == NodeOp::Fused)
      text = word + "[…]";
    else if (own == Tight)
      text = word + "(" + list(node->operands) + ")";
    else
      text = operand(0, own) + " " + word + " " +
             operand(1, static_cast<Strength>(own + 1));
  }
  return own < context ? "(" + text + ")" : text;
}
} // namespace

std::string fovea::frontend::describeExpression(const Node *node) {
  constexpr unsigned levels = 8;
  return expression(node, Loosest, levels);
}

std::string fovea::frontend::describeIndex(const IndexVar *index,
                                           const SemanticIndex &semantics) {
  const Extent *extent = index->extent;
  if (!extent)
    return index->name;
  std::string written = semantics.rangeOf(index).str();
  std::string known =
      extent->isStatic() ? std::to_string(extent->value) : std::string();
  if (written.empty() && known.empty())
    return index->name;
  std::string text =
      index->name + " in 0.." + (written.empty() ? known : written);
  return written.empty() || known.empty() || written == known
             ? text
             : text + " = " + known;
}

namespace {
template <typename Range, typename Describe>
std::string joined(StringRef open, const Range &parts, StringRef close,
                   Describe describe) {
  if (parts.empty())
    return "";
  return (open + llvm::join(llvm::map_range(parts, describe), ", ") + close)
      .str();
}

std::string describeRange(const ast::IndexName &index) {
  return index.name.text.str() +
         (index.in ? " in " + oneLine(index.in->range) : "");
}

std::string describeOperand(const ast::Operand &operand) {
  std::string text = operand.name.text.str();
  if (operand.type)
    text += ": " + oneLine(operand.type->range);
  if (operand.defaultValue)
    text += " = " + oneLine(operand.defaultValue->range);
  return text;
}

std::string describeFunction(const ast::FunctionDecl &function) {
  static constexpr StringRef words[] = {"attention ", "fn ", "entry "};
  auto name = [](const ast::Name &name) { return name.text.str(); };
  std::string text = words[function.role].str() + function.name.text.str();
  text += joined("<", function.statics, ">",
                 [&](const ast::Name &param) { return name(param) + ": int"; });
  text += joined("[", function.indices, "]", name);
  std::string operands = joined("(", function.operands, ")", describeOperand);
  text += operands.empty() ? "()" : operands;
  bool several = function.results.size() > 1;
  text += joined(several ? " -> (" : " -> ", function.results,
                 several ? ")" : "", describeOperand);
  return text + joined(" over ", function.over, "", describeRange);
}

/// The value of a constant, where it is known.
std::string describeConstant(const Node *value) {
  if (!value)
    return "";
  if (std::optional<int64_t> integer = value->asInteger())
    return std::to_string(*integer);
  return "";
}
} // namespace

std::string fovea::frontend::describeSymbol(const Symbol &symbol,
                                            const SemanticIndex &semantics) {
  const Meaning &meaning = symbol.meaning;
  std::string name = symbol.name.str();
  switch (symbol.kind) {
  case Symbol::Module:
    return "use " + (symbol.module ? symbol.module->name : name);
  case Symbol::Model:
    return "model " + name;
  case Symbol::Function:
    return describeFunction(*llvm::cast<ast::FunctionDecl>(symbol.decl));
  case Symbol::Constant: {
    std::string written = oneLine(symbol.decl->range);
    std::string known = describeConstant(meaning.value);
    bool isComputed = !known.empty() && written != name + " = " + known;
    return "const " + written + (isComputed ? " = " + known : "");
  }
  case Symbol::Param:
    return oneLine(symbol.decl->range);
  case Symbol::Static: {
    std::string known = describeConstant(meaning.value);
    return name + ": int" + (known.empty() ? "" : " = " + known);
  }
  case Symbol::Operand:
  case Symbol::Result:
    if (symbol.type)
      return name + ": " + oneLine(symbol.type->range);
    return name;
  case Symbol::Index:
    return meaning.index ? describeIndex(meaning.index, semantics) : name;
  case Symbol::Local:
    return meaning.value ? name + ": " + describeType(meaning.value) : name;
  }
  llvm_unreachable("unknown symbol");
}

/// Takes the `#` and what follows it at once off a line; false without one.
static bool takeComment(StringRef line, StringRef &comment) {
  line = line.trim();
  if (!line.consume_front("#"))
    return false;
  comment = line.ltrim("#").trim();
  return true;
}

std::string fovea::frontend::commentAbove(StringRef buffer, llvm::SMLoc loc) {
  StringRef before = buffer.take_front(loc.getPointer() - buffer.data());
  llvm::SmallVector<StringRef> lines;
  StringRef comment;
  size_t end = before.rfind('\n');
  while (end != StringRef::npos) {
    before = before.take_front(end);
    end = before.rfind('\n');
    if (!takeComment(before.substr(end + 1), comment))
      break;
    lines.push_back(comment);
  }
  return llvm::join(llvm::reverse(lines), "\n");
}

std::string fovea::frontend::leadingComment(StringRef buffer) {
  llvm::SmallVector<StringRef> lines;
  StringRef comment;
  while (!buffer.empty()) {
    auto [line, rest] = buffer.split('\n');
    if (!takeComment(line, comment))
      break;
    lines.push_back(comment);
    buffer = rest;
  }
  return llvm::join(lines, "\n");
}
