/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that nobody handles. See unhandled.h. */
#include "unhandled.h"

#include "abi/addresses.h"
#include "idl/supervisor.h"
#include "scene.h"

#define NON_CANONICAL 0x900000000000UL

/* Any other answer than 19 words with label 0 is none. */
void other_answers(void)
{
    const uint64_t tags[] = {tag_of(0, MESSAGE_REPLY, 0, 0),
                             tag_of(0, MESSAGE_REPLY, REGISTER_WORDS - 1, 0),
                             tag_of(0, MESSAGE_REPLY, REGISTER_WORDS + 1, 0),
                             tag_of(0, MESSAGE_REPLY, MESSAGE_MAX_WORDS, 0),
                             tag_of(1, MESSAGE_REPLY, REGISTER_WORDS, 0),
                             tag_of((uint32_t)-ERROR_BAD_OPERATION, MESSAGE_REPLY, 0, 0),
                             tag_of(0, MESSAGE_REPLY, REGISTER_WORDS, 1)};
    for (unsigned i = 0; i < COUNT(tags); i++) {
        struct scene scene;
        create_scene(&scene);
        start_at(&scene.worker, undefined);
        struct fault fault = receive_fault(scene.handler);
        fault.registers.rip = (uint64_t)landing;
        ipc_utcb()->items[0] = 0;
        EXPECT_EQUAL(answer_with(tags[i], 0, &fault.registers), TAG_DONE);
        expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
        struct ipc_message message = {0};
        EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
        destroy_scene(&scene);
    }
}

/* Registers that Thread.set_registers would refuse. */
void refused_registers(void)
{
    const uint64_t rips[] = {0, USER_END, NON_CANONICAL, TRAMPOLINE_TEXT, ~0UL, (uint64_t)undefined};
    for (unsigned i = 0; i < COUNT(rips); i++) {
        struct scene scene;
        create_scene(&scene);
        start_at(&scene.worker, undefined);
        struct fault fault = receive_fault(scene.handler);
        fault.registers.rip = rips[i];
        fault.registers.rax = 77;
        if (i == COUNT(rips) - 1)
            fault.registers.fs_base = NON_CANONICAL;
        answer(&fault.registers);
        expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
        EXPECT_EQUAL(kernel_thread_registers(scene.worker.thread, &fault.registers), 0);
        EXPECT_EQUAL(fault.registers.rax, 0);    /* none of them was taken */
        fault.registers.rip = (uint64_t)landing; /* the supervisor mends it */
        EXPECT_EQUAL(kernel_thread_set_registers(scene.worker.thread, &fault.registers), 0);
        EXPECT_EQUAL(kernel_thread_resume(scene.worker.thread, false), 0);
        EXPECT_EQUAL(registers_at_rest(&scene.worker).rip, (uint64_t)landing);
        destroy_scene(&scene);
    }
}

/* Flags that are no program's are not set by an answer either. */
void flags(void)
{
    struct scene scene;
    create_scene(&scene);
    start_at(&scene.worker, undefined);
    struct fault fault = receive_fault(scene.handler);
    fault.registers.rip = (uint64_t)landing;
    fault.registers.rflags = ~0x100UL;
    answer(&fault.registers);
    EXPECT_EQUAL(registers_at_rest(&scene.worker).rflags, 0x240ed7);
    destroy_scene(&scene);
}

/* The handler receives again without an answer. */
void abandoned(void)
{
    struct scene scene;
    struct ipc_message message = {0};
    create_scene(&scene);
    start_at(&scene.worker, undefined);
    receive_fault(scene.handler);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, scene.handler, &message), ERROR_WOULD_BLOCK); /* abandons nobody */
    expect_not_told(&scene);
    ipc_utcb()->receive_deadline = 0;
    EXPECT_EQUAL(ipc_transfer(with_deadline(TAG_RECEIVE), scene.handler, &message), ERROR_TIMEOUT);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
    destroy_scene(&scene);
}

/* The handler dies: while it has the fault, or while that is queued. */
static void handler_dies(bool received, enum death death)
{
    struct scene scene;
    struct worker server;
    create_scene(&scene);
    worker_create(&server, true);
    worker_add(&server, TAG_RECEIVE, worker_give(&server, scene.handler, RIGHT_READ));
    worker_add(&server, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&server, server.park, RIGHT_WRITE));
    guest_delete(scene.handler);
    scene.handler = 0;
    if (received)
        worker_go(&server);
    start_at(&scene.worker, undefined);
    guest_yield();
    EXPECT_EQUAL(server.area->done, received);
    expect_not_told(&scene);
    worker_die(&server, death);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
    worker_destroy(&server);
    destroy_scene(&scene);
}

void handlers_die(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        handler_dies(true, death);
    handler_dies(false, TASK_ENDS);
    handler_dies(false, TASK_DELETED);
}

/* The numbers of two threads whose faults the supervisor is told, in any order. */
static void expect_two_unheard(const struct scene *scene, uint32_t first, uint32_t second)
{
    struct ipc_message message = {0};
    uint64_t numbers[2];
    for (int i = 0; i < 2; i++) {
        EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, scene->supervisor, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
        numbers[i] = message.words[0];
    }
    EXPECT(first != second);
    EXPECT((numbers[0] == first && numbers[1] == second) || (numbers[0] == second && numbers[1] == first));
}

/* The handler dies with one fault in its hands, and another one behind that. */
static void dies_with_two(enum death death)
{
    struct scene scene;
    struct worker server, second;
    create_scene(&scene);
    worker_create_in(&second, &scene.worker);
    set_handler(second.thread, scene.handler);
    worker_create(&server, true);
    worker_add(&server, TAG_RECEIVE, worker_give(&server, scene.handler, RIGHT_READ));
    worker_add(&server, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&server, server.park, RIGHT_WRITE));
    guest_delete(scene.handler);
    scene.handler = 0;
    worker_go(&server);
    start_at(&scene.worker, undefined);
    start_at(&second, undefined);
    guest_yield();
    EXPECT_EQUAL(server.area->done, 1);
    expect_not_told(&scene);
    worker_die(&server, death);
    expect_two_unheard(&scene, scene.worker.number, second.number);
    worker_destroy(&server);
    worker_destroy(&second);
    destroy_scene(&scene);
}

void handlers_die_with_two(void)
{
    dies_with_two(TASK_ENDS);
    dies_with_two(TASK_DELETED);
}

/* The endpoint is taken back, from under the handler and a fault that waits: with the quota that paid for it. */
void handler_reclaimed(void)
{
    struct scene scene;
    struct worker worker;
    kernel_factory_t factory = {0};
    kernel_endpoint_t endpoint = {0};
    create_scene(&scene);
    EXPECT_EQUAL(kernel_factory_create_factory(own_factory, 16 * PAGE_SIZE, &factory), 0);
    EXPECT_EQUAL(kernel_factory_create_endpoint(factory, &endpoint), 0);
    worker_create_in(&worker, &scene.worker);
    worker_spins(&worker);
    set_handler(worker.thread, endpoint.handle);
    start_at(&worker, undefined);
    guest_yield();
    expect_not_told(&scene);
    EXPECT_EQUAL(kernel_factory_reclaim(factory), 0);
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, scene.supervisor, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.words[0], worker.number);
    guest_delete(endpoint.handle);
    guest_delete(factory.handle);
    worker_destroy(&worker);
    destroy_scene(&scene);
}

/* As long as somebody may receive, a fault waits for a handler, for the next one if the first dies; with the last right
 * to receive the supervisor is told. */
void successors(void)
{
    struct scene scene;
    struct worker first, second;
    create_scene(&scene);
    worker_create(&first, true);
    worker_add(&first, TAG_RECEIVE, worker_give(&first, scene.handler, RIGHT_READ));
    worker_add(&first, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&first, first.park, RIGHT_WRITE));
    worker_create_in(&second, &scene.worker);
    worker_spins(&second);
    set_handler(second.thread, scene.handler);
    worker_go(&first);
    start_at(&scene.worker, undefined);
    start_at(&second, breakpoint);
    guest_yield();
    EXPECT_EQUAL(first.area->done, 1);
    worker_die(&first, TASK_ENDS);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined); /* which it had; the other one waits */
    expect_not_told(&scene);
    struct fault fault = receive_fault(scene.handler);
    EXPECT_EQUAL(fault.number, second.number);
    fault.registers.rip = (uint64_t)undefined;
    answer(&fault.registers);
    guest_yield();
    expect_not_told(&scene); /* it waits for a handler again */
    guest_delete(scene.handler);
    scene.handler = 0;
    struct ipc_message message = {0};
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, scene.supervisor, &message), KERNEL_SUPERVISOR_FAULT_REQUEST);
    EXPECT_EQUAL(message.words[0], second.number);
    worker_destroy(&first);
    worker_destroy(&second);
    destroy_scene(&scene);
}

/* The endpoint is gone before the fault: as if there were no handler. */
void handler_gone(void)
{
    struct scene scene;
    create_scene(&scene);
    guest_delete(scene.handler);
    scene.handler = 0;
    start_at(&scene.worker, undefined);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
    destroy_scene(&scene);
}

/* Neither handler nor supervisor: it stands still, and can be looked at. */
void nobody(void)
{
    struct worker worker;
    struct kernel_registers registers = {0};
    worker_create(&worker, true);
    worker_spins(&worker);
    start_at(&worker, undefined);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_registers(worker.thread, &registers), 0);
    EXPECT_EQUAL(registers.rip, (uint64_t)undefined);
    registers.rip = (uint64_t)landing;
    EXPECT_EQUAL(kernel_thread_set_registers(worker.thread, &registers), 0);
    EXPECT_EQUAL(kernel_thread_resume(worker.thread, false), 0);
    EXPECT_EQUAL(registers_at_rest(&worker).rip, (uint64_t)landing);
    worker_destroy(&worker);
}
