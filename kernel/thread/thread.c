/* SPDX-License-Identifier: BSD-2-Clause */
/* Life and death of threads. See thread.h. */
#include "thread/thread.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "ipc/endpoint.h"
#include "ipc/hot.h"
#include "mem/frame.h"
#include "mem/space.h"
#include "thread/schedule.h"
#include "thread/task.h"
#include "x86/cpu.h"

#define INITIAL_FLAGS 0x202UL /* interrupts on, and the bit that is always set */
#define FXSAVE_CONTROL 0      /* Intel SDM volume 1, 10.5.1 */
#define FXSAVE_MXCSR 24

static uint32_t threads;
static struct thread *grave; /* the current thread, destroyed by itself: freed when another runs */

struct utcb *thread_utcb(struct thread *thread)
{
    return physical_to_virtual(thread->utcb_frame);
}

static uint64_t utcb_address(uint32_t number)
{
    return UTCB_BASE + (uint64_t)number * PAGE_SIZE;
}

uint32_t thread_count(void)
{
    return threads;
}

static bool is_current(const struct thread *thread)
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
    enum error error = space_prepare(&thread->task->space, thread->task->object.payer, address, 1);
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

static void unlink_from_task(struct thread *thread)
{
    if (thread->task_next)
        thread->task_next->task_previous = thread->task_previous;
    if (thread->task_previous)
        thread->task_previous->task_next = thread->task_next;
    else
        thread->task->threads = thread->task_next;
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
    *(uint16_t *)(thread->vector_state + FXSAVE_CONTROL) = 0x037f;
    *(uint32_t *)(thread->vector_state + FXSAVE_MXCSR) = 0x1f80;
    thread->interrupted = 1;
    thread->state = THREAD_ACTIVE;
    schedule_ready(thread);
}

void thread_fail(struct thread *thread, enum error error)
{
    assert(!thread->interrupted);
    thread->call = (struct kernel_call){.tag = error};
    thread->hot->partner = 0;
    thread->hot->waits = 0;
    schedule_ready(thread);
}

void thread_stop(struct thread *thread)
{
    struct hot_thread *caller = thread->hot->caller;
    if (thread->state == THREAD_DEAD)
        return;
    if (thread->state == THREAD_READY)
        schedule_remove(thread);
    if (is_current(thread))
        schedule_request();
    endpoint_forget(thread);
    thread->hot->partner = 0;
    thread->state = THREAD_DEAD;
    if (caller->partner == thread->hot)
        thread_fail(caller->thread, ERROR_DEAD);
}

void thread_destroy(struct thread *thread)
{
    bool current = is_current(thread);
    thread_stop(thread);
    endpoint_forget(thread); /* a stopped thread may be queued with the kernel's last message about it */
    thread->state = THREAD_DEAD;
    *thread->save = (struct save_slot){0};
    remove_utcb(thread);
    hot_thread_free(thread->hot, thread->object.payer);
    task_release_number(thread->task, thread->number);
    unlink_from_task(thread);
    if (current) {
        assert(!grave);
        grave = thread;
    } else {
        object_free(&thread->object);
    }
}

void thread_bury(void)
{
    if (grave)
        object_free(&grave->object);
    grave = 0;
}
