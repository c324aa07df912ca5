/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves two endpoints in name: what matters is what the other program holds. */
#include <salto/startup.h>
#include <unistd.h>

int main(void)
{
    salto_require("first");
    salto_require("second");
    for (;;)
        sleep(1);
}
