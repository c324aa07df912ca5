/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's calls for anonymous memory, where no memory server pages the task (paged.c has them where one does). Each
 * mmap takes a memory object from the program's own factory and maps it into the program's own task; munmap and
 * mprotect may take regions apart. There is no memory behind a PROT_NONE mapping until mprotect gives it rights.
 *
 * What the program's image covers is not in the table: mprotect may take rights away from it in name only.
 */
#define _GNU_SOURCE /* MREMAP_FIXED */
#include "regions.h"

#include <errno.h>
#include <sys/mman.h>

#include "abi/addresses.h"
#include "abi/capability.h"
#include "linux.h"

static uint64_t heap_end; /* the program break, in bytes */

void plain_prepare(void)
{
    heap_end = PROGRAM_BREAK_BASE;
}

static uint64_t round_up(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

/* Is [start, start + length) where anonymous memory may lie? */
static bool is_ours(uint64_t start, uint64_t length)
{
    return start >= PROGRAM_BREAK_BASE && start < LINUX_HANDLER_BASE && length <= LINUX_HANDLER_BASE - start;
}

static uint32_t region_pages(const struct region *region)
{
    return (uint32_t)((region->end - region->start) / PAGE_SIZE);
}

/* Gives a region `rights`: maps, unmaps, or both. False if memory ran out; then nothing of it is mapped. */
static bool set_rights(struct region *region, uint32_t rights)
{
    if (region->rights == rights)
        return true;
    if (region->rights != 0 && ipc_unmap(objects_handle(region->object), region->start, region_pages(region)) != 0)
        return false;
    region->rights = 0;
    if (rights == 0)
        return true;
    if (region->object == REGION_NO_OBJECT) {
        if (region->end - region->start > (uint64_t)262144 * PAGE_SIZE)
            return false;
        region->object = objects_create(region_pages(region));
        region->offset = 0;
        if (region->object == REGION_NO_OBJECT)
            return false;
    }
    if (ipc_map(objects_handle(region->object), region->start, region->offset, region_pages(region), rights) != 0)
        return false;
    region->rights = rights;
    return true;
}

/* Unmaps a region, and takes it out of the table. */
static void drop_region(uint32_t index)
{
    struct region *region = &regions[index];
    set_rights(region, 0);
    if (region->object != REGION_NO_OBJECT)
        objects_release(region->object, region_pages(region));
    regions_remove(index);
}

/* Unmaps whatever lies in [start, end). */
static int64_t drop_range(uint64_t start, uint64_t end)
{
    if (!regions_split(start) || !regions_split(end))
        return -ENOMEM;
    uint32_t index = regions_find(start);
    while (index < regions_count && regions[index].start < end)
        drop_region(index);
    return 0;
}

/* Maps `bytes` zeroed bytes at `start`, where nothing is. */
static int64_t add_range(uint64_t start, uint64_t bytes, uint32_t rights)
{
    struct region region = {.start = start, .end = start + bytes, .object = REGION_NO_OBJECT};
    if (!regions_insert(&region))
        return -ENOMEM;
    uint32_t index = regions_find(start);
    if (set_rights(&regions[index], rights))
        return (int64_t)start;
    drop_region(index);
    return -ENOMEM;
}

/* mmap(address, length, protection, flags, fd, offset) */
int64_t plain_mmap(const struct linux_frame *frame)
{
    uint64_t address = frame->rdi, bytes = round_up(frame->rsi), flags = frame->r10;
    uint32_t rights;
    if (!(flags & MAP_ANONYMOUS))
        return -ENODEV;
    if (frame->rsi == 0 || !linux_protection_rights(frame->rdx, &rights))
        return -EINVAL;
    if (bytes < frame->rsi)
        return -ENOMEM;
    if (flags & MAP_FIXED) {
        if (address % PAGE_SIZE != 0 || !is_ours(address, bytes))
            return -EINVAL;
        int64_t result = drop_range(address, address + bytes);
        return result ? result : add_range(address, bytes, rights);
    }
    address = regions_gap(bytes);
    return address ? add_range(address, bytes, rights) : -ENOMEM;
}

/* munmap(address, length) */
int64_t plain_munmap(const struct linux_frame *frame)
{
    uint64_t bytes = round_up(frame->rsi);
    if (frame->rdi % PAGE_SIZE != 0 || frame->rsi == 0 || bytes < frame->rsi || !is_ours(frame->rdi, bytes))
        return -EINVAL;
    return drop_range(frame->rdi, frame->rdi + bytes);
}

/* mprotect(address, length, protection). Outside anonymous memory it succeeds for what takes rights away. */
int64_t plain_mprotect(const struct linux_frame *frame)
{
    uint64_t start = frame->rdi, bytes = round_up(frame->rsi), end = start + bytes;
    uint32_t rights;
    if (start % PAGE_SIZE != 0 || bytes < frame->rsi || !linux_protection_rights(frame->rdx, &rights))
        return -EINVAL;
    if (!is_ours(start, bytes))
        return rights & (RIGHT_WRITE | RIGHT_EXECUTE) ? -EACCES : 0;
    if (!regions_split(start) || !regions_split(end))
        return -ENOMEM;
    uint64_t reached = start;
    for (uint32_t i = regions_find(start); i < regions_count && regions[i].start < end; i++) {
        if (regions[i].start != reached || !set_rights(&regions[i], rights))
            return -ENOMEM;
        reached = regions[i].end;
    }
    return reached == end ? 0 : -ENOMEM;
}

/* brk(address): answers the program break, changed or not. */
int64_t plain_brk(const struct linux_frame *frame)
{
    uint64_t wanted = frame->rdi;
    if (wanted < PROGRAM_BREAK_BASE || wanted >= PROGRAM_MMAP_BASE)
        return (int64_t)heap_end;
    uint64_t old_pages = round_up(heap_end), new_pages = round_up(wanted);
    if (new_pages > old_pages && add_range(old_pages, new_pages - old_pages, RIGHT_READ | RIGHT_WRITE) < 0)
        return (int64_t)heap_end;
    if (new_pages < old_pages && drop_range(new_pages, old_pages) < 0)
        return (int64_t)heap_end;
    heap_end = wanted;
    return (int64_t)heap_end;
}

/* mremap(address, old, new, flags): gives back what a smaller size leaves; never grows, and callers then copy. */
int64_t plain_mremap(const struct linux_frame *frame)
{
    uint64_t address = frame->rdi, old_bytes = round_up(frame->rsi), new_bytes = round_up(frame->rdx);
    if (address % PAGE_SIZE != 0 || frame->rdx == 0 || !is_ours(address, old_bytes))
        return -EINVAL;
    if (frame->r10 & MREMAP_FIXED)
        return -EINVAL;
    if (new_bytes < frame->rdx || new_bytes > old_bytes)
        return -ENOMEM;
    int64_t result = new_bytes < old_bytes ? drop_range(address + new_bytes, address + old_bytes) : 0;
    return result ? result : (int64_t)address;
}
