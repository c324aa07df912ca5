/* SPDX-License-Identifier: BSD-2-Clause */
/* Frame allocator. See frame.h. Invariant: a frame is on the free list, in the stock, or part of one on the list of
 * large frames, exactly if its state byte says FREE. */
#include "mem/frame.h"

#include "debug/panic.h"
#include "mem/runs.h"

enum frame_state { FRAME_UNKNOWN, FRAME_FREE, FRAME_USED };
#define FRAME_MARK 0x80 /* beside the state, within frame_mark() and frame_clear_marks() */

#define BOOT_END 0x100000000UL /* what is mapped while the kernel boots */

static uint8_t *states; /* one enum frame_state, and a mark, for each frame below `states_count` */
static uint64_t states_count;
static uint64_t free_list;  /* physical address of the first free frame; its first word names the next */
static uint64_t large_list; /* the same for large frames */
static uint64_t free_count; /* those in the stock, and in large frames, included */
static uint64_t stock;      /* the first frame of it: all zeros, but for the first word, which names the next */
uint32_t frame_stock_count;
static uint64_t allocations_left; /* until one fails for a test; 0: none does */

static uint64_t take_from_range(uint64_t count)
{
    uint64_t start = runs_take_first(count * PAGE_SIZE);
    if (start != 0)
        free_count -= count;
    return start;
}

void frame_initialise(const struct boot_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        runs_add(ranges[i].start, ranges[i].end); /* the table is larger than that of boot */
        if (ranges[i].end / PAGE_SIZE > states_count)
            states_count = ranges[i].end / PAGE_SIZE;
    }
    free_count = runs_size() / PAGE_SIZE;
    uint64_t table = take_from_range((states_count + PAGE_SIZE - 1) / PAGE_SIZE);
    if (table == 0)
        panic("no usable memory for the table of frames");
    states = physical_to_virtual(table);
    __builtin_memset(states, FRAME_UNKNOWN, states_count);
}

static void frame_take(uint64_t frame)
{
    states[frame / PAGE_SIZE] = FRAME_USED;
}

bool frame_must_fail(void)
{
    return allocations_left > 0 && --allocations_left == 0;
}

uint64_t frame_fail_allocation(uint64_t number)
{
    uint64_t left = allocations_left;
    allocations_left = number;
    return left;
}

/* A large frame off the list, whose frames count as free still; 0 if there is none. */
static uint64_t take_large(void)
{
    uint64_t frame = large_list;
    if (frame != 0)
        large_list = *(uint64_t *)physical_to_virtual(frame);
    return frame;
}

/* The frames of a large one are as if they had never been handed out. False if there is none, or no place for them. */
static bool break_large(void)
{
    uint64_t frame = large_list;
    if (frame == 0)
        return false;
    uint64_t next = *(uint64_t *)physical_to_virtual(frame);
    if (!runs_add(frame, frame + LARGE_PAGE_SIZE))
        return false;
    large_list = next;
    __builtin_memset(&states[frame / PAGE_SIZE], FRAME_UNKNOWN, LARGE_PAGE_PAGES);
    return true;
}

/* A frame with whatever stands in it, not of the stock, which is not free any more; 0 if there is none. */
static uint64_t take_any(void)
{
    uint64_t frame = free_list;
    if (frame == 0) {
        frame = take_from_range(1);
        return frame != 0 || !break_large() ? frame : take_from_range(1);
    }
    free_list = *(uint64_t *)physical_to_virtual(frame);
    free_count--;
    return frame;
}

/* A frame of the stock, zeroed; 0 if that is empty. */
static uint64_t take_from_stock(void)
{
    uint64_t frame = stock;
    if (frame == 0)
        return 0;
    uint64_t *next = physical_to_virtual(frame);
    stock = *next;
    *next = 0;
    frame_stock_count--;
    free_count--;
    return frame;
}

static void zero(uint64_t frame)
{
    __builtin_memset(__builtin_assume_aligned(physical_to_virtual(frame), PAGE_SIZE), 0, PAGE_SIZE);
}

/* The frame, which is zeroed, is free from now on. */
static void add_to_stock(uint64_t frame)
{
    *(uint64_t *)physical_to_virtual(frame) = stock;
    states[frame / PAGE_SIZE] = FRAME_FREE;
    stock = frame;
    frame_stock_count++;
    free_count++;
}

bool frame_stock_piece(void)
{
    uint64_t frame = take_any();
    if (frame == 0)
        return false;
    zero(frame);
    add_to_stock(frame);
    return true;
}

uint64_t frame_allocate_raw(void)
{
    if (frame_must_fail())
        return 0;
    uint64_t frame = take_any();
    if (frame == 0)
        frame = take_from_stock();
    if (frame != 0)
        frame_take(frame);
    return frame;
}

uint64_t frame_allocate(void)
{
    if (frame_must_fail())
        return 0;
    uint64_t frame = take_from_stock();
    if (frame == 0 && (frame = take_any()) != 0)
        zero(frame);
    if (frame != 0)
        frame_take(frame);
    return frame;
}

static void assert_used(uint64_t frame)
{
    assert((frame & (PAGE_SIZE - 1)) == 0);
    assert(frame / PAGE_SIZE < states_count);
    assert(states[frame / PAGE_SIZE] == FRAME_USED);
}

void frame_free(uint64_t frame)
{
    assert_used(frame);
    states[frame / PAGE_SIZE] = FRAME_FREE;
    *(uint64_t *)physical_to_virtual(frame) = free_list;
    free_list = frame;
    free_count++;
}

void frame_free_zeroed(uint64_t frame)
{
    if (frame_stock_count >= FRAME_STOCK_MOST)
        return frame_free(frame);
    assert_used(frame);
    add_to_stock(frame);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

uint64_t frame_allocate_run(uint64_t count, uint64_t alignment, uint64_t below)
{
    uint64_t run = runs_take(count * PAGE_SIZE, alignment, below);
    if (run != 0)
        free_count -= count;
    return run;
}

void frame_prepare_of_run(uint64_t frame)
{
    frame_take(frame);
    zero(frame);
}

void frame_free_run(uint64_t run, uint64_t count)
{
    if (runs_add(run, run + count * PAGE_SIZE)) {
        __builtin_memset(&states[run / PAGE_SIZE], FRAME_UNKNOWN, count);
        free_count += count;
        return;
    }
    while (count-- > 0) {
        frame_take(run + count * PAGE_SIZE);
        frame_free(run + count * PAGE_SIZE);
    }
}

bool frame_gather_piece(void)
{
    return break_large();
}

uint64_t frame_allocate_contiguous(uint64_t count)
{
    uint64_t run = frame_allocate_run(count, PAGE_SIZE, BOOT_END);
    for (uint64_t i = 0; run != 0 && i < count; i++)
        frame_prepare_of_run(run + i * PAGE_SIZE);
    return run;
}

/* ---- Large frames ------------------------------------------------------------------------------------------------ */

uint64_t frame_allocate_large(void)
{
    uint64_t frame = take_large();
    if (frame != 0)
        free_count -= LARGE_PAGE_PAGES;
    else
        frame = frame_allocate_run(LARGE_PAGE_PAGES, LARGE_PAGE_SIZE, UINT64_MAX);
    if (frame == 0)
        return 0;
    __builtin_memset(&states[frame / PAGE_SIZE], FRAME_USED, LARGE_PAGE_PAGES);
    return frame;
}

void frame_free_large(uint64_t frame)
{
    assert(frame % LARGE_PAGE_SIZE == 0);
    assert((frame + LARGE_PAGE_SIZE) / PAGE_SIZE <= states_count);
    assert(states[frame / PAGE_SIZE] == FRAME_USED);
    __builtin_memset(&states[frame / PAGE_SIZE], FRAME_FREE, LARGE_PAGE_PAGES);
    *(uint64_t *)physical_to_virtual(frame) = large_list;
    large_list = frame;
    free_count += LARGE_PAGE_PAGES;
}

uint64_t frame_count_free(void)
{
    return free_count;
}

/* Adds the frames of a list, each of which stands for `each`, to `*listed`. False if one of them is not free, or there
 * are more than can be. */
static bool count_list(uint64_t first, uint64_t each, uint64_t *listed)
{
    for (uint64_t frame = first; frame != 0; frame = *(uint64_t *)physical_to_virtual(frame)) {
        if (!frame_is_free(frame) || *listed >= states_count)
            return false;
        *listed += each;
    }
    return true;
}

/* Is there nothing in the frames of the stock but the words that lead to the next? */
static bool stock_is_zeroed(void)
{
    uint64_t found = 0;
    for (uint64_t frame = stock; frame != 0; frame = *(uint64_t *)physical_to_virtual(frame))
        for (uint32_t i = 1; i < PAGE_SIZE / sizeof(uint64_t); i++)
            found |= ((uint64_t *)physical_to_virtual(frame))[i];
    return found == 0;
}

bool frame_counts_agree(void)
{
    uint64_t stocked = 0, marked_free = 0;
    if (!count_list(stock, 1, &stocked) || stocked != frame_stock_count || !stock_is_zeroed())
        return false;
    uint64_t listed = stocked;
    if (!count_list(free_list, 1, &listed) || !count_list(large_list, LARGE_PAGE_PAGES, &listed))
        return false;
    for (uint64_t i = 0; i < states_count; i++)
        marked_free += (states[i] & ~FRAME_MARK) == FRAME_FREE;
    return listed == marked_free && listed + runs_size() / PAGE_SIZE == free_count;
}

bool frame_stock_is_zeroed(void)
{
    for (uint64_t frame = stock; frame != 0; frame = *(uint64_t *)physical_to_virtual(frame)) {
        const uint64_t *words = physical_to_virtual(frame);
        for (uint32_t i = 1; i < PAGE_SIZE / sizeof(*words); i++)
            if (words[i] != 0)
                return false;
    }
    return true;
}

bool frame_is_free(uint64_t frame)
{
    uint64_t number = frame / PAGE_SIZE;
    return number < states_count && (states[number] & ~FRAME_MARK) == FRAME_FREE;
}

bool frame_mark(uint64_t frame)
{
    bool marked = frame_is_marked(frame);
    if (frame / PAGE_SIZE < states_count)
        states[frame / PAGE_SIZE] |= FRAME_MARK;
    return marked;
}

bool frame_is_marked(uint64_t frame)
{
    return frame / PAGE_SIZE < states_count && (states[frame / PAGE_SIZE] & FRAME_MARK);
}

void frame_clear_marks(void)
{
    uint64_t *eight = (uint64_t *)(void *)states; /* the table is whole pages */
    for (uint64_t i = 0; i < states_count; i += sizeof(*eight))
        eight[i / sizeof(*eight)] &= ~(FRAME_MARK * 0x0101010101010101UL);
}
