/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the kernel to panic. */
#include <salto/startup.h>

#include "idl/debug.h"

int main(void)
{
    kernel_debug_t debug = {salto_require("debug")};
    return kernel_debug_crash(debug, 0) != 0;
}
