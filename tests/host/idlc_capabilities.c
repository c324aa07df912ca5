/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of generated code, as idlc_stubs.c, for capabilities: with which rights they are sent, and whether those
 * that arrive are kept or released, where a handler wants it, and where a message is refused. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "capabilities.h"
#include "capabilities_server.h"

#include <string.h>

static unsigned handler_calls;

static const capabilities_store_t store = {23};
static uint32_t kept;
static bool keep;
static int store_result;
static uint32_t answer_handle;

static int store_on_put(void *object, const struct idl_call *call, uint32_t key, struct idl_cap *thing)
{
    (void)object;
    (void)call;
    (void)key;
    handler_calls++;
    if (keep)
        kept = idl_take(thing);
    return store_result;
}

static int store_on_get(void *object, const struct idl_call *call, uint32_t key, capabilities_thing_t *thing)
{
    (void)object;
    (void)call;
    thing->handle = answer_handle + key;
    return 0;
}

static int store_on_swap(void *object, const struct idl_call *call, struct idl_cap *first, struct idl_cap *second,
                         const uint8_t text[60], capabilities_thing_t *a, capabilities_store_t *b, uint8_t text_out[60])
{
    (void)object;
    (void)call;
    handler_calls++;
    kept = idl_take(second);
    a->handle = first->handle + 1;
    b->handle = kept;
    memcpy(text_out, text, 60);
    return 0;
}

static void store_on_drop(void *object, const struct idl_call *call, struct idl_cap *thing)
{
    (void)object;
    (void)call;
    handler_calls++;
    kept = thing->handle;
}

CAPABILITIES_STORE_SERVER(serve_store, store_on)

static void test_put(void)
{
    transport_reset(serve_store, NULL);
    keep = false;
    store_result = 0;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == 0, "a capability goes in");
    host_ok(transport.items[0] == (5 | 3 << 16 | 1 << 24), "moved, with the rights that the file says");
    host_ok(transport.deleted_count == 1 && transport_deleted(5 + SERVER_HANDLE), "what is not taken is released");
    transport_reset(serve_store, NULL);
    keep = true;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == 0 && kept == 5 + SERVER_HANDLE &&
                transport.deleted_count == 0,
            "what is taken is not");
    transport_reset(serve_store, NULL);
    keep = false;
    store_result = CAPABILITIES_FAILURE_FULL;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == CAPABILITIES_FAILURE_FULL &&
                transport_deleted(5 + SERVER_HANDLE),
            "it is released too where the handler fails");
    handler_calls = 0;
    transport_reset(serve_store, NULL);
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){65536}) == -ERROR_BAD_HANDLE &&
                transport.request == 0,
            "a handle that would reach into the rights is refused by the stub");
    transport.lost_items = 1;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == -ERROR_NO_SLOT && handler_calls == 0,
            "a capability that found no slot fails the request");
}

static void test_refused_capabilities(void)
{
    transport_reset(serve_store, NULL);
    handler_calls = 0;
    transport.replace_tag = 0x5301000980001101;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == -ERROR_BAD_OPERATION &&
                transport_deleted(5 + SERVER_HANDLE),
            "an unknown operation's capability is released");
    transport_reset(serve_store, NULL);
    transport.replace_tag = 0x5301000180002101;
    transport.client.items[1] = 6;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == -ERROR_BAD_TAG &&
                transport_deleted(5 + SERVER_HANDLE) && transport_deleted(6 + SERVER_HANDLE),
            "so are one too many");
    transport_reset(serve_store, NULL);
    transport.replace_tag = 0x5301000180000001;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == -ERROR_BAD_TAG && handler_calls == 0,
            "a request without its capability is refused");
    transport_reset(serve_store, NULL);
    transport.replace_word_mask = 1;
    transport.replace_word = 0x100000000;
    host_ok(capabilities_store_put(store, 1, (capabilities_thing_t){5}) == -ERROR_BAD_ARGUMENT &&
                transport_deleted(5 + SERVER_HANDLE) && handler_calls == 0,
            "a bad argument's capability is released");
}

static void test_get(void)
{
    capabilities_thing_t thing = {99};

    transport_reset(serve_store, NULL);
    answer_handle = 30;
    host_ok(capabilities_store_get(store, 4, &thing) == 0 && thing.handle == 34 + SERVER_HANDLE,
            "a capability comes back");
    host_ok(transport.reply_items[0] == (34 | 1 << 16), "copied, with the rights that the file says");
    host_ok(transport.reply_words[0] == 0 && transport.reply_words[5] == 0, "all words of that answer are clear");
    thing.handle = 99;
    transport.lost_items = 1;
    host_ok(capabilities_store_get(store, 4, &thing) == -ERROR_NO_SLOT && thing.handle == 99,
            "without a slot at the client's the stub fails and writes nothing");
    transport_reset(serve_store, NULL);
    answer_handle = 65536;
    host_ok(capabilities_store_get(store, 0, &thing) == -ERROR_BAD_HANDLE && thing.handle == 99,
            "a server's handle out of range is an error");
}

static void test_swap(void)
{
    uint8_t text[60] = "text", text_out[60] = {0};
    capabilities_thing_t a = {0};
    capabilities_store_t b = {0};

    transport_reset(serve_store, NULL);
    text[59] = 77;
    host_ok(capabilities_store_swap(store, (capabilities_thing_t){5}, (capabilities_store_t){6}, text, &a, &b,
                                    text_out) == 0 &&
                a.handle == 6 + 2 * SERVER_HANDLE && b.handle == 6 + 2 * SERVER_HANDLE && text_out[59] == 77,
            "two capabilities each way beside words in the UTCB");
    host_ok(transport.items[1] == (6 | 15 << 16), "all rights where the file names none");
    host_ok(transport.reply_items[1] >> 16 == (15 | 1 << 8), "moved back");
    transport_reset(serve_store, NULL);
    transport.lost_items = 2;
    handler_calls = 0;
    host_ok(capabilities_store_swap(store, (capabilities_thing_t){5}, (capabilities_store_t){6}, text, &a, &b,
                                    text_out) == -ERROR_NO_SLOT &&
                handler_calls == 0 && transport_deleted(5 + SERVER_HANDLE),
            "where one of two found no slot, the other is released");
    transport_reset(serve_store, NULL);
    host_ok(capabilities_store_drop(store, (capabilities_thing_t){8}) == 0 && kept == 8 + SERVER_HANDLE &&
                transport_deleted(8 + SERVER_HANDLE),
            "a oneway operation's capability is released too");
}

int main(void)
{
    test_put();
    test_refused_capabilities();
    test_get();
    test_swap();
    return host_done();
}
