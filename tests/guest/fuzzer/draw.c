/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments: mostly what lives, else boundaries and noise. */
#include "abi/addresses.h"
#include "hunter.h"

#define TABLE_STEP 64 /* handles by which capability tables grow: the end of a table is a multiple */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint64_t draw_noise(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545f4914f6cdd1dUL;
}

bool draw_once_in(uint64_t *random, uint32_t times)
{
    return (draw_noise(random) >> 32) % times == 0;
}

uint64_t draw_boundary(uint64_t *random)
{
    static const uint64_t boundaries[] = {
        0,
        1,
        PAGE_SIZE - 1,
        PAGE_SIZE,
        PAGE_SIZE + 1,
        MAX_CAPABILITIES - 1,
        MAX_CAPABILITIES,
        USER_START - PAGE_SIZE,
        1UL << 31,
        (1UL << 31) - 1,
        (1UL << 32) - 1,
        1UL << 32,
        UTCB_BASE,
        UTCB_BASE - PAGE_SIZE,
        USER_END - PAGE_SIZE,
        USER_END,
        (1UL << 47) - 1,
        1UL << 47,
        PHYSICAL_MAP,
        SHARED_BASE,
        HOT_ENDPOINTS,
        HOT_THREADS,
        CAPABILITY_SLOTS,
        PRIVATE_BASE,
        (1UL << 63) - 1,
        1UL << 63,
        -(uint64_t)PAGE_SIZE,
        ~0UL,
    };
    return boundaries[(draw_noise(random) >> 32) % COUNT(boundaries)];
}

/* One of the handles that the hunter knows for objects of `type` (TYPE_ANY: of any); 0 if it knows none. */
static uint32_t known_handle(struct hunter *hunter, uint32_t type)
{
    uint32_t start = hunter->handles_count ? (uint32_t)(draw_noise(&hunter->random) >> 32) % hunter->handles_count : 0;
    for (uint32_t i = 0; i < hunter->handles_count; i++) {
        const struct known_handle *known = &hunter->handles[(start + i) % hunter->handles_count];
        if (type == TYPE_ANY || known->type == type)
            return known->handle;
    }
    return 0;
}

uint64_t draw_handle(struct hunter *hunter, uint32_t type)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (noise >> 60) {
    case 0:
        return noise & 1 ? noise >> 54 & (TABLE_STEP - 1) : (noise >> 54 & 7) * TABLE_STEP;
    case 1:
        return draw_boundary(&hunter->random);
    case 2:
        return known_handle(hunter, TYPE_ANY);
    default:
        return known_handle(hunter, type);
    }
}

/* Of code there is one address alone: a thread that is sent elsewhere in it, by a break-off or a Linux-call handler,
 * would take anything for the result of a call. */
uint64_t draw_address(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random), known = hunter->addresses[(noise & 0xffff) % hunter->addresses_count];
    switch (noise >> 60) {
    case 0:
        return (uint64_t)hunter_child;
    case 1:
        return draw_boundary(&hunter->random);
    case 2:
    case 3:
        return noise & (USER_END - 1) & ~(uint64_t)(PAGE_SIZE - 1) & ~(~0UL << (noise >> 4 & 63));
    case 4:
    case 5:
        return known + (noise >> 16 & 0xfff);
    default:
        return known + (noise >> 16 & noise >> 20 & 7) * PAGE_SIZE;
    }
}

uint64_t draw_integer(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    switch (noise >> 60) {
    case 0:
        return draw_boundary(&hunter->random);
    case 1:
        return noise;
    case 2:
        return draw_address(hunter);
    case 3:
        return 1UL << (noise & 63);
    case 4:
        return noise & 0xfff;
    default:
        return noise & 15;
    }
}

uint64_t draw_deadline(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random), now = hunter->now;
    switch (noise >> 61) {
    case 0:
        return noise & 1 ? 0 : draw_boundary(&hunter->random);
    case 1:
        return now - (noise & 0xffff);
    case 2:
        return DEADLINE_NEVER;
    case 3:
        return now + (noise & 0xffffffff);
    default:
        return now + (noise & 0x3ffff);
    }
}

/* Of bytes or nanoseconds: of any magnitude, mostly below some hundred thousand. */
static uint64_t draw_size(struct hunter *hunter)
{
    uint64_t noise = draw_noise(&hunter->random);
    return noise >> 61 ? (noise & 0xffffffff) >> (noise >> 32 & 15) >> 12 : draw_boundary(&hunter->random);
}

uint64_t draw_argument(struct hunter *hunter, const struct argument *argument)
{
    uint64_t noise = draw_noise(&hunter->random);
    if (noise >> 58 == 0)
        return draw_boundary(&hunter->random);
    switch (argument->kind) {
    case ARGUMENT_CAPABILITY:
        return draw_handle(hunter, argument->type);
    case ARGUMENT_HANDLE:
        return draw_handle(hunter, TYPE_ANY);
    case ARGUMENT_ADDRESS:
        return draw_address(hunter);
    case ARGUMENT_SIZE:
        return draw_size(hunter);
    case ARGUMENT_PAGES:
        return noise >> 60 ? noise & 3 : draw_integer(hunter);
    case ARGUMENT_BOOL:
        return noise & 1;
    case ARGUMENT_ENUM:
        return (noise & 0xffff) % (argument->values + 1);
    case ARGUMENT_FLAGS:
        return noise & noise >> 32 & argument->values;
    case ARGUMENT_NOISE:
        return noise;
    default:
        return draw_integer(hunter);
    }
}
