/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes through a null pointer. The console says where, and what the registers were. */
#include <stdio.h>

static int *volatile nothing;

__attribute__((noinline)) static void store(int *where)
{
    *(volatile int *)where = 42;
}

int main(void)
{
    printf("crash: I am about to write through a null pointer\n");
    store(nothing);
    printf("crash: this line is never printed\n");
    return 0;
}
