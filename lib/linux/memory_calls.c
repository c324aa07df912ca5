/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls for memory: one at a time, by whoever has the books of this task. That is the memory server where it
 * pages the task, and else the handler itself.
 *
 * The handler runs on the program's stack. So a thread that gives back the stack that it runs on (a C library does that
 * for threads that nobody waits for, right before they end) keeps it until it has ended.
 */
#include "linux.h"
#include "paged.h"
#include "regions.h"
#include "threads.h"

static uint32_t memory_lock;

void linux_memory_prepare(void)
{
    memory_lock = 0;
    plain_prepare();
    paged_prepare();
}

void linux_memory_stop(void)
{
    linux_lock(&memory_lock);
}

void linux_memory_go_on(void)
{
    linux_unlock(&memory_lock);
}

void linux_memory_forked(void)
{
    memory_lock = 0;
}

static int64_t call(const struct linux_frame *frame, linux_function *paged, linux_function *plain)
{
    linux_lock(&memory_lock);
    int64_t result = linux_grants.memory != 0 ? paged(frame) : plain(frame);
    linux_unlock(&memory_lock);
    return result;
}

/* mmap(address, length, protection, flags, file, offset) */
int64_t linux_mmap(const struct linux_frame *frame)
{
    return call(frame, paged_mmap, plain_mmap);
}

static bool is_own_stack(const struct linux_frame *frame)
{
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    return here >= frame->rdi && here - frame->rdi < frame->rsi;
}

/* munmap(address, length) */
int64_t linux_munmap(const struct linux_frame *frame)
{
    struct linux_thread *self = linux_self();
    if (linux_number() == LEADER || frame->rdi % PAGE_SIZE != 0 || !is_own_stack(frame))
        return call(frame, paged_munmap, plain_munmap);
    self->unmap = frame->rdi;
    self->unmap_bytes = frame->rsi;
    return 0;
}

/* mprotect(address, length, protection) */
int64_t linux_mprotect(const struct linux_frame *frame)
{
    return call(frame, paged_mprotect, plain_mprotect);
}

/* brk(address) */
int64_t linux_brk(const struct linux_frame *frame)
{
    return call(frame, paged_brk, plain_brk);
}

/* madvise(address, length, advice) */
int64_t linux_madvise(const struct linux_frame *frame)
{
    return call(frame, paged_madvise, plain_madvise);
}

/* mremap(address, old, new, flags) */
int64_t linux_mremap(const struct linux_frame *frame)
{
    return call(frame, paged_mremap, plain_mremap);
}
