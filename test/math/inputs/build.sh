#!/usr/bin/env bash
# build.sh CXX CPU SCALE OUT: links OUT, the checker with the kernels as the passes make them for a CPU; SCALE says
# whether powers of two are scaled by AVX-512's instructions. Tools are those in PATH.
set -euo pipefail
cxx=$1 cpu=$2 scale=$3 out=$4
here=$(dirname "${BASH_SOURCE[0]}")

"${PYTHON:-python3}" "$here/kernels.py" |
  fovea-opt --attn-expand-exp="scale-registers=$scale" --attn-lower-math --convert-scf-to-cf --convert-vector-to-llvm \
    --convert-math-to-llvm --convert-math-to-libm --convert-arith-to-llvm --convert-func-to-llvm --convert-cf-to-llvm \
    --reconcile-unrealized-casts |
  mlir-translate --mlir-to-llvmir |
  opt -O2 -mcpu="$cpu" |
  llc -O3 -mcpu="$cpu" -relocation-model=pic -filetype=obj -o "$out.o"
"$cxx" -std=c++20 -O2 -Wall -Wextra -Werror "$here/check.cpp" "$out.o" -o "$out"
