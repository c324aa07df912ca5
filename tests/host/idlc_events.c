/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of events in generated code (tests/idlc/good/events.idl): a server's stubs call the dispatcher of a client,
 * do not wait, and share id and numbers with the interface. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "events.h"
#include "events_server.h"

#include <string.h>

static const events_watched_events_t watcher = {33};
static uint64_t seen_generation, seen_page;
static bool seen_urgent;
static char seen_name[41];
static unsigned told;

static void on_changed(void *object, const struct idl_call *call, uint64_t generation, bool urgent)
{
    (void)object, (void)call;
    told++;
    seen_generation = generation;
    seen_urgent = urgent;
}

static void on_renamed(void *object, const struct idl_call *call, idl_string name, const struct events_change *change)
{
    (void)object, (void)call;
    told++;
    memcpy(seen_name, name.text, name.size + 1);
    seen_page = change->pages[6];
}

EVENTS_WATCHED_EVENTS_SERVER(watch, on)

int main(void)
{
    struct events_change change = {.what = 1, .pages = {[6] = 66}};
    struct idl_refusal last;
    uint64_t refused;

    transport_reset(watch, NULL);
    host_ok(events_watched_events_changed(watcher, 12345, true) == 0 && told == 1 && seen_generation == 12345 &&
                seen_urgent && transport.handle == 33,
            "an event reaches the client");
    host_ok(transport.polls == 1 && transport.request == 0x5490000280000302,
            "without waiting for it, by the interface's id and its own number");
    host_ok(events_watched_events_renamed(watcher, idl_text("h\xc3\xa9"), &change) == 0 && told == 2 &&
                strcmp(seen_name, "h\xc3\xa9") == 0 && seen_page == 66,
            "with all that a request can have");
    refused = salto_refusals(&last);
    transport.replace_word_mask = 2;
    transport.replace_word = 2;
    host_ok(events_watched_events_changed(watcher, 1, true) == 0 && told == 2 && salto_refusals(&last) == refused + 1 &&
                strcmp(events_watched_events_parameter_name(last.label, last.parameter), "changed.urgent") == 0,
            "a bad one is counted, and not handled");
    transport.replace_word_mask = 0;
    transport.replace_tag = 0x5490000180000302;
    host_ok(events_watched_events_changed(watcher, 1, true) == 0 && told == 2 && salto_refusals(&last) == refused + 2,
            "a request is no event");
    transport_reset(NULL, NULL);
    transport.failure = ERROR_WOULD_BLOCK;
    host_ok(events_watched_events_changed(watcher, 1, true) == -ERROR_WOULD_BLOCK, "nobody who is not there is told");
    return host_done();
}
