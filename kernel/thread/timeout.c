/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap of timeouts. See timeout.h. */
#include "thread/timeout.h"

#include "abi/addresses.h"
#include "debug/panic.h"
#include "mem/frame.h"

#define TIMEOUTS_PER_THREAD 2
#define ENTRIES (PAGE_SIZE / sizeof(struct timeout *))
#define PAGES (TIMEOUTS_PER_THREAD * MAX_THREADS / ENTRIES + 1)

/* Place p is entry p % ENTRIES of page p / ENTRIES; places are counted from 1. Pages, once made, stay. */
static struct timeout **pages[PAGES];
static uint32_t count, reserved;

static struct timeout **entry(uint32_t place)
{
    return &pages[place / ENTRIES][place % ENTRIES];
}

bool timeout_reserve(void)
{
    struct timeout ***page = &pages[(reserved + TIMEOUTS_PER_THREAD) / ENTRIES];
    uint64_t frame = *page ? 0 : frame_allocate();
    if (!*page && !frame)
        return false;
    if (!*page)
        *page = physical_to_virtual(frame);
    reserved += TIMEOUTS_PER_THREAD;
    return true;
}

void timeout_release(void)
{
    assert(reserved >= TIMEOUTS_PER_THREAD);
    reserved -= TIMEOUTS_PER_THREAD;
}

static void put(struct timeout *timeout, uint32_t place)
{
    *entry(place) = timeout;
    timeout->place = place;
}

/* Moves `timeout` from `place` towards the root as far as it is earlier than what stands there. */
static void rise(struct timeout *timeout, uint32_t place)
{
    while (place > 1 && (*entry(place / 2))->when > timeout->when) {
        put(*entry(place / 2), place);
        place /= 2;
    }
    put(timeout, place);
}

/* Moves `timeout` from `place` away from the root as far as something below is earlier. */
static void sink(struct timeout *timeout, uint32_t place)
{
    for (uint32_t child = 2 * place; child <= count; child = 2 * place) {
        if (child < count && (*entry(child + 1))->when < (*entry(child))->when)
            child++;
        if ((*entry(child))->when >= timeout->when)
            break;
        put(*entry(child), place);
        place = child;
    }
    put(timeout, place);
}

void timeout_add(struct timeout *timeout, uint64_t when)
{
    assert(!timeout->place && count < reserved);
    timeout->when = when;
    rise(timeout, ++count);
}

void timeout_remove(struct timeout *timeout)
{
    uint32_t place = timeout->place;
    if (!place)
        return;
    timeout->place = 0;
    struct timeout *last = *entry(count--);
    if (last == timeout)
        return;
    if (place > 1 && (*entry(place / 2))->when > last->when)
        rise(last, place);
    else
        sink(last, place);
}

uint64_t timeout_earliest(void)
{
    return count ? (*entry(1))->when : TIMEOUT_NEVER;
}

struct timeout *timeout_take_due(uint64_t now)
{
    if (timeout_earliest() > now || !count)
        return 0;
    struct timeout *due = *entry(1);
    timeout_remove(due);
    return due;
}
