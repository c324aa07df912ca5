/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of the kernel's frame and slab allocators (mem/frame.c and mem/slab.c, which have tests of their own): slab
 * pieces come from malloc, and free frames are poisoned, so that AddressSanitizer sees any use of what was freed. Any
 * allocation can be made to fail.
 */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cap/factory.h"
#include "debug/panic.h"
#include "kernel_parts/host_machine.h"
#include "mem/frame.h"
#include "mem/slab.h"

#define FRAMES (HOST_MEMORY_END / PAGE_SIZE)

static bool used[FRAMES];
static uint64_t free_frames[FRAMES], free_count, next_frame = HOST_MEMORY_START, frames_used, pieces_used;
static uint64_t free_large[FRAMES / LARGE_PAGE_PAGES], large_count, end_frame = HOST_MEMORY_END;
static long successes_left = -1;
static bool failed;
uint32_t frame_stock_count; /* a number only: no frame is set aside */

void host_memory_fail_after(long successes)
{
    successes_left = successes;
    failed = false;
}

bool host_memory_failed(void)
{
    return failed;
}

uint64_t host_frames_used(void)
{
    return frames_used;
}

uint64_t host_pieces_used(void)
{
    return pieces_used;
}

static bool must_fail(void)
{
    bool now = successes_left == 0;
    successes_left -= successes_left >= 0;
    failed |= now;
    return now;
}

bool frame_must_fail(void)
{
    return must_fail();
}

uint64_t frame_allocate_raw(void)
{
    uint64_t frame;
    if (must_fail())
        return 0;
    if (free_count > 0) {
        frame = free_frames[--free_count];
    } else if (next_frame < end_frame) {
        frame = next_frame;
        next_frame += PAGE_SIZE;
    } else {
        return 0;
    }
    used[frame / PAGE_SIZE] = true;
    frames_used++;
    ASAN_UNPOISON_MEMORY_REGION(physical_to_virtual(frame), PAGE_SIZE);
    memset(physical_to_virtual(frame), 0xa5, PAGE_SIZE);
    return frame;
}

uint64_t frame_allocate(void)
{
    uint64_t frame = frame_allocate_raw();
    if (frame != 0)
        memset(physical_to_virtual(frame), 0, PAGE_SIZE);
    if (frame_stock_count > 0)
        frame_stock_count--;
    return frame;
}

bool frame_stock_piece(void)
{
    frame_stock_count++;
    return true;
}

void frame_free(uint64_t frame)
{
    assert(frame % PAGE_SIZE == 0 && frame < HOST_MEMORY_END && used[frame / PAGE_SIZE]);
    used[frame / PAGE_SIZE] = false;
    frames_used--;
    ASAN_POISON_MEMORY_REGION(physical_to_virtual(frame), PAGE_SIZE);
    free_frames[free_count++] = frame;
}

void frame_free_zeroed(uint64_t frame)
{
    const uint64_t *words = physical_to_virtual(frame);
    for (uint32_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        assert(words[i] == 0);
    frame_free(frame);
}

uint64_t frame_count_free(void)
{
    return free_count + large_count * LARGE_PAGE_PAGES + (end_frame - next_frame) / PAGE_SIZE;
}

/* Large frames come from the end of memory, and stay large. */
uint64_t frame_allocate_large(void)
{
    uint64_t frame = 0;
    if (large_count > 0)
        frame = free_large[--large_count];
    else if (end_frame - next_frame >= LARGE_PAGE_SIZE)
        frame = end_frame -= LARGE_PAGE_SIZE;
    if (frame == 0)
        return 0;
    memset(&used[frame / PAGE_SIZE], true, LARGE_PAGE_PAGES);
    frames_used += LARGE_PAGE_PAGES;
    ASAN_UNPOISON_MEMORY_REGION(physical_to_virtual(frame), LARGE_PAGE_SIZE);
    memset(physical_to_virtual(frame), 0xa5, LARGE_PAGE_SIZE);
    return frame;
}

void frame_free_large(uint64_t frame)
{
    assert(frame % LARGE_PAGE_SIZE == 0 && frame < HOST_MEMORY_END && used[frame / PAGE_SIZE]);
    memset(&used[frame / PAGE_SIZE], false, LARGE_PAGE_PAGES);
    frames_used -= LARGE_PAGE_PAGES;
    ASAN_POISON_MEMORY_REGION(physical_to_virtual(frame), LARGE_PAGE_SIZE);
    free_large[large_count++] = frame;
}

/* ---- Runs: they come from the end of memory too; what is given back is single frames from then on ---------------- */

uint64_t frame_allocate_run(uint64_t count, uint64_t alignment, uint64_t below)
{
    uint64_t end = end_frame < below ? end_frame : below, run = (end - count * PAGE_SIZE) & ~(alignment - 1);
    if (end < count * PAGE_SIZE || run < next_frame)
        return 0;
    while (end_frame > run) {
        end_frame -= PAGE_SIZE;
        bool beyond = end_frame >= run + count * PAGE_SIZE;
        used[end_frame / PAGE_SIZE] = !beyond;
        if (beyond)
            free_frames[free_count++] = end_frame;
    }
    frames_used += count;
    return run;
}

void frame_prepare_of_run(uint64_t frame)
{
    assert(used[frame / PAGE_SIZE]);
    ASAN_UNPOISON_MEMORY_REGION(physical_to_virtual(frame), PAGE_SIZE);
    memset(physical_to_virtual(frame), 0, PAGE_SIZE);
}

void frame_free_run(uint64_t run, uint64_t count)
{
    while (count-- > 0)
        frame_free(run + count * PAGE_SIZE);
}

bool frame_gather_piece(void)
{
    return false;
}

/* What stands before a piece. */
struct header {
    struct factory *payer;
    size_t size;
};

/* Filled with rubbish, as what stood there last may be. */
void *slab_allocate_class(struct factory *payer, uint16_t class)
{
    void *piece = slab_allocate(payer, slab_sizes[class]);
    return piece ? memset(piece, 0xa5, slab_sizes[class]) : NULL;
}

void *slab_allocate(struct factory *payer, size_t size)
{
    assert(size > 0 && size <= SLAB_MAX_SIZE);
    if (must_fail() || !factory_charge(payer, size))
        return NULL;
    struct header *header = calloc(1, sizeof(struct header) + size);
    *header = (struct header){payer, size};
    pieces_used++;
    return header + 1;
}

void slab_free(void *piece)
{
    struct header *header = (struct header *)piece - 1, copy = *header;
    pieces_used--;
    free(header);
    factory_refund(copy.payer, copy.size);
}
