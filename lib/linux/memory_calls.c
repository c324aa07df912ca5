/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls for memory: one at a time, by whoever has the books of this task. That is the memory server where it
 * pages the task, and else the handler itself.
 *
 * The handler runs on the program's stack. So a thread that gives back the stack that it runs on (a C library does that
 * for threads that nobody waits for, right before they end) keeps it until it has ended.
 */
#define _GNU_SOURCE /* MADV_FREE */
#include "linux.h"

#include <errno.h>
#include <sys/mman.h>

#include "abi/capability.h"
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

bool linux_protection_rights(uint64_t protection, uint32_t *rights)
{
    if (protection & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return false;
    *rights = protection == PROT_NONE ? 0 : RIGHT_READ;
    *rights |= protection & PROT_WRITE ? RIGHT_WRITE : 0;
    *rights |= protection & PROT_EXEC ? RIGHT_EXECUTE : 0;
    return !((protection & PROT_WRITE) && (protection & PROT_EXEC));
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

/* Nothing need be done for such advice. */
static bool may_be_ignored(uint64_t advice)
{
    return advice == MADV_NORMAL || advice == MADV_RANDOM || advice == MADV_SEQUENTIAL || advice == MADV_WILLNEED ||
           advice == MADV_FREE;
}

/* madvise(address, length, advice): what is not needed any more is given back, where the memory server can take it. */
int64_t linux_madvise(const struct linux_frame *frame)
{
    if (frame->rdi % PAGE_SIZE != 0)
        return -EINVAL;
    if (may_be_ignored(frame->rdx))
        return 0;
    if (frame->rdx != MADV_DONTNEED || linux_grants.memory == 0)
        return -EINVAL;
    return call(frame, paged_discard, NULL);
}

/* mremap(address, old, new, flags) */
int64_t linux_mremap(const struct linux_frame *frame)
{
    return call(frame, paged_mremap, plain_mremap);
}
