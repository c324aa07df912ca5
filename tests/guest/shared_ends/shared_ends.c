/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings whose other side ends, or writes rubbish: who is honest is served, and told. */
#include <inttypes.h>

#include <salto/startup.h>
#include <salto/tap.h>
#include <salto/wait.h>

#include "goner.h"
#include "idl/desk.h"
#include "idl/thread.h"

#define TRIES 1000000
#define CALLS 1000
#define HOSTILE_BADGE 81

static void let_others_run(void)
{
    if (kernel_thread_yield((kernel_thread_t){salto_require("thread")}) != 0)
        tap_note("this thread cannot yield");
}

/* The messages of a client that ended are handled all the same, and its server serves on. */
static void client_ends(desk_t grave)
{
    struct desk_notes notes = {0};
    uint64_t count = 0, last = 0;
    int64_t sum = 0;

    for (unsigned i = 0; i < TRIES && last != GONER_FIRST + GONER_NOTES; i++) {
        if (desk_notes(grave, &notes) != 0)
            break;
        count += notes.count;
        last = notes.count ? notes.last : last;
        let_others_run();
    }
    tap_ok(count == GONER_NOTES && last == GONER_FIRST + GONER_NOTES,
           "messages that a client left behind are handled: %" PRIu64, count);
    tap_ok(desk_add(grave, 4, 5, &sum) == 0 && sum == 9, "and the server serves on");
}

/* Whoever is honest is served beside a client that writes rubbish. That ends with a failure of its own, and so of the
 * set's, if the server does not serve it any more where it is honest. */
static void client_is_hostile(desk_t dump)
{
    struct desk_notes notes = {0};
    unsigned wrong = 0, beside = 0;
    int64_t sum = 0;

    for (unsigned i = 0; i < CALLS; i++) {
        wrong += desk_add(dump, i, -7, &sum) != 0 || sum != (int64_t)i - 7;
        wrong += desk_notes(dump, &notes) != 0;
        beside += notes.badge == HOSTILE_BADGE;
        let_others_run();
    }
    tap_ok(wrong == 0 && beside > 0, "an honest client has its answers beside rubbish in another's ring");
}

/* Its clients are told, in a call and afterwards. */
static void server_ends(desk_t mortal)
{
    uint32_t never = 0;
    int64_t sum = 0;
    int result = 0;

    tap_ok(desk_add(mortal, 1, 1, &sum) == 0 && desk_note(mortal, 1) == 0, "a server that lives is called");
    tap_ok(desk_stop(mortal, &never) == -ERROR_DEAD && never == 0, "who waits when it ends is told so");
    tap_ok(desk_add(mortal, 1, 1, &sum) == -ERROR_DEAD, "and so is who calls then");
    for (unsigned i = 0; i < TRIES && result == 0; i++)
        result = desk_note(mortal, i);
    tap_ok(result == -ERROR_DEAD, "or sends, at the latest when the ring is full");
}

int main(void)
{
    tap_plan(7);
    client_ends((desk_t){salto_require("grave")});
    client_is_hostile((desk_t){salto_require("dump")});
    server_ends((desk_t){salto_require("mortal")});
    return tap_status();
}
