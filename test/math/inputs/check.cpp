// check STRIDE FUNCTION...: every STRIDE-th of the 2^32 numbers of f32, each
// through the kernel of the function, beside the C library's function of f64.
// Of an odd or even function the kernel must be so too, to the last bit, and
// half of the numbers are compared with that. Prints the largest error, and
// fails where it is more than docs/language.md states.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>

using Kernel = void(const float *in, float *out, int64_t count);
extern "C" Kernel exp_kernel, exp2_kernel, expm1_kernel, log_kernel,
    log2_kernel, log1p_kernel, tanh_kernel, erf_kernel, sin_kernel, cos_kernel,
    sigmoid_kernel, approximate_exp2_kernel;

namespace {

constexpr int64_t block = 4096; // numbers at a time

constexpr double inf = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

// The functions in f64; what f32 cannot tell from a limit is given without a
// call, for most numbers are very large or very small.
double exp(double x) {
  return x > 200 ? inf : x < -200 ? 0 : std::abs(x) < 0x1p-60 ? 1 : std::exp(x);
}
double exp2(double x) {
  return x > 200                 ? inf
         : x < -200              ? 0
         : std::abs(x) < 0x1p-60 ? 1
                                 : std::exp2(x);
}
double expm1(double x) {
  return x > 200                 ? inf
         : x < -200              ? -1
         : std::abs(x) < 0x1p-40 ? x
                                 : std::expm1(x);
}
double log(double x) { return x < 0 ? nan : std::log(x); }
double log2(double x) { return x < 0 ? nan : std::log2(x); }
double log1p(double x) {
  return x < -1 ? nan : std::abs(x) < 0x1p-40 ? x : std::log1p(x);
}
double tanh(double x) {
  return std::abs(x) > 50        ? std::copysign(1, x)
         : std::abs(x) < 0x1p-40 ? x
                                 : std::tanh(x);
}
double erf(double x) {
  return std::abs(x) > 50 ? std::copysign(1, x) : std::erf(x);
}
double sin(double x) { return std::sin(x); }
double cos(double x) { return std::cos(x); }
double sigmoid(double x) { return 1 / (1 + exp(-x)); }

enum class Symmetry { None, Odd, Even };

struct Function {
  const char *name;
  Kernel *kernel;
  double (*exact)(double);
  double bound; // in units in the last place of the exact result
  Symmetry symmetry = Symmetry::None;
};

constexpr Function functions[] = {
    {"exp", exp_kernel, exp, 2.5},
    {"exp2", exp2_kernel, exp2, 3},
    {"expm1", expm1_kernel, expm1, 4},
    {"log", log_kernel, log, 1.5},
    {"log2", log2_kernel, log2, 2.5},
    {"log1p", log1p_kernel, log1p, 3},
    {"tanh", tanh_kernel, tanh, 5, Symmetry::Odd},
    {"erf", erf_kernel, erf, 5, Symmetry::Odd},
    {"sin", sin_kernel, sin, 1, Symmetry::Odd},
    {"cos", cos_kernel, cos, 1, Symmetry::Even},
    {"sigmoid", sigmoid_kernel, sigmoid, 3.5},
    {"approximate_exp2", approximate_exp2_kernel, exp2, 1.1e-4 * 0x1p24},
};

/// The distance of `got` from `exact`, in units in the last place that f32 has
/// at `exact`. An overflow counts as 2^128, and 0 is as good as any number
/// below 2^-125 for a function that `flushes`.
double error(float got, double exact, bool flushes) {
  constexpr double limit = 0x1p128, small = 0x1p-125;
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : inf;
  if (flushes && exact < small)
    return got >= 0 && got <= small ? 0 : inf;
  double a = std::clamp(exact, -limit, limit),
         b = std::clamp<double>(got, -limit, limit);
  int exponent =
      static_cast<int>(std::bit_cast<uint64_t>(a) >> 52 & 0x7ff) - 1023;
  exponent = std::clamp(exponent, -126, 127);
  return std::abs(b - a) *
         std::bit_cast<double>(static_cast<uint64_t>(1023 + 23 - exponent)
                               << 52);
}

/// Whether the kernel gives the same of `-in` as of `in`, which is `out`, or
/// its negative.
bool isSymmetric(const Function &function, const float *in, const float *out,
                 int64_t count) {
  alignas(64) static float negative[block], mirrored[block];
  std::transform(in, in + count, negative, std::negate());
  function.kernel(negative, mirrored, count);
  for (int64_t i = 0; i < count; ++i) {
    float expected = function.symmetry == Symmetry::Odd ? -out[i] : out[i];
    if (mirrored[i] != expected &&
        !(std::isnan(mirrored[i]) && std::isnan(expected)))
      return std::printf("%s: %a at %a, but %a at %a\n", function.name, out[i],
                         in[i], mirrored[i], negative[i]),
             false;
  }
  return true;
}

/// Whether all errors are within the bound.
bool check(const Function &function, uint64_t stride) {
  alignas(64) static float in[block], out[block];
  // Negative numbers are those with the highest bit.
  uint64_t end = function.symmetry == Symmetry::None ? 1ull << 32 : 1ull << 31;
  bool flushes = function.exact == exp || function.exact == exp2 ||
                 function.exact == sigmoid;
  double worst = 0.5; // of the nearest number, which most results are
  float where = 0, got = 0;
  for (uint64_t first = 0; first < end; first += block * stride) {
    for (int64_t i = 0; i < block; ++i)
      in[i] = std::bit_cast<float>(static_cast<uint32_t>(first + i * stride));
    function.kernel(in, out, block);
    if (function.symmetry != Symmetry::None &&
        !isSymmetric(function, in, out, block))
      return false;
    for (int64_t i = 0; i < block; ++i) {
      double exact = function.exact(in[i]);
      if (static_cast<float>(exact) == out[i])
        continue;
      double found = error(out[i], exact, flushes);
      if (found > worst)
        worst = found, where = in[i], got = out[i];
    }
  }
  bool isGood = worst <= function.bound;
  std::printf("%s: %.2f ulp at %a, where it gives %a; %s %g\n", function.name,
              worst, where, got, isGood ? "within" : "expected at most",
              function.bound);
  return isGood;
}

} // namespace

int main(int count, char **arguments) {
  uint64_t stride = count > 2 ? std::strtoull(arguments[1], nullptr, 10) : 0;
  if (stride == 0)
    return std::fputs("expected check STRIDE FUNCTION...\n", stderr), 2;
  bool isGood = true;
  for (int i = 2; i < count; ++i) {
    const Function *function = std::find_if(
        std::begin(functions), std::end(functions), [&](const Function &f) {
          return std::strcmp(f.name, arguments[i]) == 0;
        });
    if (function == std::end(functions))
      return std::fprintf(stderr, "expected a function, but found '%s'\n",
                          arguments[i]),
             2;
    isGood &= check(*function, stride);
  }
  return isGood ? 0 : 1;
}
