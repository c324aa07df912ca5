/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack that a Linux program starts with: argc, argv, envp and the auxiliary vector (psABI 3.4.1). */
#ifndef SALTO_LIB_INITIAL_STACK_H
#define SALTO_LIB_INITIAL_STACK_H

#include <stddef.h>
#include <stdint.h>

/* What goes onto the stack. */
struct initial_stack {
    const char *name; /* argv[0] */
    const char *const *arguments;
    uint32_t arguments_count;
    const char *const *environment;
    uint32_t environment_count;
    uint64_t headers; /* AT_PHDR, 0 if the program has none in memory */
    uint32_t header_count;
    uint64_t entry;
    uint8_t random[16];
};

/* Builds the stack in the last bytes of the `size` bytes at `memory`, which will lie below the address `top` (16-byte
 * aligned) in the program. Answers the program's first stack pointer, a multiple of 16; 0 if it takes more than half
 * of the memory. */
uint64_t initial_stack_build(const struct initial_stack *what, uint8_t *memory, size_t size, uint64_t top);

#endif
