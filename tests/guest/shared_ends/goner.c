/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends while its messages stand in its ring: it has a higher priority than the server, so that sees them later. */
#include <salto/startup.h>

#include "goner.h"
#include "idl/desk.h"

int main(void)
{
    desk_t desk = {salto_require("desk")};

    for (uint64_t i = 1; i <= GONER_NOTES; i++)
        if (desk_note(desk, GONER_FIRST + i) != 0)
            return 1;
    return 0;
}
