/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Some instructions in a task of their own, and the fault that ends them, as the task's supervisor is told it.
 *
 * The task holds no capability. It has one page of code, mapped executable at SANDBOX_CODE, and one of data, whose end
 * is the stack, at SANDBOX_DATA. What follows the code is filled with `ud2`: code that runs through ends there, with
 * vector 6, so that every run ends by a fault.
 */
#ifndef SALTO_SANDBOX_H
#define SALTO_SANDBOX_H

#include <stddef.h>

#include "abi/addresses.h"
#include "guest.h"

#define SANDBOX_CODE 0x10000000UL
#define SANDBOX_DATA 0x10001000UL
#define SANDBOX_STACK (SANDBOX_DATA + PAGE_SIZE - 16)

#define VECTOR_NONE 255 /* of a thread that does not fault */
#define VECTOR_INVALID_OPCODE 6
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14

/* Error code of a page fault: Intel SDM volume 3, 4.7. */
#define FAULT_PRESENT 1
#define FAULT_WRITE 2
#define FAULT_USER 4
#define FAULT_FETCH 16

/* Code for a sandbox, in assembler: `before`, and then `instruction`, which is the one that matters. */
#define SANDBOX_PROGRAM(name, before, instruction)                                                               \
    __asm__(".pushsection .rodata\n" #name ":\n\t" before "\n" #name "_at:\n\t" instruction "\n" #name "_end:\n" \
            ".popsection");                                                                                      \
    extern const uint8_t name[], name##_at[], name##_end[]

#define SANDBOX_LOAD(sandbox, name) sandbox_load(sandbox, name, (size_t)(name##_end - name))

struct sandbox {
    kernel_task_t task;
    kernel_memory_t code, data;
    uint8_t *code_here, *data_here; /* the pages in the own task, writable */
    uint32_t endpoint;              /* where the task's faults arrive */
    uint64_t badge;                 /* which they carry */
    uint64_t end;                   /* address of the first instruction behind the code */
};

struct fault {
    uint32_t number, vector, error;
    uint64_t address, instruction;
    struct kernel_registers registers;
};

/* Makes a sandbox; EXPECTs that it can be made. Only one may be there at a time. */
void sandbox_create(struct sandbox *sandbox);

/* Replaces the code. */
void sandbox_load(struct sandbox *sandbox, const uint8_t *code, size_t size);

/* Runs the code in a new thread, with `first` in rdi and `second` in rsi, until it faults; the thread is gone
 * afterwards. A failure, with vector VECTOR_NONE, if it does not fault. */
struct fault sandbox_run(const struct sandbox *sandbox, uint64_t first, uint64_t second);

/* Did the code run through to what follows it? */
bool sandbox_ran(const struct sandbox *sandbox, const struct fault *fault);

void sandbox_destroy(struct sandbox *sandbox);

/* Is the processor QEMU's TCG, which leaves out some exceptions that processors have? */
bool processor_is_tcg(void);

#endif
