/* SPDX-License-Identifier: BSD-2-Clause */
/* Workers that take pages. See taker.h. */
#include "taker.h"

/* Items of the answer. */
static uint32_t serve(struct area *area, uint64_t tag, uint64_t *words)
{
    struct utcb *utcb = ipc_utcb();
    switch (message_label(tag)) {
    case REQUEST_TAKE:
        words[0] = utcb->items[0];
        words[1] = utcb->item_addresses[0];
        utcb->window_address += area->values[5];
        return 0;
    case REQUEST_READ:
        words[0] = *(volatile uint64_t *)words[0];
        return 0;
    case REQUEST_WRITE:
        *(volatile uint64_t *)words[0] = words[1];
        return 0;
    case REQUEST_MAP_ON:
        ipc_page(0, ITEM_MAP, (void *)words[0], (uint32_t)words[1], (uint32_t)words[2]);
        words[0] = ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 1), area->values[3], words);
        return 0;
    default:
        ipc_page(0, ITEM_MAP, (void *)words[0], (uint32_t)words[1], (uint32_t)words[2]);
        return 1;
    }
}

void taker_serve(struct area *area)
{
    struct ipc_message message = {0};
    ipc_window((void *)area->values[1], (uint32_t)area->values[2]);
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[0], &message);
    for (;;) {
        if (!message_is_tag(tag)) {
            bool none = tag == ERROR_INTERRUPTED || tag == ERROR_NO_CALLER;
            area->values[4] = tag;
            tag = ipc_transfer(none ? TAG_RECEIVE : tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), area->values[0], &message);
            continue;
        }
        area->done++;
        uint32_t items = serve(area, tag, message.words);
        tag = ipc_transfer(tag_of(0, MESSAGE_REPLY_AND_WAIT, 2, items), area->values[0], &message);
    }
}

void taker_prepare(struct taker *taker, uint32_t log2, const struct taker *next)
{
    taker->endpoint = guest_endpoint();
    taker->worker.area->values[0] = worker_give(&taker->worker, taker->endpoint, RIGHTS_ALL);
    taker->worker.area->values[1] = THERE;
    taker->worker.area->values[2] = log2;
    taker->worker.area->values[3] = next ? worker_give(&taker->worker, next->endpoint, RIGHTS_ALL) : 0;
    worker_start(&taker->worker, taker_serve);
    guest_yield();
}

void taker_create(struct taker *taker, uint32_t log2, const struct taker *next)
{
    worker_create(&taker->worker, true);
    taker_prepare(taker, log2, next);
}

void taker_destroy(struct taker *taker)
{
    worker_destroy(&taker->worker);
    guest_delete(taker->endpoint);
}

uint64_t taker_ask(const struct taker *taker, uint32_t request, uint64_t word0, uint64_t word1, uint64_t word2)
{
    uint64_t words[6] = {word0, word1, word2};
    uint64_t tag = ipc_call(tag_of(request, MESSAGE_CALL, 3, 0), taker->endpoint, words);
    EXPECT(message_is_tag(tag));
    return words[0];
}

uint64_t taker_give(const struct taker *taker, uint32_t kind, uint64_t address, uint32_t log2, uint32_t rights)
{
    uint64_t words[6] = {0};
    ipc_page(0, kind, (void *)address, log2, rights);
    uint64_t tag = ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 1), taker->endpoint, words);
    return message_is_tag(tag) ? 0 : tag;
}

uint32_t pager_start(struct worker *worker, worker_function *touch)
{
    uint32_t endpoint = guest_endpoint();
    worker_create(worker, true);
    EXPECT_EQUAL(kernel_thread_set_pager(worker->thread, (kernel_endpoint_t){endpoint}), 0);
    worker_start(worker, touch);
    return endpoint;
}

uint64_t pager_answer(uint64_t address, uint32_t log2, uint32_t rights)
{
    struct ipc_message message = {0};
    ipc_page(0, ITEM_MAP, (void *)address, log2, rights);
    return ipc_transfer(tag_of(0, MESSAGE_REPLY, 0, 1), 0, &message);
}

uint64_t page_entry_of(kernel_task_t task, uint64_t address)
{
    uint64_t entry = 0;
    int result = kernel_debug_page_entry(debug, task, address, &entry);
    return result == 0 ? entry : 0;
}

bool page_is_mapped(kernel_task_t task, uint64_t address)
{
    return page_entry_of(task, address) & PTE_PRESENT;
}

bool page_is_writable(kernel_task_t task, uint64_t address)
{
    return page_entry_of(task, address) & PTE_WRITE;
}

kernel_memory_t taker_map_here(uint32_t pages, uint32_t rights)
{
    kernel_memory_t memory = {guest_memory(pages)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, pages, rights), 0);
    return memory;
}

uint32_t taker_revoke(uint64_t address, uint32_t pages, uint32_t take)
{
    kernel_page_use_t used = 0;
    EXPECT_EQUAL(kernel_task_revoke_pages(own_task, address, pages, take, &used), 0);
    return used;
}
