/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that is given what it asks for. */
#include <salto/startup.h>
#include <stdio.h>

int main(void)
{
    printf("the driver has %s\n", salto_grant("x") ? "its device" : "nothing");
    return 0;
}
