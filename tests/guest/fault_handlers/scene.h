/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread whose faults the test handles and supervises itself, and places at which threads fault.
 */
#ifndef TESTS_GUEST_SCENE_H
#define TESTS_GUEST_SCENE_H

#include "../common/waiting.h"
#include "idl/fault_server.h"

#define HANDLER_BADGE 0xfa017UL
#define REGISTER_WORDS (sizeof(struct kernel_registers) / sizeof(uint64_t))
#define FLAGS_FIXED 0x202UL
#define FLAG_RESUME 0x10000UL /* set by the processor in the frame of a fault */

#define VECTOR_DIVIDE 0
#define VECTOR_DEBUG 1
#define VECTOR_BREAKPOINT 3
#define VECTOR_INVALID_OPCODE 6
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define FAULT_USER 4
#define FAULT_WRITE 2

/* Where threads are sent: the first spins with all registers as they came, the others fault. */
extern const char landing[], undefined[], divide[], breakpoint[], protection[];

/* A thread with a handler, in a task with a supervisor; the test itself serves both. */
struct scene {
    struct worker worker;
    uint32_t handler, supervisor; /* endpoints */
};

struct fault {
    uint64_t number, vector, error, address;
    struct kernel_registers registers;
};

/* Names `endpoint`, with HANDLER_BADGE, as the handler of the thread's faults. */
void set_handler(kernel_thread_t thread, uint32_t endpoint);

void create_scene(struct scene *scene);
void destroy_scene(struct scene *scene);

/* Starts the thread at `place`. */
void start_at(const struct worker *worker, const char *place);

/* What arrived as `tag` and `message`, and the words in the UTCB behind it. */
struct fault fault_of(uint64_t tag, const struct ipc_message *message);

struct fault receive_fault(uint32_t endpoint);

/* Sends a message whose words are `registers`, and zeros behind them. */
uint64_t answer_with(uint64_t tag, uint64_t handle, const struct kernel_registers *registers);

/* Answers the fault that was received last. */
void answer(const struct kernel_registers *registers);

/* EXPECTs that the supervisor is told of the fault, and that the thread stands still where it raised it. */
void expect_unheard(const struct scene *scene, uint32_t vector, const char *place);

void expect_not_told(const struct scene *scene);

/* Lets a thread run, stops it, and answers its registers. */
struct kernel_registers registers_at_rest(const struct worker *worker);

/* Registers that all differ. */
struct kernel_registers marked_registers(uint64_t seed, const char *place);

void expect_registers(const struct kernel_registers *found, const struct kernel_registers *expected);

#endif
