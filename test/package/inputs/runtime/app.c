#include <fovea/fovea.h>
#include <stdio.h>

int main(void) {
  printf("header %d, library %u\n", FOVEA_ABI_VERSION, fovea_abi_version());
  return fovea_abi_version() != FOVEA_ABI_VERSION;
}
