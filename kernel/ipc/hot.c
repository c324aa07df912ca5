/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and pages of the hot state. See hot.h. */
#include "ipc/hot.h"

#include "cap/factory.h"
#include "debug/panic.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/space.h"

#define WORD_BITS 64
#define MEMORY_PART 64 /* hot lines get one 64th of memory, until there are as many as may be */

_Static_assert(MAX_ENDPOINTS == MAX_THREADS, "one number stands for both");

/* Lines of one kind. Invariant: below `mapped` all lines are mapped; a line below it is in use if its bit is set. */
struct hot_pool {
    uint64_t base;
    uint32_t size, count;
    uint32_t mapped;
    uint32_t hint;         /* no word of `used` below this one has a free bit */
    struct hot_slots slot; /* one line of this kind */
    uint64_t used[65536 / WORD_BITS];
};

static struct hot_pool threads = {.base = HOT_THREADS, .size = HOT_THREAD_SIZE, .count = MAX_THREADS, .slot = {1, 0}};
static struct hot_pool endpoints = {
    .base = HOT_ENDPOINTS, .size = HOT_ENDPOINT_SIZE, .count = MAX_ENDPOINTS, .slot = {0, 1}};

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

static void *pool_take(struct hot_pool *pool)
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

static void *pool_allocate(struct hot_pool *pool, struct factory *payer, enum error *error)
{
    if (payer && !factory_charge_slot(payer, &pool->slot, pool->size, error))
        return 0;
    void *line = pool_take(pool);
    *error = line ? ERROR_NONE : ERROR_NO_MEMORY;
    if (!line && payer)
        factory_refund_slot(payer, &pool->slot, pool->size);
    return line;
}

static void pool_free(struct hot_pool *pool, const void *line, struct factory *payer)
{
    uint32_t number = (uint32_t)(((uint64_t)line - pool->base) / pool->size);
    assert(pool->used[number / WORD_BITS] & 1UL << number % WORD_BITS);
    pool->used[number / WORD_BITS] &= ~(1UL << number % WORD_BITS);
    if (number / WORD_BITS < pool->hint)
        pool->hint = number / WORD_BITS;
    if (payer)
        factory_refund_slot(payer, &pool->slot, pool->size);
}

struct hot_thread *hot_thread_allocate(struct factory *payer, enum error *error)
{
    struct hot_thread *line = pool_allocate(&threads, payer, error);
    if (!line)
        return 0;
    *line = (struct hot_thread){.caller = (struct hot_thread *)NOBODY_LINE, .receive_handle = HANDLE_NONE};
    return line;
}

void hot_thread_free(struct hot_thread *line, struct factory *payer)
{
    /* The gate stays: the CPU may stand on this line until it goes on to another thread. */
    *line = (struct hot_thread){.gate = line->gate, .receive_handle = HANDLE_NONE};
    pool_free(&threads, line, payer);
}

struct hot_endpoint *hot_endpoint_allocate(struct factory *payer, enum error *error)
{
    struct hot_endpoint *line = pool_allocate(&endpoints, payer, error);
    if (line)
        line->waiter = (struct hot_thread *)NOBODY_LINE;
    return line;
}

void hot_endpoint_free(struct hot_endpoint *line, struct factory *payer)
{
    line->waiter = (struct hot_thread *)NOBODY_LINE;
    pool_free(&endpoints, line, payer);
}

uint64_t hot_reserve(uint64_t memory, struct hot_slots *slots)
{
    uint64_t pair = HOT_THREAD_SIZE + HOT_ENDPOINT_SIZE, most = MAX_THREADS - WORD_BITS - MAX_CPUS;
    uint64_t count = memory / MEMORY_PART / pair;
    if (count > most)
        count = most;
    *slots = (struct hot_slots){(uint32_t)count, (uint32_t)count};
    return (count * pair + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

void hot_initialise(void)
{
    enum error error;
    struct hot_thread *nobody = hot_thread_allocate(0, &error);
    struct hot_endpoint *nowhere = hot_endpoint_allocate(0, &error);
    if (!nobody || !nowhere)
        panic("not enough memory for the hot state");
    assert((uint64_t)nobody == NOBODY_LINE && (uint64_t)nowhere == HOT_ENDPOINTS);
    nobody->waits = ~0UL; /* no endpoint's offset, 0 included */
}
