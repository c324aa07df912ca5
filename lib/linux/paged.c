/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls for memory, where the memory server pages the task: each is an operation of idl/memory.idl on the
 * client that the task is. The server has the books; the handler keeps the program break alone. Memory is there when it
 * is touched, so a mapping may be much larger than the quota; who touches more than that is ended by a fault.
 */
#define _GNU_SOURCE /* MREMAP_MAYMOVE */
#include "paged.h"

#include <errno.h>
#include <sys/mman.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "idl/memory_service.h"

static uint64_t heap_end; /* the program break, in bytes */

void paged_prepare(void)
{
    heap_end = PROGRAM_BREAK_BASE;
}

/* What Linux answers where the memory server answers `result`. */
static int64_t linux_error(int result)
{
    switch (result) {
    case 0:
        return 0;
    case MEMORY_ERROR_NOT_ALLOWED:
        return -EACCES;
    case MEMORY_ERROR_BAD_RANGE:
        return -EINVAL;
    default:
        return -ENOMEM;
    }
}

/* The pages that hold `bytes` bytes; 0 where that is none or too many. */
static uint64_t pages_of(uint64_t bytes)
{
    return bytes > UINT64_MAX - PAGE_SIZE ? 0 : (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* May a program change what lies in the range? The handler, the start-up table and the initial stack's place may
 * not. */
static bool is_programs(uint64_t start, uint64_t pages)
{
    return start % PAGE_SIZE == 0 && start >= USER_START && start < LINUX_HANDLER_BASE && pages > 0 &&
           pages <= (LINUX_HANDLER_BASE - start) / PAGE_SIZE;
}

/* mmap(address, length, protection, flags, fd, offset) */
int64_t paged_mmap(const struct linux_frame *frame)
{
    uint64_t address = frame->rdi, pages = pages_of(frame->rsi), flags = frame->r10, start = 0;
    uint32_t rights;
    int result = 0;
    if (!(flags & MAP_ANONYMOUS))
        return -ENODEV;
    if (frame->rsi == 0 || !linux_protection_rights(frame->rdx, &rights))
        return -EINVAL;
    if (pages == 0)
        return -ENOMEM;
    if (flags & MAP_FIXED) {
        if (!is_programs(address, pages))
            return -EINVAL;
        result = ipc_space_detach(address, pages);
    }
    uint32_t how =
        (flags & MAP_FIXED ? MEMORY_ATTACHMENT_FIXED : 0) | (flags & MAP_SHARED ? MEMORY_ATTACHMENT_COMMON : 0);
    if (result == 0)
        result = ipc_space_allocate(address, pages, rights, how, &start);
    return result == 0 ? (int64_t)start : result == MEMORY_ERROR_BAD_RANGE ? -ENOMEM : linux_error(result);
}

/* munmap(address, length) */
int64_t paged_munmap(const struct linux_frame *frame)
{
    uint64_t pages = pages_of(frame->rsi);
    if (!is_programs(frame->rdi, pages))
        return -EINVAL;
    return linux_error(ipc_space_detach(frame->rdi, pages));
}

/* mprotect(address, length, protection) */
int64_t paged_mprotect(const struct linux_frame *frame)
{
    uint64_t start = frame->rdi, pages = pages_of(frame->rsi);
    uint32_t rights;
    if (start % PAGE_SIZE != 0 || !linux_protection_rights(frame->rdx, &rights))
        return -EINVAL;
    if (frame->rsi == 0)
        return 0;
    if (!is_programs(start, pages))
        return -ENOMEM;
    return linux_error(ipc_space_protect(start, pages, rights));
}

/* Makes the heap's last page that of `new_end`, both in pages from the heap's start on. */
static int set_heap(uint64_t old_end, uint64_t new_end)
{
    uint64_t start = 0, address = PROGRAM_BREAK_BASE + old_end * PAGE_SIZE;
    const uint32_t rights = RIGHT_READ | RIGHT_WRITE;
    if (new_end < old_end)
        return ipc_space_detach(PROGRAM_BREAK_BASE + new_end * PAGE_SIZE, old_end - new_end);
    if (new_end == old_end)
        return 0;
    if (old_end > 0 && ipc_space_resize(PROGRAM_BREAK_BASE, new_end, false, &start) == 0)
        return 0;
    /* There is no heap yet, or mprotect or munmap have taken it apart. */
    return ipc_space_allocate(address, new_end - old_end, rights, MEMORY_ATTACHMENT_FIXED, &start);
}

/* brk(address): answers the program break, changed or not. */
int64_t paged_brk(const struct linux_frame *frame)
{
    uint64_t wanted = frame->rdi;
    if (wanted < PROGRAM_BREAK_BASE || wanted >= PROGRAM_MMAP_BASE)
        return (int64_t)heap_end;
    if (set_heap(pages_of(heap_end - PROGRAM_BREAK_BASE), pages_of(wanted - PROGRAM_BREAK_BASE)) == 0)
        heap_end = wanted;
    return (int64_t)heap_end;
}

/* madvise(address, length, MADV_DONTNEED): gives pages back. */
int64_t paged_discard(const struct linux_frame *frame)
{
    uint64_t pages = pages_of(frame->rsi);
    if (frame->rsi == 0)
        return 0;
    return is_programs(frame->rdi, pages) ? linux_error(ipc_space_discard(frame->rdi, pages)) : -EINVAL;
}

/* mremap(address, old, new, flags): a whole mapping grows, where it is or where there is room; any shrinks. */
int64_t paged_mremap(const struct linux_frame *frame)
{
    uint64_t address = frame->rdi, old_pages = pages_of(frame->rsi), new_pages = pages_of(frame->rdx), start, pages;
    if (!is_programs(address, old_pages) || new_pages == 0 || (frame->r10 & ~(uint64_t)MREMAP_MAYMOVE))
        return -EINVAL;
    if (new_pages <= old_pages) {
        int result =
            new_pages < old_pages ? ipc_space_detach(address + new_pages * PAGE_SIZE, old_pages - new_pages) : 0;
        return result ? linux_error(result) : (int64_t)address;
    }
    if (ipc_space_region(address, &start, &pages) != 0 || start > address)
        return -EFAULT;
    if (start != address || pages != old_pages)
        return -ENOMEM; /* a part of a mapping, or several: whoever asked copies */
    int result = ipc_space_resize(address, new_pages, frame->r10 & MREMAP_MAYMOVE, &start);
    return result ? linux_error(result) : (int64_t)start;
}
