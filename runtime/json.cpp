//===- json.cpp - Strict reading of small JSON texts ----------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/json.h"

#include <charconv>

using namespace fovea::runtime;

bool JsonReader::mistake(std::string what) {
  if (problem.empty())
    problem = std::move(what);
  return false;
}

void JsonReader::skipSpace() {
  while (cursor != end && (*cursor == ' ' || *cursor == '\t' ||
                           *cursor == '\n' || *cursor == '\r'))
    ++cursor;
}

bool JsonReader::take(char symbol) {
  if (failed())
    return false;
  skipSpace();
  if (cursor == end || *cursor != symbol)
    return false;
  ++cursor;
  return true;
}

bool JsonReader::expect(char symbol) {
  return take(symbol) || mistake(std::string("expected '") + symbol + "'");
}

bool JsonReader::atEnd() {
  skipSpace();
  return cursor == end;
}

bool JsonReader::integer(int64_t &value) {
  if (failed())
    return false;
  skipSpace();
  const char *first = cursor;
  if (cursor == end || *cursor < '0' || *cursor > '9')
    return mistake("expected a non-negative integer");
  auto [after, status] = std::from_chars(cursor, end, value);
  if (status != std::errc())
    return mistake("integer exceeds 2^63 - 1");
  cursor = after;
  if (*first == '0' && cursor - first > 1)
    return mistake("integer begins with 0");
  if (cursor != end && (*cursor == '.' || *cursor == 'e' || *cursor == 'E'))
    return mistake("expected an integer, found a fraction or an exponent");
  return true;
}

bool JsonReader::hexDigits(uint32_t &value) {
  value = 0;
  for (int i = 0; i < 4; ++i, ++cursor) {
    char c = cursor != end ? *cursor : '\0';
    if (c >= '0' && c <= '9')
      value = value * 16 + uint32_t(c - '0');
    else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      value = value * 16 + uint32_t((c | 0x20) - 'a' + 10);
    else
      return mistake("expected four hexadecimal digits");
  }
  return true;
}

static void appendUtf8(std::string &text, uint32_t code) {
  if (code < 0x80) {
    text += char(code);
  } else if (code < 0x800) {
    text += char(0xc0 | code >> 6);
    text += char(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += char(0xe0 | code >> 12);
    text += char(0x80 | (code >> 6 & 0x3f));
    text += char(0x80 | (code & 0x3f));
  } else {
    text += char(0xf0 | code >> 18);
    text += char(0x80 | (code >> 12 & 0x3f));
    text += char(0x80 | (code >> 6 & 0x3f));
    text += char(0x80 | (code & 0x3f));
  }
}

/// What follows a backslash.
bool JsonReader::escape(std::string &value) {
  if (cursor == end)
    return mistake("string does not end");
  switch (char c = *cursor++) {
  case '"':
  case '\\':
  case '/':
    value += c;
    return true;
  case 'b':
    value += '\b';
    return true;
  case 'f':
    value += '\f';
    return true;
  case 'n':
    value += '\n';
    return true;
  case 'r':
    value += '\r';
    return true;
  case 't':
    value += '\t';
    return true;
  case 'u':
    break;
  default:
    return mistake("unknown escape in a string");
  }

  uint32_t code, low;
  if (!hexDigits(code))
    return false;
  bool isLow = code >= 0xdc00 && code < 0xe000;
  bool isHigh = code >= 0xd800 && code < 0xdc00;
  if (isLow)
    return mistake("surrogate without its first half");
  if (isHigh) {
    if (end - cursor < 2 || cursor[0] != '\\' || cursor[1] != 'u')
      return mistake("surrogate without its second half");
    cursor += 2;
    if (!hexDigits(low))
      return false;
    if (low < 0xdc00 || low >= 0xe000)
      return mistake("surrogate without its second half");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code == 0)
    return mistake("string contains a zero byte");
  appendUtf8(value, code);
  return true;
}

bool JsonReader::string(std::string &value) {
  value.clear();
  if (!take('"'))
    return mistake("expected a string");
  while (cursor != end) {
    char c = *cursor++;
    if (c == '"')
      return true;
    if (static_cast<unsigned char>(c) < 0x20)
      return mistake("control character in a string");
    if (c != '\\')
      value += c;
    else if (!escape(value))
      return false;
  }
  return mistake("string does not end");
}
