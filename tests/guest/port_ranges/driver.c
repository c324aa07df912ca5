/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a port: driver PORT. Root has opened what the manifest gives, and nothing else. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    uint16_t port = (uint16_t)strtoul(count == 2 ? arguments[1] : "", NULL, 0);
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
    printf("port 0x%x is open\n", port);
    return 0;
}
