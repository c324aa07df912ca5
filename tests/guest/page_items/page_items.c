/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page items: what they map, where, and with which rights; what is refused; what the giver takes back, and what it
 * learns; pagers. Workers in tasks of their own take pages, map them on and give them back, as they are told by
 * messages.
 */
#include <string.h>

#include "../common/taker.h"
#include "../common/waiting.h"
#include "idl/fault.h"

#define MANY 10000

/* ---- What arrives ------------------------------------------------------------------------------------------------ */

static void one_page(void)
{
    struct taker taker;
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    *(volatile uint64_t *)(HERE + 5 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE + 5 * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ), 0);
    EXPECT_EQUAL(taker.worker.area->done, 1);
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + 5 * PAGE_SIZE, 0, 0), VALUE);
    EXPECT(!page_is_writable(taker.worker.task, THERE + 5 * PAGE_SIZE));
    EXPECT(page_entry_of(taker.worker.task, THERE + 5 * PAGE_SIZE) & PTE_NO_EXECUTE);
    EXPECT(!page_is_mapped(taker.worker.task, THERE + 4 * PAGE_SIZE) &&
           !page_is_mapped(taker.worker.task, THERE + 6 * PAGE_SIZE));
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT + 1, RW), 0);
    taker_ask(&taker, REQUEST_WRITE, THERE + PAGE_SIZE, VALUE + 1, 0);
    EXPECT_EQUAL(*(volatile uint64_t *)(HERE + PAGE_SIZE), VALUE + 1);
    taker_destroy(&taker);
    EXPECT_EQUAL(*(volatile uint64_t *)(HERE + PAGE_SIZE), VALUE + 1);
    guest_delete(memory.handle);
}

/* The receiver is told what it got, and where. */
static void receiver_is_told(void)
{
    struct taker taker;
    uint64_t words[6] = {0};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    ipc_page(0, ITEM_MAP, (void *)(HERE + 8 * PAGE_SIZE), PAGE_SHIFT + 3, RIGHT_READ);
    uint64_t sent = ipc_utcb()->items[0];
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 1), taker.endpoint, words)));
    EXPECT_EQUAL(words[0], sent);
    EXPECT_EQUAL(words[1], THERE + 8 * PAGE_SIZE);
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* An answer gives pages too. Where its caller takes none, the server is told. */
static void answers(void)
{
    struct taker taker;
    uint64_t words[6] = {THERE + 2 * PAGE_SIZE, PAGE_SHIFT, RW};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    *(volatile uint64_t *)(HERE + 2 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&taker, ITEM_GRANT, HERE, LOG2, RW), 0);
    EXPECT(!page_is_mapped(own_task, HERE) && !page_is_mapped(own_task, HERE + (PAGES - 1) * PAGE_SIZE));
    ipc_window((void *)WINDOW, LOG2);
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_GIVE, MESSAGE_CALL, 3, 0), taker.endpoint, words)));
    EXPECT_EQUAL(ipc_utcb()->item_addresses[0], WINDOW + 2 * PAGE_SIZE);
    EXPECT_EQUAL(*(volatile uint64_t *)(WINDOW + 2 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(taker.worker.area->values[4], 0);
    ipc_window(0, 0);
    words[0] = THERE, words[1] = PAGE_SHIFT, words[2] = RW;
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_GIVE, MESSAGE_CALL, 3, 0), taker.endpoint, words)));
    EXPECT_EQUAL(taker.worker.area->values[4], ERROR_NO_WINDOW);
    EXPECT_EQUAL(kernel_task_unmap(own_task, WINDOW, PAGES), 0);
    EXPECT(!page_is_mapped(own_task, WINDOW + 2 * PAGE_SIZE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* More than is mapped in one piece, each way, and with a sender that has to wait. */
static void large(void)
{
    struct taker taker;
    uint64_t words[6] = {THERE, LARGE_LOG2, RIGHT_READ};
    kernel_memory_t memory = taker_map_here(LARGE_PAGES, RW);
    taker_create(&taker, LARGE_LOG2, 0);
    *(volatile uint64_t *)(HERE + 1000 * PAGE_SIZE) = VALUE;
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, LARGE_LOG2, RW), 0);
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + 1000 * PAGE_SIZE, 0, 0), VALUE);
    EXPECT(page_is_writable(taker.worker.task, THERE) && page_is_mapped(taker.worker.task, THERE + 1023 * PAGE_SIZE));
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, LARGE_LOG2, RW), ERROR_OCCUPIED);
    ipc_window((void *)WINDOW, LARGE_LOG2);
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_GIVE, MESSAGE_CALL, 3, 0), taker.endpoint, words)));
    EXPECT_EQUAL(*(volatile uint64_t *)(WINDOW + 1000 * PAGE_SIZE), VALUE);
    EXPECT(!page_is_writable(own_task, WINDOW + 1000 * PAGE_SIZE));
    taker_revoke(HERE, LARGE_PAGES, RIGHT_READ);
    EXPECT(!page_is_mapped(taker.worker.task, THERE + 1000 * PAGE_SIZE) &&
           !page_is_mapped(own_task, WINDOW + 1000 * PAGE_SIZE));
    EXPECT_EQUAL(*(volatile uint64_t *)(HERE + 1000 * PAGE_SIZE), VALUE);
    EXPECT_EQUAL(taker_give(&taker, ITEM_GRANT, HERE, LARGE_LOG2, RW), 0);
    EXPECT(!page_is_mapped(own_task, HERE) && !page_is_mapped(own_task, HERE + 1023 * PAGE_SIZE));
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE + 1000 * PAGE_SIZE, 0, 0), VALUE);
    ipc_window(0, 0);
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void refused(void)
{
    struct taker taker;
    kernel_memory_t memory = taker_map_here(PAGES, RIGHT_READ);
    uint64_t words[6] = {0};
    taker_create(&taker, LOG2, 0);
    const struct {
        uint64_t address;
        uint32_t log2, rights, error;
    } bad[] = {
        {HERE + 1, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE + PAGE_SIZE, PAGE_SHIFT + 1, RIGHT_READ, ERROR_BAD_ADDRESS},
        {HERE, PAGE_SHIFT - 1, RIGHT_READ, ERROR_BAD_ARGUMENT},
        {HERE, 63, RIGHT_READ, ERROR_BAD_ARGUMENT},
        {HERE, 0, RIGHT_READ, ERROR_BAD_ARGUMENT},
        {HERE, LOG2 + 1, RIGHT_READ, ERROR_NO_WINDOW},
        {HERE, PAGE_SHIFT, RW, ERROR_NO_RIGHT},
        {HERE, PAGE_SHIFT, RIGHT_EXECUTE, ERROR_NO_RIGHT},
        {HERE, PAGE_SHIFT, RIGHT_WRITE | RIGHT_EXECUTE, ERROR_BAD_ARGUMENT},
        {HERE, PAGE_SHIFT, RIGHT_COPY, ERROR_BAD_ARGUMENT},
        {HERE + PAGES * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {0, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {UTCB_BASE, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {USER_END, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {SHARED_BASE, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
        {PHYSICAL_MAP, PAGE_SHIFT, RIGHT_READ, ERROR_BAD_ADDRESS},
    };
    for (unsigned i = 0; i < COUNT(bad); i++) {
        EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, bad[i].address, bad[i].log2, bad[i].rights), bad[i].error);
        EXPECT_EQUAL(taker_give(&taker, ITEM_GRANT, bad[i].address, bad[i].log2, bad[i].rights), bad[i].error);
    }
    ipc_page(0, ITEM_MAP, (void *)HERE, PAGE_SHIFT, RIGHT_READ);
    ipc_utcb()->items[0] |= 1; /* a handle */
    EXPECT_EQUAL(ipc_call(tag_of(0, MESSAGE_CALL, 0, 1), taker.endpoint, words), ERROR_BAD_ARGUMENT);
    ipc_page(0, ITEM_MAP, (void *)HERE, PAGE_SHIFT, RIGHT_READ);
    ipc_utcb()->items[0] |= 3UL << ITEM_CACHE_SHIFT;
    EXPECT_EQUAL(ipc_call(tag_of(0, MESSAGE_CALL, 0, 1), taker.endpoint, words), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(taker.worker.area->done, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT, RIGHT_READ), 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT, RIGHT_READ), ERROR_OCCUPIED);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT + 2, RIGHT_READ), ERROR_OCCUPIED);
    EXPECT(!page_is_mapped(taker.worker.task, THERE + PAGE_SIZE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* By a capability that may only receive, or that is none, nothing is mapped. */
static void without_right(void)
{
    struct taker taker, other;
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE + PAGE_SIZE, PAGE_SHIFT, RW), 0); /* and it waits for the next */
    other.endpoint = guest_copy(taker.endpoint, RIGHT_READ);
    EXPECT_EQUAL(taker_give(&other, ITEM_MAP, HERE, PAGE_SHIFT, RW), ERROR_NO_RIGHT);
    guest_delete(other.endpoint);
    EXPECT_EQUAL(taker_give(&other, ITEM_MAP, HERE, PAGE_SHIFT, RW), ERROR_BAD_HANDLE);
    other.endpoint = memory.handle;
    EXPECT_EQUAL(taker_give(&other, ITEM_MAP, HERE, PAGE_SHIFT, RW), ERROR_BAD_TAG);
    EXPECT(taker.worker.area->done == 1 && !page_is_mapped(taker.worker.task, THERE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* Windows that are none, misaligned, or where nothing may be mapped. */
static void bad_windows(void)
{
    const struct {
        uint64_t address, log2;
    } windows[] = {{THERE, 0},          {THERE, 11},        {THERE + PAGE_SIZE, LOG2},
                   {THERE, 64 + LOG2},  {0, LOG2},          {UTCB_BASE, LOG2},
                   {SHARED_BASE, LOG2}, {PHYSICAL_MAP, 47}, {UINT64_MAX, UINT64_MAX}};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    for (unsigned i = 0; i < COUNT(windows); i++) {
        struct taker taker;
        worker_create(&taker.worker, true);
        taker_prepare(&taker, 0, 0);
        worker_destroy(&taker.worker);
        worker_create(&taker.worker, true);
        taker.worker.area->values[1] = windows[i].address;
        guest_delete(taker.endpoint);
        taker.endpoint = guest_endpoint();
        taker.worker.area->values[0] = worker_give(&taker.worker, taker.endpoint, RIGHTS_ALL);
        taker.worker.area->values[2] = windows[i].log2;
        worker_start(&taker.worker, taker_serve);
        guest_yield();
        EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT, RW), ERROR_NO_WINDOW);
        taker_destroy(&taker);
    }
    guest_delete(memory.handle);
}

/* Two flexpages of which the second cannot be mapped: the first is not either. */
static void all_or_nothing(void)
{
    struct taker taker;
    uint64_t words[6] = {0};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(&taker, LOG2, 0);
    ipc_page(0, ITEM_MAP, (void *)HERE, PAGE_SHIFT, RW);
    ipc_page(1, ITEM_MAP, (void *)(HERE + PAGES * PAGE_SIZE), PAGE_SHIFT, RW);
    EXPECT_EQUAL(ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 2), taker.endpoint, words), ERROR_BAD_ADDRESS);
    EXPECT(!page_is_mapped(taker.worker.task, THERE));
    EXPECT_EQUAL(taker.worker.area->done, 0);
    ipc_page(1, ITEM_GRANT, (void *)(HERE + PAGE_SIZE), PAGE_SHIFT, RW);
    EXPECT(message_is_tag(ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 2), taker.endpoint, words)));
    EXPECT(page_is_mapped(taker.worker.task, THERE) && page_is_mapped(taker.worker.task, THERE + PAGE_SIZE));
    EXPECT(page_is_mapped(own_task, HERE) && !page_is_mapped(own_task, HERE + PAGE_SIZE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

/* ---- What is taken back ------------------------------------------------------------------------------------------ */

/* From the test to one taker, and from there to the other. */
static kernel_memory_t map_on(struct taker *first, struct taker *second)
{
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    taker_create(second, LOG2, 0);
    taker_create(first, LOG2, second);
    EXPECT_EQUAL(taker_give(first, ITEM_MAP, HERE, PAGE_SHIFT + 2, RW), 0);
    EXPECT(message_is_tag(taker_ask(first, REQUEST_MAP_ON, THERE, PAGE_SHIFT + 2, RW)));
    EXPECT(page_is_writable(second->worker.task, THERE + 3 * PAGE_SIZE));
    return memory;
}

static void taken_back(void)
{
    struct taker first, second;
    kernel_memory_t memory = map_on(&first, &second);
    taker_revoke(HERE + PAGE_SIZE, 1, RIGHT_WRITE);
    EXPECT(!page_is_writable(first.worker.task, THERE + PAGE_SIZE) &&
           !page_is_writable(second.worker.task, THERE + PAGE_SIZE));
    EXPECT(page_is_mapped(second.worker.task, THERE + PAGE_SIZE) && page_is_writable(own_task, HERE + PAGE_SIZE));
    EXPECT(page_is_writable(first.worker.task, THERE) && page_is_writable(second.worker.task, THERE + 2 * PAGE_SIZE));
    EXPECT_EQUAL(taker_ask(&first, REQUEST_MAP_ON, THERE + PAGE_SIZE, PAGE_SHIFT, RW), ERROR_NO_RIGHT);
    taker_revoke(HERE + 2 * PAGE_SIZE, 1, RIGHT_READ);
    EXPECT(!page_is_mapped(first.worker.task, THERE + 2 * PAGE_SIZE) &&
           !page_is_mapped(second.worker.task, THERE + 2 * PAGE_SIZE));
    EXPECT(page_is_mapped(second.worker.task, THERE + PAGE_SIZE) &&
           page_is_mapped(second.worker.task, THERE + 3 * PAGE_SIZE));
    EXPECT_EQUAL(*(volatile uint64_t *)(HERE + 2 * PAGE_SIZE), 0);
    taker_revoke(HERE, PAGES, RIGHT_READ);
    for (int i = 0; i < 4; i++)
        EXPECT(!page_is_mapped(first.worker.task, THERE + i * PAGE_SIZE) &&
               !page_is_mapped(second.worker.task, THERE + i * PAGE_SIZE));
    taker_destroy(&first);
    taker_destroy(&second);
    guest_delete(memory.handle);
}

/* Whoever passed the pages on is killed, or unmaps them: they count as its giver's, who still takes them back. */
static void giver_goes(void)
{
    for (int killed = 0; killed < 2; killed++) {
        struct taker first, second;
        kernel_memory_t memory = map_on(&first, &second);
        if (killed)
            worker_kill(&first.worker);
        else
            EXPECT_EQUAL(kernel_task_unmap(first.worker.task, THERE, PAGES), 0);
        EXPECT(page_is_mapped(second.worker.task, THERE));
        taker_revoke(HERE, 1, RIGHT_READ);
        EXPECT(!page_is_mapped(second.worker.task, THERE) && page_is_mapped(second.worker.task, THERE + PAGE_SIZE));
        taker_destroy(&first);
        taker_destroy(&second);
        guest_delete(memory.handle);
        EXPECT(!page_is_mapped(own_task, HERE));
    }
}

/* How pages were used is known to the giver, once, wherever they were used, and also when they are gone there. */
static void use_is_known(void)
{
    struct taker first, second;
    kernel_memory_t memory = map_on(&first, &second);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, 0), 0);
    taker_ask(&second, REQUEST_READ, THERE, 0, 0);
    EXPECT_EQUAL(taker_revoke(HERE + PAGE_SIZE, PAGES - 1, 0), 0);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, 0), KERNEL_PAGE_USE_ACCESSED);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, 0), 0);
    taker_ask(&second, REQUEST_WRITE, THERE + PAGE_SIZE, VALUE, 0);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    taker_ask(&first, REQUEST_WRITE, THERE + PAGE_SIZE, VALUE, 0);
    taker_ask(&second, REQUEST_WRITE, THERE + 2 * PAGE_SIZE, VALUE, 0);
    taker_destroy(&second);
    EXPECT_EQUAL(taker_revoke(HERE + 2 * PAGE_SIZE, 1, 0), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, RIGHT_READ), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT_EQUAL(taker_revoke(HERE, PAGES, RIGHT_READ), 0);
    taker_destroy(&first);
    guest_delete(memory.handle);
}

/* A page that was mapped on very often. */
static void many_times(void)
{
    struct taker taker;
    kernel_memory_t memory = taker_map_here(1, RW);
    worker_create(&taker.worker, true);
    taker.worker.area->values[5] = PAGE_SIZE;
    taker_prepare(&taker, PAGE_SHIFT, 0);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT, RW), 0);
    taker_ask(&taker, REQUEST_WRITE, THERE + (MANY - 1) * PAGE_SIZE, VALUE, 0);
    EXPECT_EQUAL(taker_ask(&taker, REQUEST_READ, THERE, 0, 0), VALUE);
    EXPECT_EQUAL(taker_revoke(HERE, 1, RIGHT_WRITE), KERNEL_PAGE_USE_ACCESSED | KERNEL_PAGE_USE_DIRTY);
    EXPECT(!page_is_writable(taker.worker.task, THERE) &&
           !page_is_writable(taker.worker.task, THERE + (MANY - 1) * PAGE_SIZE));
    taker_revoke(HERE, 1, RIGHT_READ);
    for (int i = 0; i < MANY; i += MANY / 100)
        EXPECT(!page_is_mapped(taker.worker.task, THERE + i * PAGE_SIZE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

static void bad_ranges(void)
{
    kernel_page_use_t used;
    EXPECT_ERROR(kernel_task_revoke_pages(own_task, HERE, 0, 0, &used), BAD_ADDRESS);
    EXPECT_ERROR(kernel_task_revoke_pages(own_task, HERE + 1, 1, 0, &used), BAD_ADDRESS);
    EXPECT_ERROR(kernel_task_revoke_pages(own_task, UTCB_BASE, 1, 0, &used), BAD_ADDRESS);
    EXPECT_ERROR(kernel_task_revoke_pages(own_task, HERE, 1, RIGHT_COPY, &used), BAD_ARGUMENT);
    EXPECT_EQUAL(kernel_task_revoke_pages(own_task, HERE, 1, RIGHT_READ, &used), 0);
    EXPECT_ERROR(kernel_task_unmap(own_task, HERE, 0), BAD_ADDRESS);
    EXPECT_ERROR(kernel_task_unmap(own_task, HERE + 1, 1), BAD_ADDRESS);
    EXPECT_ERROR(kernel_task_unmap(own_task, UTCB_BASE, 1), BAD_ADDRESS);
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, 1), 0);
}

/* ---- Pagers ------------------------------------------------------------------------------------------------------ */

/* A worker_function: touches what is not there, page by page. */
static void touch(struct area *area)
{
    area->values[1] = *(volatile uint64_t *)(THERE + 3 * PAGE_SIZE);
    *(volatile uint64_t *)(THERE + 7 * PAGE_SIZE) = VALUE;
    area->done = 1;
}

/* Receives a page fault; words: number, access, address, instruction. */
static void receive_fault(uint32_t endpoint, struct ipc_message *message)
{
    uint64_t tag = ipc_transfer(TAG_RECEIVE, endpoint, message);
    EXPECT_EQUAL(tag, KERNEL_PAGER_PAGE_FAULT_REQUEST);
}

static void pager(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint();
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    *(volatile uint64_t *)(HERE + 3 * PAGE_SIZE) = VALUE + 1;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_thread_set_pager(worker.thread, (kernel_endpoint_t){endpoint}), 0);
    EXPECT_ERROR(kernel_thread_set_pager(worker.thread, (kernel_endpoint_t){endpoint}), BUSY);
    EXPECT_ERROR(kernel_thread_set_fault_handler(worker.thread, (kernel_endpoint_t){endpoint}), BUSY);
    worker_start(&worker, touch);
    receive_fault(endpoint, &message);
    EXPECT_EQUAL(message.words[0], worker.number);
    EXPECT_EQUAL(message.words[1], 4);
    EXPECT_EQUAL(message.words[2], THERE + 3 * PAGE_SIZE);
    EXPECT(message.words[3] >= (uint64_t)touch && message.words[3] < (uint64_t)touch + 256);
    /* Rubbish: the pager is told, and the thread waits on. */
    EXPECT_EQUAL(pager_answer(HERE + PAGES * PAGE_SIZE, PAGE_SHIFT, RW), ERROR_BAD_ADDRESS);
    EXPECT_EQUAL(pager_answer(HERE, 63, RW), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(pager_answer(HERE, PAGE_SHIFT, RW | RIGHT_EXECUTE), ERROR_BAD_ARGUMENT);
    EXPECT_EQUAL(pager_answer(HERE + 3 * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ), TAG_DONE);
    /* A page of another place; then several at once. */
    receive_fault(endpoint, &message);
    EXPECT_EQUAL(message.words[1], 6);
    EXPECT_EQUAL(message.words[2], THERE + 7 * PAGE_SIZE);
    EXPECT_EQUAL(pager_answer(HERE + 4 * PAGE_SIZE, PAGE_SHIFT + 2, RW), TAG_DONE);
    worker_wait(&worker, 1);
    EXPECT_EQUAL(worker.area->values[1], VALUE + 1);
    EXPECT_EQUAL(*(volatile uint64_t *)(HERE + 7 * PAGE_SIZE), VALUE);
    EXPECT(page_is_mapped(worker.task, THERE + 4 * PAGE_SIZE) && !page_is_mapped(worker.task, THERE + 8 * PAGE_SIZE));
    worker_destroy(&worker);
    guest_delete(endpoint);
    guest_delete(memory.handle);
}

static void touch_some(struct area *area)
{
    for (uint64_t page = 6; page >= 2; page--)
        *(volatile uint64_t *)(THERE + page * PAGE_SIZE) = page;
    area->done = 1;
}

/* Pages that are neighbours on both sides become one mapping, which has a hole when one of them goes. Between them the
 * pager gives what cannot be, and a page of another place. */
static void neighbours(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    kernel_memory_t memory = taker_map_here(PAGES, RW);
    uint32_t endpoint = pager_start(&worker, touch_some);
    for (uint64_t page = 6; page >= 2; page--) {
        receive_fault(endpoint, &message);
        EXPECT_EQUAL(message.words[2], THERE + page * PAGE_SIZE);
        EXPECT_EQUAL(pager_answer(HERE + page * PAGE_SIZE + 8, PAGE_SHIFT, RW), ERROR_BAD_ADDRESS);
        EXPECT_EQUAL(pager_answer(HERE + page * PAGE_SIZE, PAGE_SHIFT, RW | RIGHT_EXECUTE), ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(pager_answer(HERE + page * PAGE_SIZE, PAGE_SHIFT, RW | RIGHT_COPY), ERROR_BAD_ARGUMENT);
        EXPECT_EQUAL(pager_answer(HERE + page * PAGE_SIZE, PAGE_SHIFT, RIGHT_READ | RIGHT_EXECUTE), ERROR_NO_RIGHT);
        EXPECT_EQUAL(pager_answer(HERE + (page == 3 ? 9 : page) * PAGE_SIZE, PAGE_SHIFT, RW), TAG_DONE);
    }
    worker_wait(&worker, 1);
    for (uint64_t page = 2; page <= 6; page++)
        EXPECT_EQUAL(*(volatile uint64_t *)(HERE + (page == 3 ? 9 : page) * PAGE_SIZE), page);
    EXPECT_EQUAL(kernel_task_unmap(worker.task, THERE + 5 * PAGE_SIZE, 1), 0);
    EXPECT(page_is_mapped(worker.task, THERE + 4 * PAGE_SIZE) && !page_is_mapped(worker.task, THERE + 5 * PAGE_SIZE) &&
           page_is_mapped(worker.task, THERE + 6 * PAGE_SIZE));
    worker_destroy(&worker);
    guest_delete(endpoint);
    guest_delete(memory.handle);
}

static const struct guest_test tests[] = {
    {"a flexpage arrives at its offset in the window", one_page},
    {"the receiver is told what it got and where", receiver_is_told},
    {"answers give pages", answers},
    {"large flexpages, mapped and granted", large},
    {"what no page item can be is refused, and the receiver does not hear of it", refused},
    {"pages are sent with the right to send alone", without_right},
    {"windows that are none", bad_windows},
    {"all flexpages of a message are mapped, or none", all_or_nothing},
    {"the giver takes rights and pages back from all", taken_back},
    {"what was mapped on by one that goes stays its giver's", giver_goes},
    {"the giver learns how pages were used", use_is_known},
    {"a page that was mapped on ten thousand times", many_times},
    {"ranges that are none", bad_ranges},
    {"a pager answers with pages", pager},
    {"pages of neighbours become neighbours", neighbours},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
