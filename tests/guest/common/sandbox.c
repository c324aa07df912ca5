/* SPDX-License-Identifier: BSD-2-Clause */
/* See sandbox.h. */
#include "sandbox.h"

#include <cpuid.h>
#include <string.h>

#include <salto/server.h>

#include "idl/supervisor.h"

#define CODE_HERE 0x280000000000UL
#define DATA_HERE (CODE_HERE + PAGE_SIZE)
#define PATIENCE 2000 /* yields until a thread counts as one that does not fault */
#define BADGE 0x5a17b0c5UL
#define HYPERVISOR_LEAF 0x40000000

static kernel_memory_t page_at(const struct sandbox *sandbox, uint64_t here, uint64_t there, uint32_t rights)
{
    kernel_memory_t memory = {guest_memory(1)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, here, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, sandbox->task, there, 0, 1, rights), 0);
    return memory;
}

void sandbox_create(struct sandbox *sandbox)
{
    uint32_t badged = 0;
    *sandbox = (struct sandbox){.task = guest_new_task(), .endpoint = guest_endpoint(), .badge = BADGE};
    sandbox->code = page_at(sandbox, CODE_HERE, SANDBOX_CODE, KERNEL_RIGHTS_EXECUTE);
    sandbox->data = page_at(sandbox, DATA_HERE, SANDBOX_DATA, KERNEL_RIGHTS_WRITE);
    sandbox->code_here = (uint8_t *)CODE_HERE;
    sandbox->data_here = (uint8_t *)DATA_HERE;
    EXPECT_EQUAL(kernel_task_mint(own_task, sandbox->endpoint, own_task, RIGHT_WRITE, BADGE, &badged), 0);
    EXPECT_EQUAL(kernel_task_set_supervisor(sandbox->task, (kernel_endpoint_t){badged}), 0);
    guest_delete(badged);
}

void sandbox_load(struct sandbox *sandbox, const uint8_t *code, size_t size)
{
    EXPECT(size < PAGE_SIZE);
    memcpy(sandbox->code_here, code, size);
    for (size_t i = size; i < PAGE_SIZE; i++)
        sandbox->code_here[i] = (i - size) % 2 ? 0x0b : 0x0f;
    sandbox->end = SANDBOX_CODE + size;
}

static bool fault_arrived(const struct sandbox *sandbox, struct fault *fault)
{
    struct ipc_message message = {0};
    uint64_t poll = message_labelled_tag(0, message_tag(MESSAGE_RECEIVE, 0, 0) | TAG_POLL);
    uint64_t tag = ipc_transfer(poll, sandbox->endpoint, &message);
    if (tag == ERROR_WOULD_BLOCK)
        return false;
    EXPECT_EQUAL(tag, KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.badge, sandbox->badge);
    fault->number = (uint32_t)message.words[0];
    fault->vector = (uint32_t)message.words[1];
    fault->error = (uint32_t)message.words[2];
    fault->address = message.words[3];
    fault->instruction = message.words[4];
    return true;
}

struct fault sandbox_run(const struct sandbox *sandbox, uint64_t first, uint64_t second)
{
    struct fault fault = {.vector = VECTOR_NONE};
    kernel_thread_t thread = {0};
    uint32_t number = 0;
    bool arrived = false;
    EXPECT_EQUAL(kernel_factory_create_thread(own_factory, sandbox->task, &thread, &number), 0);
    EXPECT_EQUAL(kernel_thread_start(thread, SANDBOX_CODE, SANDBOX_STACK, first, second), 0);
    for (int i = 0; i < PATIENCE && !arrived; i++) {
        guest_yield();
        arrived = fault_arrived(sandbox, &fault);
    }
    if (EXPECT(arrived)) {
        EXPECT_EQUAL(fault.number, number);
        EXPECT_EQUAL(kernel_thread_registers(thread, &fault.registers), 0);
        EXPECT_EQUAL(fault.registers.rip, fault.instruction);
    }
    guest_delete(thread.handle);
    return fault;
}

bool sandbox_ran(const struct sandbox *sandbox, const struct fault *fault)
{
    return fault->vector == VECTOR_INVALID_OPCODE && fault->instruction == sandbox->end;
}

void sandbox_destroy(struct sandbox *sandbox)
{
    guest_delete(sandbox->task.handle);
    guest_delete(sandbox->code.handle);
    guest_delete(sandbox->data.handle);
    guest_delete(sandbox->endpoint);
    *sandbox = (struct sandbox){0};
}

bool processor_is_tcg(void)
{
    uint32_t eax, ebx, ecx, edx;
    __cpuid(HYPERVISOR_LEAF, eax, ebx, ecx, edx);
    return memcmp(&ebx, "TCGT", 4) == 0 && memcmp(&ecx, "CGTC", 4) == 0 && memcmp(&edx, "GTCG", 4) == 0;
}
