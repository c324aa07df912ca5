/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and death of threads. See thread.h. */
#include "thread/thread.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "debugger.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "ipc/notification.h"
#include "ipc/wait.h"
#include "mem/frame.h"
#include "mem/memory.h"
#include "mem/revoke.h"
#include "mem/space.h"
#include "thread/chain.h"
#include "thread/registers.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/cpu.h"

#define INITIAL_FLAGS 0x202UL /* interrupts on, and the bit that is always set */

static uint32_t threads;
static struct thread *grave; /* the current thread, destroyed by itself: freed when another runs */

static uint64_t utcb_address(uint32_t number)
{
    return UTCB_BASE + (uint64_t)number * PAGE_SIZE;
}

uint32_t thread_count(void)
{
    return threads;
}

bool thread_is_current(const struct thread *thread)
{
    return (struct hot_thread *)read_gs_base() == thread->hot;
}

/* The thread's slot in the save area, whose page is made if it is the first there. */
static struct save_slot *save_slot(struct task *task, uint32_t number)
{
    uint64_t address = SAVE_AREA + (uint64_t)number * SAVE_SLOT_SIZE;
    char *page = space_private_page(&task->space, task->object.payer, address & ~(uint64_t)(PAGE_SIZE - 1));
    return page ? (struct save_slot *)(page + (address & (PAGE_SIZE - 1))) : 0;
}

/* UTCB: a frame of the payer's, mapped where the thread's number says. */
static enum error add_utcb(struct thread *thread)
{
    struct factory *payer = thread->object.payer;
    uint64_t address = utcb_address(thread->number);
    enum error error = space_prepare(&thread->task->space, thread->task->object.payer, address);
    if (error != ERROR_NONE)
        return error;
    thread->utcb_frame = factory_allocate_frame(payer);
    if (thread->utcb_frame == 0)
        return ERROR_NO_MEMORY;
    thread_utcb(thread)->self = address;
    space_map(&thread->task->space, address, thread->utcb_frame, PTE_WRITE | PTE_NO_EXECUTE);
    return ERROR_NONE;
}

static void remove_utcb(struct thread *thread)
{
    if (thread->utcb_frame == 0)
        return;
    space_unmap(&thread->task->space, utcb_address(thread->number));
    factory_free_frame(thread->object.payer, thread->utcb_frame);
}

static void fill_line(struct thread *thread)
{
    struct hot_thread *line = thread->hot;
    line->user_gs = utcb_address(thread->number);
    line->cr3 = thread->task->space.cr3;
    line->save = SAVE_AREA + (uint64_t)thread->number * SAVE_SLOT_SIZE;
    line->thread = thread;
    line->gate = cpus[0].gate;
    line->utcb_words = &thread_utcb(thread)->words[MESSAGE_REGISTER_WORDS];
    line->reflect = thread->task->linux_handler;
}

static enum error add_parts(struct thread *thread)
{
    enum error error = add_utcb(thread);
    if (error != ERROR_NONE)
        return error;
    schedule_initialise_context(thread);
    thread->save = save_slot(thread->task, thread->number);
    if (!thread->save)
        return ERROR_NO_MEMORY;
    thread->hot = hot_thread_allocate(thread->object.payer, &error);
    if (!thread->hot)
        return error;
    fill_line(thread);
    return ERROR_NONE;
}

static void link_to_task(struct thread *thread)
{
    struct task *task = thread->task;
    thread->task_next = task->threads;
    if (task->threads)
        task->threads->task_previous = thread;
    task->threads = thread;
    threads++;
}

/* Whoever goes through the task's threads piece by piece goes on with the next. */
static void unlink_from_task(struct thread *thread)
{
    struct task *task = thread->task;
    if (task->to_end == thread)
        task->to_end = thread->task_next;
    if (task->to_tell == thread)
        task->to_tell = thread->task_next;
    if (thread->task_next)
        thread->task_next->task_previous = thread->task_previous;
    if (thread->task_previous)
        thread->task_previous->task_next = thread->task_next;
    else
        task->threads = thread->task_next;
    threads--;
}

struct thread *thread_create(struct factory *payer, struct task *task, enum error *error)
{
    int number = task_take_number(task);
    *error = ERROR_NO_SLOT;
    if (number < 0)
        return 0;
    struct thread *thread = object_allocate(payer, OBJECT_THREAD, sizeof(struct thread));
    *error = ERROR_NO_MEMORY;
    if (thread) {
        thread->task = task;
        thread->number = (uint32_t)number;
        *error = add_parts(thread);
        if (*error == ERROR_NONE) {
            link_to_task(thread);
            debugger_note(EVENT_START, thread, 0, 0, 0);
            return thread;
        }
        remove_utcb(thread);
        object_free(&thread->object);
    }
    task_release_number(task, (uint32_t)number);
    return 0;
}

void thread_start(struct thread *thread, uint64_t entry, uint64_t stack, uint64_t argument, uint64_t second)
{
    assert(thread->state == THREAD_NEW);
    thread->frame = (struct trap_frame){.rdi = argument,
                                        .rsi = second,
                                        .rip = entry,
                                        .cs = SELECTOR_USER_CODE,
                                        .rflags = INITIAL_FLAGS,
                                        .rsp = stack,
                                        .ss = SELECTOR_USER_DATA};
    registers_clean_vectors(thread);
    thread->interrupted = 1;
    thread->state = THREAD_ACTIVE;
    schedule_wake(thread);
}

static __attribute__((noinline)) void forget_mappings(struct thread *thread)
{
    mapping_give_up(thread);
    revoke_forget(thread);
    thread->failure = ERROR_NONE;
    thread->maps = false;
}

void thread_forget_operation(struct thread *thread)
{
    if (transfer_client(thread))
        transfer_driver_leaves(thread, thread->state == THREAD_DEAD ? ERROR_DEAD : ERROR_ABANDONED);
    thread->restarting = RESTARTS_NOTHING;
    if (thread->makes)
        memory_give_up(thread);
    if (thread->maps)
        forget_mappings(thread);
    thread->progress = 0;
}

void thread_end(struct thread *thread)
{
    struct thread *caller = wait_caller(thread), *next = chain_next(thread);
    if (thread->state == THREAD_DEAD)
        return;
    if (wait_in_ipc(thread))
        wait_end(thread);
    endpoint_forget(thread);
    thread->state = THREAD_DEAD;
    thread->sends = SENDS_OWN;
    thread->stopped = false;
    thread_forget_operation(thread);
    if (thread->notification)
        notification_unbind(thread->notification);
    schedule_forget(thread);
    if (thread_is_current(thread))
        schedule_request();
    debugger_note(EVENT_KILL, thread, 0, 0, 0);
    if (caller)
        wait_fail(caller, ERROR_DEAD);
    if (next)
        schedule_lender_lost(next);
}

static void drop_fault_handler(struct thread *thread)
{
    if (thread->fault_handler.object)
        capability_delete(&thread->fault_handler);
}

bool thread_destroy_piece(struct thread *thread)
{
    bool current = thread_is_current(thread);
    thread_end(thread); /* one that ended may be queued with the kernel's last message about it: that is taken back */
    if (thread->parked.first && !schedule_forget_piece(thread))
        return false;
    drop_fault_handler(thread);
    *thread->save = (struct save_slot){0};
    remove_utcb(thread);
    hot_thread_free(thread->hot, thread->object.payer);
    task_release_number(thread->task, thread->number);
    unlink_from_task(thread);
    if (current) {
        assert(!grave);
        object_unlist(&thread->object);
        grave = thread;
    } else {
        object_free(&thread->object);
    }
    return true;
}

void thread_bury(void)
{
    if (grave)
        object_free(&grave->object);
    grave = 0;
}
