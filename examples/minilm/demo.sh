#!/usr/bin/env bash
# Sentence similarity with all-MiniLM-L6-v2: compiles the model, links it into a
# C program through an installed package, runs that on real sentences, and
# compares it with ONNX Runtime and NumPy. `./dev demo` calls this.
#
# Environment: FOVEA_BUILD (the build tree), FOVEA_DEMO (a folder to write, emptied
# first), FOVEA_PYTHON (one with what test/requirements.txt names), CC.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
build=${FOVEA_BUILD:-$here/../../build}
demo=${FOVEA_DEMO:-$build/demo}
python=${FOVEA_PYTHON:-python3}
step() { printf '\n== %s\n' "$*"; }

step "the published weights"
weights=$(cd "$here" && "$python" -c 'import weights; print(weights.model_dir())')
(cd "$weights" && sha256sum --check "$here/weights.sha256")

step "install Fovea, and build a C program with it"
rm -rf "$demo"
cmake --install "$build" --prefix "$demo/fovea" >/dev/null
cmake -S "$here" -B "$demo/build" -G Ninja -DCMAKE_C_COMPILER="${CC:-clang-22}" \
  -DCMAKE_PREFIX_PATH="$demo/fovea" >/dev/null
cmake --build "$demo/build"
program=$demo/build/similarity
ldd "$program"
if ldd "$program" | grep -qE 'LLVM|MLIR'; then
  echo "demo: error: expected a program without LLVM" >&2
  exit 1
fi

step "similarity of sentences"
run=("$program" --weights "$weights/model.safetensors" --vocab "$weights/vocab.txt")
"${run[@]}" --save "$demo/embeddings.npy" <"$here/sentences.txt"

step "agreement with independent implementations"
"$python" "$here/compare.py" "$demo/build/libembedder.so" "$here/sentences.txt" "$demo/embeddings.npy"

printf '\nYour own sentences:\n  %q' "${run[0]}"
printf ' %q' "${run[@]:1}"
printf ' \\\n    "One sentence." "Another one."\n'
