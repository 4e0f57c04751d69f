//===- json.h - Strict reading of small JSON texts --------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_JSON_H
#define FOVEA_RUNTIME_JSON_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace fovea::runtime {

/// Reads the JSON that headers of weight files are made of: objects, arrays,
/// strings and non-negative integers. The caller knows what comes next, so
/// that nothing recurses. After the first mistake every function returns false
/// and message() and offset() say what was wrong and where.
class JsonReader {
public:
  JsonReader(const char *text, size_t size)
      : begin(text), cursor(text), end(text + size) {}

  /// Skips white space and takes `symbol`, which must come next.
  bool expect(char symbol);
  /// Skips white space and takes `symbol` if it comes next.
  bool take(char symbol);
  /// A string, as UTF-8.
  bool string(std::string &value);
  /// An integer without sign, fraction or exponent that fits in 63 bits.
  bool integer(int64_t &value);
  /// True when only white space is left.
  bool atEnd();
  /// Reports a mistake of the caller's own; returns false.
  bool mistake(std::string what);

  bool failed() const { return !problem.empty(); }
  const std::string &message() const { return problem; }
  size_t offset() const { return size_t(cursor - begin); }

private:
  void skipSpace();
  bool escape(std::string &value);
  bool hexDigits(uint32_t &value);

  const char *begin, *cursor, *end;
  std::string problem;
};

} // namespace fovea::runtime

#endif
