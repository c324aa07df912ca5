/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault handlers: faults of threads in other address spaces arrive as calls, and are answered with registers; handlers
 * that are busy, or fault themselves. What happens where no good answer comes is in unhandled.c.
 */
#include <string.h>

#include "abi/addresses.h"
#include "idl/supervisor.h"
#include "scene.h"
#include "unhandled.h"

#define UNMAPPED 0x300000000000UL
#define VALUE 0xfeedfacecafe

/* ---- Handled ----------------------------------------------------------------------------------------------------- */

/* A worker_function: reads values[0], then writes behind it, and reads that. */
static void touch(struct area *area)
{
    volatile uint64_t *place = (volatile uint64_t *)area->values[0];
    area->values[1] = place[0];
    place[PAGE_SIZE / 8] = area->values[1] + 1;
    area->values[2] = place[PAGE_SIZE / 8];
    area->done = 1;
}

/* The handler maps what was missing; the thread does not notice. */
static void page_faults(void)
{
    struct scene scene;
    kernel_memory_t memory = {guest_memory(2)};
    create_scene(&scene);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, UNMAPPED, 0, 1, RIGHT_READ | RIGHT_WRITE), 0);
    *(volatile uint64_t *)UNMAPPED = VALUE;
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, UNMAPPED, 1), 0);
    scene.worker.area->values[0] = UNMAPPED;
    worker_start(&scene.worker, touch);
    for (uint32_t page = 0; page < 2; page++) {
        struct fault fault = receive_fault(scene.handler);
        EXPECT_EQUAL(fault.number, scene.worker.number);
        EXPECT_EQUAL(fault.vector, VECTOR_PAGE_FAULT);
        EXPECT_EQUAL(fault.error, page ? FAULT_USER | FAULT_WRITE : FAULT_USER);
        EXPECT_EQUAL(fault.address, UNMAPPED + page * PAGE_SIZE);
        EXPECT_EQUAL(scene.worker.area->done, 0);
        EXPECT_EQUAL(kernel_memory_map(memory, scene.worker.task, fault.address, page, 1, RIGHT_READ | RIGHT_WRITE), 0);
        answer(&fault.registers);
    }
    worker_wait(&scene.worker, 1);
    EXPECT_EQUAL(scene.worker.area->values[1], VALUE);
    EXPECT_EQUAL(scene.worker.area->values[2], VALUE + 1);
    expect_not_told(&scene);
    destroy_scene(&scene);
    guest_delete(memory.handle);
}

/* Each register arrives, and each comes back as the handler has it. */
static void all_registers(void)
{
    struct scene scene;
    struct kernel_registers marks = marked_registers(0x1122334455667789, undefined), found;
    create_scene(&scene);
    start_at(&scene.worker, landing);
    EXPECT_EQUAL(kernel_thread_stop(scene.worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_set_registers(scene.worker.thread, &marks), 0);
    EXPECT_EQUAL(kernel_thread_resume(scene.worker.thread, false), 0);
    struct fault fault = receive_fault(scene.handler);
    EXPECT_EQUAL(fault.vector, VECTOR_INVALID_OPCODE);
    EXPECT_EQUAL(fault.address, 0);
    fault.registers.rflags &= ~FLAG_RESUME;
    expect_registers(&fault.registers, &marks);
    marks = marked_registers(0xfedcba9876543211, landing);
    answer(&marks);
    found = registers_at_rest(&scene.worker);
    expect_registers(&found, &marks);
    expect_not_told(&scene);
    destroy_scene(&scene);
}

/* Faults of each kind, each fixed by going on behind it: one thread after the other. */
static void vectors(void)
{
    const struct {
        const char *place;
        uint32_t vector;
        uint32_t behind; /* where the exception is reported: bytes behind `place` */
    } faults[] = {{divide, VECTOR_DIVIDE, 2},
                  {breakpoint, VECTOR_BREAKPOINT, 1},
                  {undefined, VECTOR_INVALID_OPCODE, 0},
                  {protection, VECTOR_PROTECTION, 0}};
    for (unsigned i = 0; i < COUNT(faults); i++) {
        struct scene scene;
        create_scene(&scene);
        start_at(&scene.worker, faults[i].place);
        struct fault fault = receive_fault(scene.handler);
        EXPECT_EQUAL(fault.vector, faults[i].vector);
        EXPECT_EQUAL(fault.error, 0);
        EXPECT_EQUAL(fault.registers.rip, (uint64_t)faults[i].place + faults[i].behind);
        fault.registers.rip = (uint64_t)landing;
        answer(&fault.registers);
        EXPECT_EQUAL(registers_at_rest(&scene.worker).rip, (uint64_t)landing);
        destroy_scene(&scene);
    }
}

/* A handler in a task of its own, with the dispatcher that idlc made: it steps over `ud2`, and counts. */
static int handle_exception(void *object, const struct idl_call *call, uint32_t number, uint32_t vector, uint32_t error,
                            uint64_t address, const struct kernel_registers *registers,
                            struct kernel_registers *changed)
{
    struct area *area = object;
    (void)number, (void)error, (void)address;
    if (vector != VECTOR_INVALID_OPCODE || call->badge != HANDLER_BADGE)
        return -ERROR_BAD_ARGUMENT;
    area->done++;
    *changed = *registers;
    changed->rip += 2;
    return 0;
}

KERNEL_FAULT_HANDLER_SERVER(dispatch, handle)

static void serve(struct area *area)
{
    area->values[1] = (uint64_t)salto_serve((uint32_t)area->values[0], dispatch, area);
}

/* A worker_function. */
static void fault_often(struct area *area)
{
    for (area->values[0] = 0; area->values[0] < 50; area->values[0]++)
        __asm__ volatile("ud2");
    area->done = 1;
}

static void create_server(struct worker *server, uint32_t endpoint)
{
    worker_create(server, true);
    server->area->values[0] = worker_give(server, endpoint, RIGHT_READ);
    worker_start(server, serve);
}

static void served_elsewhere(void)
{
    struct scene scene;
    struct worker server, second;
    create_scene(&scene);
    create_server(&server, scene.handler);
    worker_create_in(&second, &scene.worker); /* two threads of a task, one handler */
    set_handler(second.thread, scene.handler);
    worker_start(&scene.worker, fault_often);
    worker_start(&second, fault_often);
    worker_wait(&scene.worker, 1);
    worker_wait(&second, 1);
    EXPECT_EQUAL(server.area->done, 100);
    expect_not_told(&scene);
    worker_destroy(&second);
    worker_destroy(&server);
    destroy_scene(&scene);
}

/* A fault that comes while the handler works waits until it receives again. */
static void handler_busy(void)
{
    struct scene first, second;
    create_scene(&first);
    create_scene(&second);
    worker_destroy(&second.worker);
    worker_create(&second.worker, true);
    worker_spins(&second.worker);
    set_handler(second.worker.thread, first.handler);
    start_at(&first.worker, undefined);
    struct fault fault = receive_fault(first.handler);
    start_at(&second.worker, breakpoint);
    guest_yield();
    fault.registers.rip = (uint64_t)landing;
    struct ipc_message message;
    memcpy(message.words, &fault.registers, sizeof(message.words));
    memcpy(&ipc_utcb()->words[MESSAGE_REGISTER_WORDS], (char *)&fault.registers + sizeof(message.words),
           sizeof(fault.registers) - sizeof(message.words));
    uint64_t tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, REGISTER_WORDS, 0), first.handler, &message);
    fault = fault_of(tag, &message);
    EXPECT_EQUAL(fault.vector, VECTOR_BREAKPOINT);
    EXPECT_EQUAL(registers_at_rest(&first.worker).rip, (uint64_t)landing);
    fault.registers.rip = (uint64_t)landing;
    answer(&fault.registers);
    EXPECT_EQUAL(registers_at_rest(&second.worker).rip, (uint64_t)landing);
    destroy_scene(&second);
    destroy_scene(&first);
}

/* Kept in a reply object, and answered later by a send. */
static void kept(void)
{
    struct scene scene;
    kernel_reply_t reply = guest_reply();
    create_scene(&scene);
    start_at(&scene.worker, undefined);
    struct fault fault = receive_fault(scene.handler);
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    guest_yield();
    expect_not_told(&scene);
    EXPECT_ERROR(kernel_thread_resume(scene.worker.thread, false), BUSY);
    fault.registers.rip = (uint64_t)landing;
    EXPECT_EQUAL(answer_with(tag_of(0, MESSAGE_SEND, REGISTER_WORDS, 0), reply.handle, &fault.registers), TAG_DONE);
    EXPECT_EQUAL(answer_with(tag_of(0, MESSAGE_SEND, REGISTER_WORDS, 0), reply.handle, &fault.registers),
                 ERROR_NO_CALLER);
    EXPECT_EQUAL(registers_at_rest(&scene.worker).rip, (uint64_t)landing);
    destroy_scene(&scene);
    create_scene(&scene); /* and dropped: the supervisor is told */
    start_at(&scene.worker, undefined);
    receive_fault(scene.handler);
    EXPECT_EQUAL(kernel_reply_keep(reply), 0);
    guest_delete(reply.handle);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
    destroy_scene(&scene);
}

/* ---- Handlers that fault ----------------------------------------------------------------------------------------- */

/* A thread that would have to handle its own faults. */
static void its_own_handler(void)
{
    struct scene scene;
    create_scene(&scene);
    uint32_t handle = worker_give(&scene.worker, scene.handler, RIGHT_READ);
    worker_add(&scene.worker, TAG_RECEIVE, handle);
    worker_go(&scene.worker); /* from now on it is the endpoint's server */
    uint64_t old = 0;
    EXPECT_EQUAL(kernel_thread_break_off(scene.worker.thread, (uint64_t)undefined, &old), 0);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined);
    destroy_scene(&scene);
}

/* A handler that faults while it handles a fault, and whose own handler is busy with another one, in a circle. */
static void circle(void)
{
    struct scene scene, other;
    create_scene(&scene);
    create_scene(&other);
    worker_add(&scene.worker, TAG_RECEIVE, worker_give(&scene.worker, other.handler, RIGHT_READ));
    worker_add(&other.worker, TAG_RECEIVE, worker_give(&other.worker, scene.handler, RIGHT_READ));
    worker_go(&scene.worker); /* each serves the other's faults */
    worker_go(&other.worker);
    uint64_t old = 0;
    EXPECT_EQUAL(kernel_thread_stop(other.worker.thread), 0); /* so that it does nothing with the fault */
    EXPECT_EQUAL(kernel_thread_break_off(scene.worker.thread, (uint64_t)undefined, &old), 0);
    guest_yield();
    EXPECT_EQUAL(kernel_thread_break_off(other.worker.thread, (uint64_t)breakpoint, &old), 0);
    EXPECT_EQUAL(kernel_thread_resume(other.worker.thread, false), 0);
    expect_unheard(&other, VECTOR_BREAKPOINT, breakpoint + 1); /* its handler waits for it */
    expect_not_told(&scene);
    EXPECT_EQUAL(kernel_thread_end(other.worker.thread), 0);
    expect_unheard(&scene, VECTOR_INVALID_OPCODE, undefined); /* whose handler has died now */
    destroy_scene(&other);
    destroy_scene(&scene);
}

/* ---- The faulting thread, meanwhile ------------------------------------------------------------------------------ */

static void meanwhile(void)
{
    struct scene scene;
    struct kernel_registers registers = {0};
    uint64_t old = 0;
    create_scene(&scene);
    start_at(&scene.worker, undefined);
    struct fault fault = receive_fault(scene.handler);
    EXPECT_ERROR(kernel_thread_break_off(scene.worker.thread, 0, &old), BUSY);
    EXPECT_ERROR(kernel_thread_resume(scene.worker.thread, false), BUSY);
    EXPECT_EQUAL(kernel_thread_registers(scene.worker.thread, &registers), 0);
    expect_registers(&registers, &fault.registers);
    EXPECT_ERROR(kernel_thread_set_registers(scene.worker.thread, &registers), BUSY); /* the handler's business */
    EXPECT_EQUAL(kernel_thread_stop(scene.worker.thread), 0);
    fault.registers.rip = (uint64_t)landing;
    answer(&fault.registers);
    EXPECT_EQUAL(kernel_thread_registers(scene.worker.thread, &registers), 0); /* it is stopped still */
    EXPECT_EQUAL(registers.rip, (uint64_t)landing);
    EXPECT_EQUAL(kernel_thread_resume(scene.worker.thread, false), 0);
    EXPECT_EQUAL(registers_at_rest(&scene.worker).rip, (uint64_t)landing);
    destroy_scene(&scene);
}

/* It dies: queued at the handler, or received. The answer finds nobody. */
static void client_dies(enum death death)
{
    struct scene scene;
    struct ipc_message message = {0};
    for (int received = 0; received < 2; received++) {
        create_scene(&scene);
        start_at(&scene.worker, undefined);
        guest_yield();
        if (received)
            receive_fault(scene.handler);
        worker_die(&scene.worker, death);
        if (received)
            EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), ERROR_NO_CALLER);
        else
            EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, scene.handler, &message), ERROR_WOULD_BLOCK);
        if (death == TASK_ENDS)
            EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE_NOW, scene.supervisor, &message), KERNEL_SUPERVISOR_EXITED_REQUEST);
        else
            expect_not_told(&scene);
        destroy_scene(&scene);
    }
}

static void clients_die(void)
{
    for (enum death death = TASK_ENDS; death < DEATHS; death++)
        client_dies(death);
}

/* Single steps are handled as other exceptions are: the handler sees each instruction. */
static void steps(void)
{
    struct scene scene;
    create_scene(&scene);
    start_at(&scene.worker, landing);
    EXPECT_EQUAL(kernel_thread_stop(scene.worker.thread), 0);
    EXPECT_EQUAL(kernel_thread_resume(scene.worker.thread, true), 0);
    struct fault fault = receive_fault(scene.handler);
    EXPECT_EQUAL(fault.vector, VECTOR_DEBUG);
    EXPECT_EQUAL(fault.registers.rip, (uint64_t)landing);
    EXPECT_EQUAL(fault.registers.rflags & 0x100, 0);
    for (int i = 0; i < 10; i++) { /* the flag, given in the answer, steps on */
        fault.registers.rflags |= 0x100;
        answer(&fault.registers);
        fault = receive_fault(scene.handler);
        EXPECT_EQUAL(fault.vector, VECTOR_DEBUG);
        EXPECT_EQUAL(fault.registers.rip, (uint64_t)landing);
    }
    fault.registers.rflags &= ~0x100UL;
    answer(&fault.registers);
    EXPECT_EQUAL(registers_at_rest(&scene.worker).rip, (uint64_t)landing);
    expect_not_told(&scene);
    destroy_scene(&scene);
}

/* ---- Naming a handler -------------------------------------------------------------------------------------------- */

static void named_once(void)
{
    struct scene scene;
    uint32_t endpoint = guest_endpoint(), reader = guest_copy(endpoint, RIGHT_READ);
    struct worker worker;
    create_scene(&scene);
    worker_create(&worker, true);
    kernel_thread_t weak = {guest_copy(worker.thread.handle, RIGHT_READ | RIGHT_EXECUTE | RIGHT_COPY)};
    EXPECT_ERROR(kernel_thread_set_fault_handler(scene.worker.thread, (kernel_endpoint_t){endpoint}), BUSY);
    EXPECT_ERROR(kernel_thread_set_fault_handler(worker.thread, (kernel_endpoint_t){reader}), NO_RIGHT);
    EXPECT_ERROR(kernel_thread_set_fault_handler(worker.thread, (kernel_endpoint_t){own_task.handle}), WRONG_TYPE);
    EXPECT_ERROR(kernel_thread_set_fault_handler(worker.thread, (kernel_endpoint_t){0}), BAD_HANDLE);
    EXPECT_ERROR(kernel_thread_set_fault_handler(weak, (kernel_endpoint_t){endpoint}), NO_RIGHT);
    EXPECT_EQUAL(kernel_thread_set_fault_handler(worker.thread, (kernel_endpoint_t){endpoint}), 0);
    guest_delete(weak.handle);
    guest_delete(reader);
    guest_delete(endpoint);
    worker_destroy(&worker);
    destroy_scene(&scene);
}

static const struct guest_test tests[] = {
    {"a page fault is mended by mapping", page_faults},
    {"every register arrives, and comes back changed", all_registers},
    {"vectors", vectors},
    {"a server in a task of its own", served_elsewhere},
    {"a handler that is busy", handler_busy},
    {"faulting threads are kept in reply objects", kept},
    {"answers of another shape", other_answers},
    {"answers with registers that are refused", refused_registers},
    {"answers with flags that are not a program's", flags},
    {"the handler does not answer", abandoned},
    {"the handler dies", handlers_die},
    {"the handler dies with one fault, and another one behind it", handlers_die_with_two},
    {"the handler's endpoint is reclaimed", handler_reclaimed},
    {"a handler's successor", successors},
    {"the handler is gone", handler_gone},
    {"nobody is told", nobody},
    {"a thread that is its own handler", its_own_handler},
    {"handlers in a circle", circle},
    {"the faulting thread meanwhile", meanwhile},
    {"the faulting thread dies", clients_die},
    {"single steps", steps},
    {"a handler is named once", named_once},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
