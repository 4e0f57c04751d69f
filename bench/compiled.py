"""Compiles rows with `fovea compile` and runs them through the runtime's C interface."""

import ctypes
import os
import pathlib
import re
import subprocess
import time

import numpy as np

BUILD = pathlib.Path(os.environ.get("FOVEA_BUILD", "build")).resolve()
MESSAGE = 512
# Of DLPack, by kind or, of what ml_dtypes adds, by name.
CODES = {"i": 0, "u": 1, "f": 2, "bfloat16": 4, "float8_e4m3fn": 10}
LIMIT_KINDS = 5  # FOVEA_LIMIT_KINDS
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class CompiledError(Exception):
    """The compiler or the runtime refused; the message is theirs."""


class _Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * MESSAGE)]


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("threads", ctypes.c_int32),
                ("parallel", ctypes.c_void_p), ("user", ctypes.c_void_p)]


class _Tensor(ctypes.Structure):  # DLTensor
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
                ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class _Info(ctypes.Structure):  # fovea_tensor_info
    _fields_ = [("name", ctypes.c_char_p), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
                ("lanes", ctypes.c_uint16), ("rank", ctypes.c_int32), ("is_scalar", ctypes.c_int32),
                ("alignment", ctypes.c_uint32)]


def _tensor(array):
    """A view of an array of any strides, which must outlive it."""
    longs = ctypes.c_int64 * array.ndim
    code = CODES[array.dtype.name if array.dtype.kind == "V" else array.dtype.kind]
    return _Tensor(array.ctypes.data, 1, 0, array.ndim, code, 8 * array.itemsize, 1, longs(*array.shape),
                   longs(*(stride // array.itemsize for stride in array.strides)), 0)


def _pointers(tensors):
    return (ctypes.POINTER(_Tensor) * len(tensors))(*map(ctypes.pointer, tensors))


class Runtime:
    """The runtime's functions, and the machine's limits (limits.h)."""

    def __init__(self):
        path = BUILD / "lib" / "libfovea-bench.so"
        if not path.is_file():
            raise CompiledError(f"expected {path}: build it with ./dev build")
        self.library = ctypes.CDLL(str(path))
        for name in ("fovea_limit_multiply_add", "fovea_limit_read", "fovea_limit_clock"):
            getattr(self.library, name).restype = ctypes.c_double
        self.library.fovea_limit_name.restype = ctypes.c_char_p
        self.library.fovea_limit_features.restype = ctypes.c_uint64
        self.library.fovea_model_cpu.restype = ctypes.c_char_p
        self.library.fovea_session_message.restype = ctypes.c_char_p
        self.library.fovea_sampler_stop.restype = ctypes.c_int64

    def create(self, function, *arguments):
        """Calls a function whose last arguments are an out-pointer and an error."""
        out, error = ctypes.c_void_p(), _Error()
        if getattr(self.library, function)(*arguments, ctypes.byref(out), ctypes.byref(error)):
            raise CompiledError(error.message.decode())
        return out

    def multiply_add(self, kind, threads, seconds):
        """FLOP/s of a fovea_limit_kind; 0 where the CPU lacks it."""
        return self.library.fovea_limit_multiply_add(kind, threads, ctypes.c_double(seconds))

    def read(self, size, threads, seconds):
        """B/s of reading a buffer of `size` bytes again and again."""
        return self.library.fovea_limit_read(ctypes.c_int64(size), threads, ctypes.c_double(seconds))

    def clock(self, seconds):
        """Cycles per second of one thread."""
        return self.library.fovea_limit_clock(ctypes.c_double(seconds))

    def sample(self, run, rate, seconds):
        """The addresses at which the calling thread is `rate` times a second while it calls `run` again and again."""
        room = int(2 * rate * seconds) + 1000
        if status := self.library.fovea_sampler_start(rate, ctypes.c_int64(room)):
            raise CompiledError(f"the thread cannot be sampled: {os.strerror(status)}")
        taken, until = (ctypes.c_uint64 * room)(), time.perf_counter() + seconds
        try:
            while time.perf_counter() < until:
                run()
        finally:
            count = self.library.fovea_sampler_stop(taken, ctypes.c_int64(room))
        return taken[:count]


def run_fovea(command, path, settings, cpu, options):
    """Runs `fovea COMMAND` on a .attn file; settings: FUNCTION.NAME=VALUE; cpu: for --mcpu. Returns what it printed."""
    words = [str(BUILD / "bin" / "fovea"), command, str(path), *map(str, options)]
    words += ["--mcpu", cpu] if cpu else []
    words += [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise CompiledError(f"{' '.join(words)}\n{done.stderr.strip()}")
    return done


def compile_file(path, output, settings, cpu=None, emit="so", options=()):
    """Writes a shared library, or what `emit` says; its program is `bench_program`. Returns the seconds it took, and what
    the compiler said."""
    start = time.perf_counter()
    done = run_fovea("compile", path, settings, cpu, [f"--emit={emit}", "--prefix", "bench", "-o", output, *options])
    return time.perf_counter() - start, done.stderr


def memory(path, entry, settings, sizes, cpu=None):
    """Bytes beyond inputs and outputs for sizes by index: of a session, and of each thread; raises CompiledError where
    a size that matters lacks."""
    told = run_fovea("explain", path, settings, cpu, [
        "--entry", entry, "--size", ",".join(f"{name}={size}" for name, size in sizes.items())]).stdout
    found = []
    for name in ("workspace", "scratch"):
        number = re.search(rf"^  {name} +([\d.,]+) (\w+) for a", told, re.M)
        if not number or number[2] not in UNITS:
            raise CompiledError(f"expected the {name} of {entry} in bytes, but found no number in\n{told[-400:]}")
        found.append(float(number[1].replace(",", "")) * 1024 ** UNITS.index(number[2]))
    return found


class _Program(ctypes.Structure):  # fovea_program, which is 80 bytes
    pass


_Program._fields_ = [("abi_version", ctypes.c_uint32), ("struct_size", ctypes.c_uint32), ("name", ctypes.c_char_p),
                     ("target_cpu", ctypes.c_char_p), ("cpu_features", ctypes.c_uint64),
                     ("tables", ctypes.c_uint8 * 40), ("alternative", ctypes.POINTER(_Program))]


class Session:
    """An entry of a compiled program, with its weights, on some threads."""

    def __init__(self, runtime, library, entry, threads, weights=None):
        """library: what compile_file wrote; weights: a safetensors file, or None."""
        self.runtime, self.code = runtime, ctypes.CDLL(str(library))
        self.program = _Program.in_dll(self.code, "bench_program")
        options = _Options(ctypes.sizeof(_Options), threads, None, None)
        call = runtime.library
        self.context = runtime.create("fovea_context_create", ctypes.byref(options))
        self.weights = runtime.create("fovea_weights_open", str(weights).encode()) if weights else None
        self.model = runtime.create("fovea_model_create", self.context, ctypes.byref(self.program), self.weights)
        self.session = runtime.create("fovea_session_create", self.model)
        self.entry = call.fovea_model_find_entry(self.model, entry.encode())
        if self.entry < 0:
            raise CompiledError(f"the program has no entry '{entry}'")
        self.inputs = self._names("input")
        self.outputs = self._names("output")

    def cpu(self):
        """What the code in use was compiled for."""
        return self.runtime.library.fovea_model_cpu(self.model).decode()

    def features(self):
        """FOVEA_CPU_BIT of the features that the code in use may have."""
        program, cpu = self.program, self.cpu().encode()
        while program.target_cpu != cpu:
            program = program.alternative.contents
        return program.cpu_features

    def _names(self, kind):
        call, names, info = self.runtime.library, [], _Info()
        for n in range(getattr(call, f"fovea_model_{kind}_count")(self.model, self.entry)):
            getattr(call, f"fovea_model_{kind}")(self.model, self.entry, n, ctypes.byref(info))
            names.append(info.name.decode())
        return names

    def bind(self, arrays):
        """arrays: operands by name. Returns a function without arguments that runs the entry on them, and the
        outputs by name: those of `arrays`, others allocated compactly."""
        arrays = dict(arrays)
        inputs = [_tensor(arrays[name]) for name in self.inputs]
        shape = (ctypes.c_int64 * 16)()
        for n, name in enumerate(self.outputs):
            if name not in arrays:
                self._check(self.runtime.library.fovea_session_output_shape(
                    self.session, self.entry, _pointers(inputs), n, shape))
                info = _Info()
                self.runtime.library.fovea_model_output(self.model, self.entry, n, ctypes.byref(info))
                arrays[name] = np.empty(shape[:info.rank], np.float32)
        inputs, outputs = _pointers(inputs), _pointers([_tensor(arrays[name]) for name in self.outputs])
        run, session, entry = self.runtime.library.fovea_session_run, self.session, self.entry

        def call():
            if run(session, entry, inputs, outputs, None):
                self._check(1)
        call.keeps = arrays
        return call, {name: arrays[name] for name in self.outputs}

    def _check(self, status):
        if status:
            raise CompiledError(self.runtime.library.fovea_session_message(self.session).decode())

    def close(self):
        call = self.runtime.library
        call.fovea_session_destroy(self.session)
        call.fovea_model_destroy(self.model)
        if self.weights:
            call.fovea_weights_destroy(self.weights)
        call.fovea_context_destroy(self.context)
