/* SPDX-License-Identifier: BSD-2-Clause */
/* See scene.h. */
#include "scene.h"

#include <string.h>

#include "abi/addresses.h"
#include "idl/supervisor.h"

#define SUPERVISOR_BADGE 0x5eeUL
#define WORDS_BEFORE 4 /* of the request: number, vector, error, address */

__asm__(".pushsection .text\n"
        ".globl landing\nlanding: jmp landing\n"
        ".globl undefined\nundefined: ud2\n"
        ".globl divide\ndivide: xorl %ecx, %ecx; divl %ecx\n"
        ".globl breakpoint\nbreakpoint: int3\n"
        ".globl protection\nprotection: hlt\n"
        ".popsection");

static uint32_t badged(uint32_t endpoint, uint64_t badge)
{
    uint32_t handle = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHT_WRITE, badge, &handle), 0);
    return handle;
}

void set_handler(kernel_thread_t thread, uint32_t endpoint)
{
    uint32_t handle = badged(endpoint, HANDLER_BADGE);
    EXPECT_EQUAL(kernel_thread_set_fault_handler(thread, (kernel_endpoint_t){handle}), 0);
    guest_delete(handle);
}

static void supervise(kernel_task_t task, uint32_t endpoint)
{
    uint32_t handle = badged(endpoint, SUPERVISOR_BADGE);
    EXPECT_EQUAL(kernel_task_set_supervisor(task, (kernel_endpoint_t){handle}), 0);
    guest_delete(handle);
}

void create_scene(struct scene *scene)
{
    *scene = (struct scene){.handler = guest_endpoint(), .supervisor = guest_endpoint()};
    worker_create(&scene->worker, true);
    worker_spins(&scene->worker);
    set_handler(scene->worker.thread, scene->handler);
    supervise(scene->worker.task, scene->supervisor);
}

void destroy_scene(struct scene *scene)
{
    worker_destroy(&scene->worker);
    if (scene->handler)
        guest_delete(scene->handler);
    guest_delete(scene->supervisor);
}

void start_at(const struct worker *worker, const char *place)
{
    EXPECT_EQUAL(
        kernel_thread_start(worker->thread, (uint64_t)place, (uint64_t)worker->area + AREA_PAGES * PAGE_SIZE - 8, 0, 0),
        0);
}

struct fault fault_of(uint64_t tag, const struct ipc_message *message)
{
    struct fault fault;
    uint64_t words[WORDS_BEFORE + REGISTER_WORDS];
    EXPECT_EQUAL(tag, KERNEL_FAULT_HANDLER_EXCEPTION_REQUEST);
    EXPECT_EQUAL(message->badge, HANDLER_BADGE);
    memcpy(words, message->words, sizeof(message->words));
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < COUNT(words); i++)
        words[i] = ipc_utcb()->words[i];
    memcpy(&fault, words, sizeof(fault));
    return fault;
}

struct fault receive_fault(uint32_t endpoint)
{
    struct ipc_message message = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, &message);
    return fault_of(tag, &message);
}

uint64_t answer_with(uint64_t tag, uint64_t handle, const struct kernel_registers *registers)
{
    struct ipc_message message;
    memcpy(message.words, registers, sizeof(message.words));
    memset(&ipc_utcb()->words[MESSAGE_REGISTER_WORDS], 0,
           (MESSAGE_MAX_WORDS - MESSAGE_REGISTER_WORDS) * sizeof(uint64_t));
    memcpy(&ipc_utcb()->words[MESSAGE_REGISTER_WORDS], (const char *)registers + sizeof(message.words),
           sizeof(*registers) - sizeof(message.words));
    return ipc_transfer(tag, handle, &message);
}

void answer(const struct kernel_registers *registers)
{
    EXPECT_EQUAL(answer_with(tag_of(0, MESSAGE_REPLY, REGISTER_WORDS, 0), 0, registers), TAG_DONE);
}

void expect_unheard(const struct scene *scene, uint32_t vector, const char *place)
{
    struct ipc_message message = {0};
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, scene->supervisor, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.badge, SUPERVISOR_BADGE);
    EXPECT_EQUAL(message.words[0], scene->worker.number);
    EXPECT_EQUAL(message.words[1], vector);
    EXPECT_EQUAL(message.words[4], (uint64_t)place);
    EXPECT_EQUAL(kernel_thread_registers(scene->worker.thread, &registers), 0);
    EXPECT_EQUAL(registers.rip, (uint64_t)place);
}

void expect_not_told(const struct scene *scene)
{
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, scene->supervisor, &message), ERROR_WOULD_BLOCK);
}

struct kernel_registers registers_at_rest(const struct worker *worker)
{
    struct kernel_registers registers = {0};
    guest_yield();
    EXPECT_EQUAL(kernel_thread_stop(worker->thread), 0);
    EXPECT_EQUAL(kernel_thread_registers(worker->thread, &registers), 0);
    return registers;
}

struct kernel_registers marked_registers(uint64_t seed, const char *place)
{
    struct kernel_registers registers;
    uint64_t *word = (uint64_t *)&registers;
    for (unsigned i = 0; i < REGISTER_WORDS; i++)
        word[i] = seed * (i + 1);
    registers.rip = (uint64_t)place;
    registers.rflags = FLAGS_FIXED;
    registers.fs_base = seed & 0x7fffffffffff;
    return registers;
}

void expect_registers(const struct kernel_registers *found, const struct kernel_registers *expected)
{
    const uint64_t *left = (const uint64_t *)found, *right = (const uint64_t *)expected;
    for (unsigned i = 0; i < REGISTER_WORDS; i++)
        EXPECT_EQUAL(left[i], right[i]);
}
