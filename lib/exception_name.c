/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the exceptions that a program can raise: Intel SDM volume 3, 6.3.1. */
#include "exception_name.h"

/* Error code of a page fault: Intel SDM volume 3, 4.7. */
#define PAGE_FAULT_PRESENT 1
#define PAGE_FAULT_WRITE 2
#define PAGE_FAULT_FETCH 16

const char *exception_name(uint32_t vector)
{
    static const char *const names[] = {
        [0] = "division error",
        [1] = "debug exception",
        [3] = "breakpoint",
        [4] = "overflow",
        [5] = "bound range exceeded",
        [6] = "invalid opcode",
        [7] = "device not available",
        [11] = "segment not present",
        [12] = "stack-segment fault",
        [13] = "general protection fault",
        [14] = "page fault",
        [16] = "x87 floating-point error",
        [17] = "alignment check",
        [19] = "SIMD floating-point exception",
        [20] = "virtualization exception",
        [21] = "control-protection exception",
    };
    if (vector < sizeof(names) / sizeof(names[0]) && names[vector])
        return names[vector];
    return "exception";
}

const char *page_fault_access(uint32_t error)
{
    return error & PAGE_FAULT_FETCH ? "execute" : error & PAGE_FAULT_WRITE ? "write" : "read";
}

const char *page_fault_reason(uint32_t error)
{
    return error & PAGE_FAULT_PRESENT ? ", not allowed" : "";
}
