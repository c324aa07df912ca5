/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of pages in generated code (tests/idlc/good/pages.idl): what an item says; windows are open only while
 * pages may come; what comes with too few rights or as something else is refused and unmapped; what was not taken is
 * unmapped. The transport maps nothing, and says where the pages would be. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "pages.h"
#include "pages_server.h"

#include <string.h>

#define WINDOW 0x700000000000UL
#define MIB 0x100000UL

static const pages_t pages = {51};
static struct pages_buffers buffers;
static unsigned handler_calls;
static bool take, window_was_open;
static struct idl_pages seen, kept, answer;

static struct idl_pages pages_at(uint64_t address, size_t size)
{
    return (struct idl_pages){(void *)address, size};
}

static void see(struct idl_pages *memory)
{
    handler_calls++;
    seen = *memory;
    window_was_open = transport.server.window_log2 != 0;
    if (take)
        kept = idl_take_pages(memory);
}

static int pages_on_lend(void *object, const struct idl_call *call, struct idl_pages *memory, struct idl_pages *view)
{
    (void)object;
    (void)call;
    see(memory);
    *view = answer;
    return answer.size == 1 ? PAGES_ERROR_NONE : 0;
}

static int pages_on_give(void *object, const struct idl_call *call, uint32_t key, struct idl_pages *memory,
                         idl_string text, uint64_t *sum)
{
    (void)object;
    (void)call;
    see(memory);
    *sum = key + text.size;
    return 0;
}

static int pages_on_pair(void *object, const struct idl_call *call, struct idl_pages *first, struct idl_cap *task,
                         struct idl_pages *second)
{
    (void)object;
    (void)call;
    (void)task;
    (void)first;
    see(second);
    return PAGES_ERROR_NONE;
}

static int pages_on_borrow(void *object, const struct idl_call *call, const struct idl_pages *memory,
                           const struct idl_pages *more, uint32_t key, uint64_t *sum, struct idl_pages *view)
{
    (void)object;
    (void)call;
    (void)more;
    handler_calls++;
    seen = *memory;
    *sum = key + memory->size;
    *view = answer;
    return key == 0 ? PAGES_ERROR_NONE : 0;
}

static void pages_on_show(void *object, const struct idl_call *call, struct idl_pages *memory)
{
    (void)object;
    (void)call;
    see(memory);
}

PAGES_SERVER(serve_pages, pages_on)

static void reset(void)
{
    transport_reset_strings(serve_pages, NULL, &buffers);
    transport.in_server = true;
    pages_open_buffers(&buffers);
    transport.in_server = false;
    idl_set_window(&transport.server, pages_at(WINDOW, MIB));
    handler_calls = 0;
    take = false;
    seen = kept = (struct idl_pages){NULL, 0};
    answer = pages_at(0x5000000, 0x4000);
}

static bool unmapped(uint64_t address, uint64_t count)
{
    return transport.unmapped_count == 1 && transport.unmapped[0] == address && transport.unmapped_pages == count;
}

static int lend(struct idl_pages *view)
{
    return pages_lend(pages, pages_at(0x4002000, 0x2000), pages_at(WINDOW + MIB, 0x10000), view);
}

static void test_lend(void)
{
    struct idl_pages view = {NULL, 0};

    reset();
    host_ok(lend(&view) == 0 && seen.address == (void *)(WINDOW + 0x2000) && seen.size == 0x2000,
            "pages arrive in the server's window");
    host_ok(transport.items[0] == (13UL << 32 | 3 << 24 | 3 << 16), "mapped on, with the rights that the file says");
    host_ok(!window_was_open && transport.server.window_log2 == 20,
            "which is closed while the handler runs, and open for the next");
    host_ok(unmapped(WINDOW + 0x2000, 2), "what is not taken is unmapped");
    host_ok(view.address == (void *)(WINDOW + MIB) && view.size == 0x4000 &&
                transport.reply_items[0] == (14UL << 32 | 3 << 24 | 1 << 16),
            "pages come back into the caller's window, to read");
    host_ok(transport.client.window_log2 == 0, "which is closed then");
    transport.client.window_log2 = 12;
    transport.client.window_address = 4096;
    host_ok(lend(&view) == 0 && transport.client.window_log2 == 12 && transport.client.window_address == 4096,
            "a window that was open before is open again");
}

static void test_taken(void)
{
    struct idl_pages view;

    reset();
    take = true;
    host_ok(lend(&view) == 0 && transport.unmapped_count == 0 && kept.size == 0x2000, "what is taken stays");
    reset();
    answer.size = 1;
    view.size = 99;
    host_ok(lend(&view) == PAGES_ERROR_NONE && unmapped(WINDOW + 0x2000, 2) && view.size == 99,
            "what is not is unmapped where the handler fails too");
    reset();
    answer.size = 0x3000;
    host_ok(lend(&view) == -ERROR_BAD_ADDRESS && view.size == 99, "a handler's pages must be a flexpage");
    answer.size = 0x20000;
    host_ok(lend(&view) == -ERROR_NO_BUFFER && view.size == 99 && transport.client.window_log2 == 0,
            "an answer that does not fit the window fails");
}

static void test_limits(void)
{
    static const struct {
        uint64_t address;
        size_t size;
    } bad[] = {{0x1000, 0}, {0x1000, 0x800}, {0x1000, 0x3000}, {0x1000, 0x2000}, {0x1001, 0x1000}, {0, 1}};
    struct idl_pages view;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reset();
        host_ok(pages_show(pages, pages_at(bad[i].address, bad[i].size)) == -ERROR_BAD_ADDRESS &&
                    transport.request == 0,
                "0x%zx bytes at 0x%lx are no flexpage", bad[i].size, (unsigned long)bad[i].address);
        host_ok(pages_lend(pages, pages_at(0x1000, 0x1000), pages_at(bad[i].address, bad[i].size), &view) ==
                        -ERROR_NO_WINDOW &&
                    transport.request == 0,
                "nor are they a window");
    }
    host_ok(pages_show(pages, pages_at(0, 0x1000)) == 0 && seen.size == 0x1000, "one page is");
    host_ok(pages_show(pages, pages_at(0, MIB * 2)) != 0, "the server's window bounds what it takes");
}

static void test_bad_items(void)
{
    static const struct {
        uint64_t item;
        int result;
        bool pages;
    } cases[] = {
        {0, -ERROR_NO_SLOT, false},
        {77, -ERROR_BAD_ARGUMENT, false},
        {13UL << 32 | 3 << 24 | 1 << 16, -ERROR_BAD_ARGUMENT, true},  /* to read only */
        {13UL << 32 | 4 << 24 | 2 << 16, -ERROR_BAD_ARGUMENT, true},  /* to write only */
        {13UL << 32 | 2 << 24 | 3 << 16, -ERROR_BAD_ARGUMENT, false}, /* a string */
        {13UL << 32 | 3 << 16, -ERROR_BAD_ARGUMENT, false},           /* a capability with rights */
    };
    struct idl_pages view = {NULL, 99};

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reset();
        transport.replace_item_mask = 1;
        transport.replace_item = cases[i].item;
        host_ok(lend(&view) == cases[i].result && handler_calls == 0 && view.size == 99,
                "item 0x%lx in place of pages is refused", (unsigned long)cases[i].item);
        host_ok(cases[i].pages ? unmapped(WINDOW + 0x2000, 2) : transport.unmapped_count == 0, "and %s",
                cases[i].pages ? "unmapped" : "not taken for pages");
    }
    reset();
    transport.replace_in_reply = true;
    transport.replace_item_mask = 1;
    transport.replace_item = 14UL << 32 | 3 << 24;
    host_ok(lend(&view) == -ERROR_BAD_ARGUMENT && view.size == 99 && transport.unmapped_count == 2 &&
                transport.unmapped[1] == WINDOW + MIB,
            "an answer's pages without the right to read are refused and unmapped");
}

static void test_others(void)
{
    uint64_t sum = 0;

    reset();
    host_ok(pages_give(pages, 5, pages_at(0x100000, MIB), idl_text("text"), &sum) == 0 && sum == 9 &&
                transport.items[0] == (20UL << 32 | 4 << 24 | 7 << 16),
            "what is moved is granted");
    host_ok(unmapped(WINDOW, 256), "and unmapped behind the handler");
    reset();
    host_ok(pages_pair(pages, pages_at(0x1000, 0x1000), (pages_t){5}, pages_at(0x6000, 0x2000)) == PAGES_ERROR_NONE &&
                seen.address == (void *)(WINDOW + 0x6000) && transport.unmapped_count == 2 &&
                transport.unmapped_pages == 3 && transport_deleted(5 + SERVER_HANDLE),
            "two flexpages and a capability, all released");
    reset();
    transport.lost_items = 2;
    host_ok(pages_pair(pages, pages_at(0x1000, 0x1000), (pages_t){5}, pages_at(0x6000, 0x2000)) == -ERROR_NO_SLOT &&
                handler_calls == 0 && transport.unmapped_count == 2,
            "where the capability found no slot the pages are unmapped");
    reset();
    transport.replace_tag = 0x5430000980001300;
    host_ok(pages_show(pages, pages_at(0x7000, 0x1000)) == 0 && handler_calls == 0 && unmapped(WINDOW + 0x7000, 1),
            "those of an unknown message too");
}

static int borrow(uint32_t key, uint64_t *sum)
{
    struct idl_pages view;

    return pages_borrow(pages, pages_at(0x4002000, 0x2000), pages_at(0x5000000, 0x1000), key, sum,
                        pages_at(WINDOW + MIB, 0x10000), &view);
}

static bool taken_back(void)
{
    return transport.revoked_count == 2 && transport.revoked[0] == 0x4002000 && transport.revoked[1] == 0x5000000 &&
           transport.revoked_pages == 3;
}

static void test_borrow(void)
{
    uint64_t sum = 0;

    reset();
    host_ok(borrow(5, &sum) == 0 && sum == 0x2005 && seen.size == 0x2000 && taken_back(),
            "what was lent is taken back");
    host_ok(transport.items[0] == (13UL << 32 | 3 << 24 | 3 << 16) &&
                transport.items[1] == (12UL << 32 | 3 << 24 | 1 << 16),
            "with the rights that the file says");
    reset();
    host_ok(borrow(0, &sum) == PAGES_ERROR_NONE && taken_back(), "after an error of the handler too");
    reset();
    transport.replace_tag = 0x5430006380000000;
    host_ok(borrow(5, &sum) == -ERROR_BAD_OPERATION && handler_calls == 0 && taken_back(), "and after a refusal");
    reset();
    transport.string_dispatcher = NULL;
    transport.failure = ERROR_DEAD;
    host_ok(borrow(5, &sum) == -ERROR_DEAD && taken_back(), "and if the server died");
    salto_own_task = 0;
    host_ok(borrow(5, &sum) == -ERROR_NO_RIGHT && transport.revoked_count == 2,
            "a program that could not take it back lends nothing");
    salto_own_task = OWN_TASK;
}

int main(void)
{
    test_borrow();
    test_lend();
    test_taken();
    test_limits();
    test_bad_items();
    test_others();
    return host_done();
}
