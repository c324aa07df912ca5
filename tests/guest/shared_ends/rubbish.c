/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that writes rubbish into its ring, wakes the server, and waits on calls that are none; between them it calls
 * as it should. Ends with status 0 if it was served then.
 */
#include <salto/startup.h>
#include <salto/wait.h>

#include "abi/addresses.h"
#include "abi/rings.h"
#include "idl/desk.h"

#define ROUNDS 120
#define WORDS 40 /* at the beginning of the ring and of its first record, which are spoilt mostly */

static uint64_t state = 0x5a170;

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

static uint64_t some_number(uint64_t good)
{
    switch (next() % 4) {
    case 0:
        return good + next() % 129 - 64;
    case 1:
        return next() % 128;
    case 2:
        return UINT64_MAX - next() % 64;
    default:
        return next();
    }
}

static void spoil(volatile uint64_t *ring)
{
    for (unsigned i = 0; i < 4; i++) {
        volatile uint64_t *word = ring + (next() % 2 ? 512 : 0) + next() % WORDS;
        if (next() % 8 == 0)
            word = ring + next() % (33 * PAGE_SIZE / 8);
        *word = some_number(*word);
    }
}

/* Tells the server to look, in each way that there is, with numbers of every kind. */
static void stir(const struct startup_ring *ring)
{
    uint64_t words[6] = {next() % 8 ? ring->number : next(), some_number(0), 0, 0, 0, 0};
    uint64_t label = next() % 3 + 1;

    if (ipc_signal(ring->wakes, next()) != 0)
        return;
    ipc_exchange(message_labelled_tag((uint32_t)label, message_tag(MESSAGE_CALL, 2, 0)), ring->handle, words);
    ipc_exchange(message_labelled_tag((uint32_t)label, message_tag(MESSAGE_SEND, 0, 0)), ring->handle,
                 (uint64_t[6]){0});
}

int main(void)
{
    const struct startup_ring *ring = &((const struct startup_rings *)RINGS_TABLE)->rings[0];
    desk_t desk = {salto_require("desk")}, end = {salto_require("end")};
    int64_t sum = 0;

    for (int64_t i = 0; i < ROUNDS; i++) {
        (void)!desk_add(desk, i, i, &sum); /* by its broken ring: whatever comes, it comes back */
        (void)!desk_note(desk, i);
        spoil((volatile uint64_t *)ring->address);
        stir(ring);
        if (desk_add(end, i, 7, &sum) != 0 || sum != i + 7)
            return 1;
    }
    return 0;
}
