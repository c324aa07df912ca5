/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed items of messages, and where hunters take them: capabilities, strings and pages of all that lives, sizes at and
 * around boundaries, and some noise.
 *
 * A hunter's strings are sent from its buffer and from the ground that all tasks have mapped, and arrive there: what
 * goes elsewhere, by chance, may hit a hunter's own state, which no check relies on (batch.c).
 */
#include "abi/addresses.h"
#include "abi/capability.h"
#include "hunter.h"

#define LARGE_PAGE_LOG2 21
#define PAGE_LOG2 12

static uint64_t draw_string_address(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (noise >> 61) {
    case 0:
        return draw_boundary(&hunter->random);
    case 1:
        return (uint64_t)hunter->buffer + sizeof(hunter->buffer) - (noise & 15); /* at its end */
    case 2:
    case 3:
        return hunting_ground(noise & 0xffff) + (noise >> 16 & 0x3fff);
    default:
        return (uint64_t)hunter->buffer + (noise & 0xfff);
    }
}

/* Around what one page holds, and around page size; seldom more than there is anywhere. */
static uint64_t draw_length(struct hunter *hunter)
{
    static const uint32_t lengths[] = {0, 1, 7, 8, 9, 64, 1000, 4095, 4096, 4097, 8192, 16384};
    uint64_t noise = draw_noise(&hunter->random);
    if (noise >> 60 == 0)
        return noise & 0xffffffff;
    return noise >> 60 < 8 ? noise & 0x3ff : lengths[(noise & 0xffff) % (sizeof(lengths) / sizeof(lengths[0]))];
}

static uint32_t draw_page_log2(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (noise >> 61) {
    case 0:
        return (uint32_t)noise & ITEM_SIZE_MASK;
    case 1:
        return LARGE_PAGE_LOG2 - 1 + (uint32_t)(noise & 1);
    default:
        return PAGE_LOG2 + (uint32_t)(noise & 3);
    }
}

/* Of flexpages and windows: mostly as they have to be, a multiple of their size. */
static uint64_t draw_page_address(struct hunter *hunter, uint32_t log2)
{
    uint64_t noise = draw_noise(&hunter->random),
             address = hunting_ground(noise & 0xffff) + (noise >> 16 & 7) * PAGE_SIZE;
    switch (noise >> 61) {
    case 0:
        return draw_boundary(&hunter->random);
    case 1:
        return address;
    case 2:
        return (uint64_t)hunter->buffer;
    default:
        return address & ~0UL << log2;
    }
}

static uint64_t draw_capability(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    return item_of((uint32_t)draw_handle(hunter, TYPE_ANY), (uint32_t)noise & RIGHTS_ALL,
                   (noise >> 8 & 7) == 0 ? ITEM_MOVE : ITEM_COPY);
}

static uint64_t draw_string(struct hunter *hunter, uint64_t *address)
{
    *address = draw_string_address(hunter);
    return (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT | draw_length(hunter) << ITEM_LENGTH_SHIFT;
}

static uint64_t draw_page(struct hunter *hunter, uint64_t *address)
{
    uint64_t noise = draw_noise(&hunter->random), kind = noise & 3 ? ITEM_MAP : ITEM_GRANT;
    uint32_t log2 = draw_page_log2(hunter);
    *address = draw_page_address(hunter, log2);
    return kind << ITEM_KIND_SHIFT | (noise >> 8 & RIGHTS_ALL) << ITEM_RIGHTS_SHIFT | (uint64_t)log2 << ITEM_SIZE_SHIFT;
}

/* One item of a message whose items of memory are of `kind`. */
static uint64_t draw_item(struct hunter *hunter, uint32_t kind, uint64_t *address)
{
    uint64_t noise = draw_noise(&hunter->random);
    if (noise >> 60 == 0)
        return draw_noise(&hunter->random);
    if (noise & 1)
        return draw_capability(hunter);
    switch (kind) {
    case ITEM_STRING:
        return draw_string(hunter, address);
    case ITEM_MAP:
        return draw_page(hunter, address);
    default:
        return draw_capability(hunter);
    }
}

uint32_t draw_items(struct hunter *hunter)
{
    static const uint8_t kinds[] = {ITEM_STRING, ITEM_MAP, ITEM_COPY};
    uint64_t noise = draw_noise(&hunter->random);
    uint32_t count = noise >> 62 ? 0 : (uint32_t)(noise & TAG_ITEMS_MASK), kind = kinds[(noise >> 8) % sizeof(kinds)];
    struct utcb *utcb = ipc_utcb();
    for (uint32_t i = 0; i < count; i++)
        utcb->items[i] = draw_item(hunter, kind, &utcb->item_addresses[i]);
    return count;
}

void draw_places(struct hunter *hunter)
{
    struct utcb *utcb = ipc_utcb();
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++) {
        utcb->string_buffers[i].address = draw_string_address(hunter);
        utcb->string_buffers[i].size = draw_once_in(&hunter->random, 4) ? 0 : draw_length(hunter) << 4;
    }
    utcb->window_log2 =
        draw_once_in(&hunter->random, 4) ? 0 : draw_page_log2(hunter) + draw_once_in(&hunter->random, 2);
    utcb->window_address = draw_page_address(hunter, (uint32_t)utcb->window_log2 & ITEM_SIZE_MASK);
}
