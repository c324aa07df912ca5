/* SPDX-License-Identifier: BSD-2-Clause */
/* Raises the exception whose vector is its argument: root says on the console what it was. */
#include <stdint.h>
#include <stdlib.h>

#define X87_DIVIDE_UNMASKED 0x037b

static void divide(void)
{
    __asm__ volatile("xorl %%ecx, %%ecx\n\txorl %%edx, %%edx\n\tdivl %%ecx" : : : "eax", "ecx", "edx", "cc");
}

static void trap(void)
{
    __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop" : : : "memory", "cc");
}

static void x87(void)
{
    uint16_t control = X87_DIVIDE_UNMASKED;
    __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(control) : "st", "st(1)");
}

int main(int count, char **arguments)
{
    switch (count == 2 ? atoi(arguments[1]) : -1) {
    case 0:
        divide();
        break;
    case 1:
        trap();
        break;
    case 3:
        __asm__ volatile("int3");
        break;
    case 4:
        __asm__ volatile("int $4");
        break;
    case 13:
        __asm__ volatile("hlt");
        break;
    case 16:
        x87();
        break;
    default:
        break;
    }
    return 1;
}
