/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and pages of the hot state. See hot.h. */
#include "ipc/hot.h"

#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/space.h"

#define WORD_BITS 64

/* Lines of one kind. Invariant: below `mapped` all lines are mapped; a line below it is in use if its bit is set. */
struct hot_pool {
    uint64_t base;
    uint32_t size, count;
    uint32_t mapped;
    uint32_t hint; /* no word of `used` below this one has a free bit */
    uint64_t used[65536 / WORD_BITS];
};

static struct hot_pool threads = {.base = HOT_THREADS, .size = HOT_THREAD_SIZE, .count = MAX_THREADS};
static struct hot_pool endpoints = {.base = HOT_ENDPOINTS, .size = HOT_ENDPOINT_SIZE, .count = MAX_ENDPOINTS};

static bool pool_grow(struct hot_pool *pool)
{
    uint64_t address = pool->base + (uint64_t)pool->mapped * pool->size;
    uint64_t frame = frame_allocate();
    if (frame == 0)
        return false;
    if (!space_map_shared(address, frame, inventory_find(address)->flags)) {
        frame_free(frame);
        return false;
    }
    pool->mapped += PAGE_SIZE / pool->size;
    return true;
}

static void *pool_allocate(struct hot_pool *pool)
{
    while (pool->hint < pool->count / WORD_BITS && pool->used[pool->hint] == ~0UL)
        pool->hint++;
    if (pool->hint == pool->count / WORD_BITS)
        return 0;
    uint32_t bit = (uint32_t)__builtin_ctzl(~pool->used[pool->hint]);
    uint32_t number = pool->hint * WORD_BITS + bit;
    if (number >= pool->mapped && !pool_grow(pool))
        return 0;
    assert(number < pool->mapped);
    pool->used[pool->hint] |= 1UL << bit;
    return (void *)(pool->base + (uint64_t)number * pool->size);
}

static void pool_free(struct hot_pool *pool, const void *line)
{
    uint32_t number = (uint32_t)(((uint64_t)line - pool->base) / pool->size);
    assert(pool->used[number / WORD_BITS] & 1UL << number % WORD_BITS);
    pool->used[number / WORD_BITS] &= ~(1UL << number % WORD_BITS);
    if (number / WORD_BITS < pool->hint)
        pool->hint = number / WORD_BITS;
}

struct hot_thread *hot_thread_allocate(void)
{
    struct hot_thread *line = pool_allocate(&threads);
    if (!line)
        return 0;
    *line = (struct hot_thread){.caller = (struct hot_thread *)NOBODY_LINE, .receive_handle = HANDLE_NONE};
    return line;
}

void hot_thread_free(struct hot_thread *line)
{
    /* The gate stays: the CPU may stand on this line until it goes on to another thread. */
    *line = (struct hot_thread){.gate = line->gate, .receive_handle = HANDLE_NONE};
    pool_free(&threads, line);
}

struct hot_endpoint *hot_endpoint_allocate(void)
{
    struct hot_endpoint *line = pool_allocate(&endpoints);
    if (line)
        line->waiter = (struct hot_thread *)NOBODY_LINE;
    return line;
}

void hot_endpoint_free(struct hot_endpoint *line)
{
    line->waiter = (struct hot_thread *)NOBODY_LINE;
    pool_free(&endpoints, line);
}

void hot_initialise(void)
{
    struct hot_thread *nobody = hot_thread_allocate();
    struct hot_endpoint *nowhere = hot_endpoint_allocate();
    if (!nobody || !nowhere)
        panic("not enough memory for the hot state");
    assert((uint64_t)nobody == NOBODY_LINE && (uint64_t)nowhere == HOT_ENDPOINTS);
    nobody->waits = ~0UL; /* no endpoint's offset, 0 included */
}
