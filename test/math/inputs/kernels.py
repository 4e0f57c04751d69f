"""Prints a module with a function `NAME_kernel(in, out, count)` for each elementary function, on vectors of 16 f32."""

FUNCTIONS = ["exp", "exp2", "expm1", "log", "log2", "log1p", "tanh", "erf", "sin", "cos"]
# As the frontend lowers it.
SIGMOID = """
    %one = arith.constant dense<1.0> : vector<16xf32>
    %opposite = arith.negf %x : vector<16xf32>
    %power = math.exp %opposite : vector<16xf32>
    %sum = arith.addf %power, %one : vector<16xf32>
    %y = arith.divf %one, %sum : vector<16xf32>"""


def kernel(name, body):
    return f"""
func.func @{name}_kernel(%in: !llvm.ptr, %out: !llvm.ptr, %count: i64) {{
  %begin = arith.constant 0 : i64
  %lanes = arith.constant 16 : i64
  scf.for %i = %begin to %count step %lanes : i64 {{
    %from = llvm.getelementptr %in[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %to = llvm.getelementptr %out[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %from {{alignment = 64}} : !llvm.ptr -> vector<16xf32>{body}
    llvm.store %y, %to {{alignment = 64}} : vector<16xf32>, !llvm.ptr
  }}
  return
}}"""


for name in FUNCTIONS:
    print(kernel(name, f"\n    %y = math.{name} %x : vector<16xf32>"))
print(kernel("sigmoid", SIGMOID))
print(kernel("approximate_exp2", "\n    %y = math.exp2 %x fastmath<afn> : vector<16xf32>"))
