/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls on threads: clone, and how threads end. See threads.h.
 *
 * A thread that ends lets others know by a word of memory, and whoever sees it may take its stack away. So it does that
 * from a stack of the handler's, the one of all threads that leave, and gives that back with its last instruction but
 * one.
 */
#define _GNU_SOURCE
#include "threads.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "idl/task.h"
#include "idl/thread.h"

#define LEAVING_STACK 2048
#define LEAST_STACK 2048 /* what a new thread needs to begin on */
#define THREAD_FLAGS (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define ALL_BITS 0xffffffff

struct linux_thread linux_threads[THREADS_MAX + 1] LINUX_LARGE_FIRST;
static struct linux_thread survivor; /* of the program before: the thread that began with this one */
static uint32_t first;               /* number of the thread that is called as the process is */
static uint32_t alive;               /* threads that clone made, and the first */
static uint32_t
    used; /* numbers from here on were never used: their records are as the image has them, and take no memory */

uint32_t linux_clone_lock;

static uint8_t leaving_stack[LEAVING_STACK] LINUX_LARGE __attribute__((aligned(16)));
static uint32_t leaving_lock;

void linux_threads_prepare(void)
{
    for (uint32_t i = 0; i < used; i++)
        linux_threads[i] = (struct linux_thread){0};
    used = linux_number() + 1;
    first = linux_number();
    *linux_self() = survivor;
    survivor = (struct linux_thread){0};
    if (linux_self()->thread == 0)
        linux_self()->thread = linux_grants.thread;
    alive = 1;
    linux_clone_lock = leaving_lock = 0;
    futex_prepare();
}

uint32_t linux_thread_number(uint32_t number)
{
    return number == first ? linux_process_number() : linux_process_number() | number << LINUX_THREAD_SHIFT;
}

/* gettid() */
int64_t linux_gettid(const struct linux_frame *frame)
{
    (void)frame;
    return linux_thread_number(linux_number());
}

/* set_tid_address(address): it is cleared when the thread ends. */
int64_t linux_set_tid_address(const struct linux_frame *frame)
{
    linux_self()->clear = frame->rdi;
    return linux_gettid(frame);
}

/* set_robust_list(head, size): accepted; a thread that ends with a lock leaves it taken. */
int64_t linux_set_robust_list(const struct linux_frame *frame)
{
    return frame->rsi == 3 * sizeof(uint64_t) ? 0 : -EINVAL;
}

/* ---- Beginning --------------------------------------------------------------------------------------------------- */

void linux_birth_prepare(struct linux_birth *birth, struct linux_registers *registers)
{
    birth->registers = registers;
    save_vectors(&birth->vectors);
    __asm__("rdfsbase %0" : "=r"(birth->fs_base));
}

struct linux_birth *linux_birth_place(uint64_t top, const struct linux_registers *registers)
{
    /* As far below as entry.S had it, since that is how it finds the way back. */
    struct linux_registers *copy = (struct linux_registers *)(top - 128 - sizeof(*copy));
    struct linux_birth *birth = (struct linux_birth *)(((uint64_t)copy - sizeof(*birth)) & ~(uint64_t)15);
    *copy = *registers;
    linux_birth_prepare(birth, copy);
    return birth;
}

/* The first thread of a copy of a process: the only one of its own. */
static void become_process(const struct linux_birth *birth, uint32_t process)
{
    linux_find_grants();
    linux_set_process(process, birth->parent);
    linux_threads_prepare();
    linux_memory_forked();
    linux_console_forked();
    linux_self()->mask = birth->mask;
    linux_self()->clear = birth->clear;
    if (birth->tell != 0)
        *(uint32_t *)birth->tell = process;
}

struct linux_registers *linux_child_begins(struct linux_birth *birth, uint32_t process)
{
    if (process)
        become_process(birth, process);
    restore_vectors(&birth->vectors);
    __asm__ volatile("wrfsbase %0" : : "r"(birth->fs_base));
    return birth->registers;
}

/* Do the flags agree with each other, and is what they name plausible? */
static int64_t check(const struct linux_frame *frame, uint64_t flags)
{
    const uint64_t word = sizeof(uint32_t);
    if ((flags & THREAD_FLAGS) != THREAD_FLAGS || frame->rsi == 0)
        return -EINVAL;
    if (!linux_pointer_is_plausible(frame->rsi - LEAST_STACK, LEAST_STACK))
        return -EFAULT;
    if (((flags & CLONE_PARENT_SETTID) && !linux_pointer_is_plausible(frame->rdx, word)) ||
        ((flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) && !linux_pointer_is_plausible(frame->r10, word)))
        return -EFAULT;
    return (flags & CLONE_SETTLS) && frame->r8 >= USER_END ? -EPERM : 0;
}

/* Writes down what is known of a thread before it starts. */
static void enter(uint32_t number, uint32_t thread, const struct linux_frame *frame)
{
    uint64_t flags = frame->rdi;
    uint32_t id = linux_thread_number(number);
    linux_threads[number] = (struct linux_thread){
        .thread = thread,
        .mask = linux_self()->mask,
        .clear = flags & CLONE_CHILD_CLEARTID ? frame->r10 : 0,
    };
    if (number >= used)
        used = number + 1;
    if (flags & CLONE_PARENT_SETTID)
        *(uint32_t *)frame->rdx = id;
    if (flags & CLONE_CHILD_SETTID)
        *(uint32_t *)frame->r10 = id;
    __atomic_add_fetch(&alive, 1, __ATOMIC_SEQ_CST);
}

/* Takes back a thread that was not started. */
static int64_t give_up(uint32_t thread)
{
    int result = thread ? ipc_delete(thread) : 0;
    (void)result;
    return -EAGAIN;
}

/* Makes a thread that will begin with `birth`. One at a time. */
static int64_t make_thread(const struct linux_frame *frame, const struct linux_birth *birth)
{
    uint32_t thread = 0, number = 0;
    if (ipc_create_thread(&thread, &number) != 0 || number >= THREADS_MAX)
        return give_up(thread);
    enter(number, thread, frame);
    if (ipc_start_thread(thread, (uint64_t)linux_child, (uint64_t)birth) == 0)
        return linux_thread_number(number);
    __atomic_sub_fetch(&alive, 1, __ATOMIC_SEQ_CST);
    linux_threads[number] = (struct linux_thread){0}; /* its handle may soon be another object's */
    return give_up(thread);
}

int64_t linux_clone(struct linux_registers *registers)
{
    const struct linux_frame *frame = &registers->frame;
    if (frame->number != SYS_clone || !(frame->rdi & CLONE_THREAD))
        return linux_fork(registers);
    int64_t result = check(frame, frame->rdi);
    if (result)
        return result;
    struct linux_birth *birth = linux_birth_place(frame->rsi, registers);
    if (frame->rdi & CLONE_SETTLS)
        birth->fs_base = frame->r8;
    linux_lock(&linux_clone_lock);
    result = make_thread(frame, birth);
    linux_unlock(&linux_clone_lock);
    return result;
}

/* ---- Ending ------------------------------------------------------------------------------------------------------ */

/* The end of a thread, on the stack for that. */
static void leave(void)
{
    struct linux_thread *self = linux_self();
    uint32_t thread = self->thread, notification = self->notification, number = linux_number();
    const struct linux_frame stack = {.rdi = self->unmap, .rsi = self->unmap_bytes};
    if (self->unmap_bytes != 0)
        linux_munmap(&stack);
    self->notification = 0;
    if (notification != 0 && ipc_delete(notification) != 0)
        self->notification = notification; /* kept for nobody: it was the program that took it away */
    if (self->clear != 0) {
        __atomic_store_n((uint32_t *)self->clear, 0, __ATOMIC_SEQ_CST);
        futex_wake(self->clear, 1, ALL_BITS);
    }
    if (number == LEADER) /* others have capabilities to it, so it does not end with its own */
        linux_last_call(KERNEL_THREAD_END_REQUEST, thread, 0, &leaving_lock, &self->thread);
    linux_last_call(KERNEL_TASK_DELETE_REQUEST, linux_grants.task, thread, &leaving_lock, &self->thread);
}

void linux_go_on_alone(void (*function)(void))
{
    linux_lock_spinning(&leaving_lock); /* whoever leaves has left */
    for (uint32_t i = 0; i < used; i++) {
        uint32_t thread = linux_threads[i].thread;
        if (thread == 0 || i == linux_number())
            continue;
        int result = i == LEADER ? ipc_end_thread(thread) : ipc_delete(thread);
        (void)result; /* one that is gone already is as good */
    }
    survivor = *linux_self();
    survivor.clear = survivor.unmap_bytes = 0;
    linux_switch_stack(leaving_stack + LEAVING_STACK, function);
}

/* exit(status): of one thread, and with the last the process's. */
int64_t linux_exit(const struct linux_frame *frame)
{
    if (linux_self()->thread == 0 || __atomic_sub_fetch(&alive, 1, __ATOMIC_SEQ_CST) == 0)
        return linux_exit_group(frame);
    linux_lock_spinning(&leaving_lock);
    linux_switch_stack(leaving_stack + LEAVING_STACK, leave);
}
