//===- TestProgram.cpp ----------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

#include <cstring>

using namespace fovea::test;

namespace {
enum { B, H, G, D, R, symbolCount };
enum { X, K, Flags, Shift, N, Y, Z };

template <int Rank>
struct MemRef {
  float *allocated, *aligned;
  int64_t offset, sizes[Rank], strides[Rank];
};

constexpr int64_t rangeOfR[] = {FOVEA_CODE_CONST, 2, FOVEA_CODE_INPUT, N,
                                FOVEA_CODE_MUL};
constexpr fovea_symbol symbols[] = {
    {"b", nullptr, 0, FOVEA_SYMBOL_SOLVED, 0},
    {"h", nullptr, 0, FOVEA_SYMBOL_SOLVED, 0},
    {"g", nullptr, 0, FOVEA_SYMBOL_SOLVED, 0},
    {"d", nullptr, 4, FOVEA_SYMBOL_FIXED, 0},
    {"r", rangeOfR, 0, FOVEA_SYMBOL_COMPUTED, 5},
};
constexpr int64_t b[] = {~int64_t(B)}, h[] = {~int64_t(H)},
                  hg[] = {~int64_t(H), ~int64_t(G)}, d[] = {~int64_t(D)},
                  r[] = {~int64_t(R)};
constexpr fovea_dim xDims[] = {{b, 1}, {hg, 2}, {d, 1}};
constexpr fovea_dim kDims[] = {{b, 1}, {h, 1}};
constexpr fovea_dim zDims[] = {{r, 1}};
constexpr fovea_tensor_desc inputs[] = {
    {"x", xDims, FOVEA_F32, 3, 0, 0},
    {"k", kDims, FOVEA_F32, 2, 0, 0},
    {"flags", xDims, FOVEA_BOOL, 1, 0, 0},
    {"shift", nullptr, FOVEA_F32, 0, FOVEA_TENSOR_SCALAR, 0},
    {"n", nullptr, FOVEA_I32, 0, FOVEA_TENSOR_SCALAR, 0},
};
constexpr fovea_tensor_desc outputs[] = {
    {"y", xDims, FOVEA_F32, 3, 0, 16},
    {"z", zDims, FOVEA_F32, 1, 0, 0},
};
constexpr const char *requirements[] = {"n must not be 12", "n must not be 13"};

template <typename T>
const T &get(const fovea_invocation &call, int number) {
  return *static_cast<const T *>(call.tensors[number]);
}

/// One row of y, by way of the scratch memory and the workspace.
void computeRow(void *argument, int64_t row, void *scratch) {
  auto &call = *static_cast<const fovea_invocation *>(argument);
  auto &x = get<MemRef<3>>(call, X), &y = get<MemRef<3>>(call, Y);
  auto &k = get<MemRef<2>>(call, K);
  float shift = get<float>(call, Shift) + float(get<int32_t>(call, N));
  int64_t group = call.symbols[G], hg = call.symbols[H] * group;
  int64_t b = row / hg, h = row % hg / group;
  auto *copy = static_cast<float *>(scratch);
  std::memcpy(copy, x.aligned + b * x.strides[0] + row % hg * x.strides[1],
              4 * sizeof(float));
  float factor = k.aligned[b * k.strides[0] + h];
  float *target = y.aligned + b * y.strides[0] + row % hg * y.strides[1];
  for (int64_t d = 0; d < call.symbols[D]; ++d)
    target[d] = copy[d] * factor + shift;
  static_cast<char *>(call.workspace)[row] = 1;
}

int32_t run(const fovea_invocation *call) {
  int32_t n = get<int32_t>(*call, N);
  if (n == 13)
    return 2;
  const int64_t *sizes = call->symbols;
  call->parallel_for(call->pool, computeRow,
                     const_cast<fovea_invocation *>(call),
                     sizes[B] * sizes[H] * sizes[G], 4 * sizeof(float));
  auto &z = get<MemRef<1>>(*call, Z);
  for (int64_t i = 0; i < sizes[R]; ++i)
    z.aligned[i] = float(i);
  *call->clamped = n == 14 ? 1 : n == 15 ? 99 : 0;
  return 0;
}

int64_t workspaceSize(const int64_t *sizes) {
  return sizes[B] * sizes[H] * sizes[G];
}

const fovea_entry entry = makeEntry();
} // namespace

fovea_entry fovea::test::makeEntry() {
  return {"mix", symbols,       inputs,      outputs, requirements,
          run,   workspaceSize, symbolCount, 5,       2,
          2};
}

fovea_program fovea::test::makeProgram() {
  return {FOVEA_ABI_VERSION,
          sizeof(fovea_program),
          "test",
          "generic",
          0,
          &entry,
          nullptr,
          nullptr,
          1,
          0,
          0,
          0,
          nullptr};
}
