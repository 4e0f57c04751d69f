// RUN: not fovea-opt --attn-schedule=lanes=0 %s 2>&1 | FileCheck %s --check-prefix=LANES
// RUN: not fovea-opt --attn-schedule=register-rows=0 %s 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not fovea-opt --attn-schedule=group-bytes=-5 %s 2>&1 | FileCheck %s --check-prefix=BYTES
// RUN: not fovea-opt --attn-schedule=query-tile=4611686018427387904 %s 2>&1 | FileCheck %s --check-prefix=TILE
// LANES: error: expected an option lanes of 1 to 1073741824, but found 0
// ROWS: error: expected an option register-rows of 1 to 1073741824, but found 0
// BYTES: error: expected an option group-bytes of 0 to 1073741824, but found -5
// TILE: error: expected an option query-tile of 0 to 1073741824, but found 4611686018427387904
module {}
