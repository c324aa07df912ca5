/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is lent for a call, by generated code between address spaces: the server has it with the rights that the
 * file names and no longer than the call, whatever it did with it, however the call ends, and whoever dies in it.
 */
#include "borrower.h"

#include <string.h>

#define HERE 0x300000000000UL /* where a client has what it lends, 8 pages at an offset in the server's window */
#define PAGES 8
#define PTE_PRESENT 1UL
#define PTE_WRITE 2UL

static struct worker borrower, client;
static uint32_t endpoint, pause_endpoint, client_handle;
static kernel_memory_t memory;
static loans_borrower_t self;
static const struct idl_pages lent = {(void *)HERE, PAGES *PAGE_SIZE};

/* A capability to the worker's own task under the handle by which the program knows its own, which may be that of the
 * endpoint on which the worker waits when it is through. */
static void give_own_task(const struct worker *worker)
{
    worker_drop(worker, worker->area->park);
    for (uint32_t handle = 0, before = 1; handle < salto_own_task && handle != before;) {
        before = handle;
        handle = worker_give(worker, worker->task.handle, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    }
    worker->area->park = worker_give(worker, worker->park, RIGHT_READ);
}

static void begin(void)
{
    endpoint = guest_endpoint();
    pause_endpoint = guest_endpoint();
    self.handle = endpoint;
    memory.handle = guest_memory(PAGES);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, PAGES, RIGHT_READ | RIGHT_WRITE), 0);
    for (unsigned i = 0; i < PAGES; i++)
        ((uint8_t *)HERE)[i * PAGE_SIZE] = (uint8_t)(i + 1);
    worker_create(&borrower, true);
    give_own_task(&borrower);
    borrower.area->values[BORROWER_ENDPOINT] = worker_give(&borrower, endpoint, RIGHT_READ);
    borrower.area->values[BORROWER_PAUSE] = worker_give(&borrower, pause_endpoint, RIGHT_WRITE);
    worker_start(&borrower, borrower_serve);
}

/* The worker's task has a capability to itself, so it is ended first. */
static void destroy(struct worker *worker)
{
    worker_kill(worker);
    worker_destroy(worker);
}

static void end(void)
{
    destroy(&borrower);
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, PAGES), 0);
    if (memory.handle)
        guest_delete(memory.handle);
    guest_delete(pause_endpoint);
    guest_delete(endpoint);
}

/* The bits of the borrower's entry for the page at `address`, of which there is perhaps none. */
static uint64_t entry_of(uint64_t address)
{
    uint64_t entry = 0;

    return kernel_debug_page_entry(debug, borrower.task, address, &entry) == 0 ? entry & (PTE_PRESENT | PTE_WRITE) : 0;
}

static void expect_taken_back(void)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        EXPECT_EQUAL(entry_of(WINDOW + i * PAGE_SIZE), 0);
        EXPECT_EQUAL(entry_of(KEPT + i * PAGE_SIZE), 0);
    }
    for (uint64_t i = 0; i < PAGES; i++) /* and the lender still has it */
        ((volatile uint8_t *)HERE)[i * PAGE_SIZE] = 9;
}

/* ---- A call that comes back -------------------------------------------------------------------------------------- */

static void used(void)
{
    uint64_t sum = 0;

    begin();
    EXPECT_EQUAL(loans_borrower_read(self, lent, LOANS_WAY_NOTHING, &sum), 0);
    EXPECT_EQUAL(sum, PAGES * (PAGES + 1) / 2);
    expect_taken_back();
    EXPECT_EQUAL(loans_borrower_write(self, lent, LOANS_WAY_NOTHING, 77), 0);
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT_EQUAL(((uint8_t *)HERE)[i * PAGE_SIZE], 77);
    expect_taken_back();
    EXPECT_EQUAL(borrower.area->done, 2);
    end();
}

static void refused(void)
{
    uint64_t sum = 5;

    begin();
    EXPECT_EQUAL(loans_borrower_read(self, lent, LOANS_WAY_REFUSE, &sum), LOANS_ERROR_UNWILLING);
    EXPECT_EQUAL(sum, 5);
    expect_taken_back();
    EXPECT_EQUAL(loans_borrower_write(self, lent, LOANS_WAY_REFUSE, 3), LOANS_ERROR_UNWILLING);
    expect_taken_back();
    end();
}

/* The server maps it on to where no dispatcher looks. */
static void kept(void)
{
    uint64_t sum = 0;

    begin();
    EXPECT_EQUAL(loans_borrower_read(self, lent, LOANS_WAY_MAP_ON, &sum), 0);
    EXPECT_EQUAL(borrower.area->values[BORROWER_MAPPED_ON], 0);
    expect_taken_back();
    EXPECT_EQUAL(loans_borrower_write(self, lent, LOANS_WAY_MAP_ON, 4), 0);
    EXPECT_EQUAL(borrower.area->values[BORROWER_MAPPED_ON], 0);
    expect_taken_back();
    end();
}

static void not_lent(void)
{
    uint64_t sum = 0;

    begin();
    EXPECT_ERROR(loans_borrower_read(self, (struct idl_pages){(void *)(HERE + PAGE_SIZE), 2 * PAGE_SIZE},
                                     LOANS_WAY_NOTHING, &sum),
                 BAD_ADDRESS);
    EXPECT_ERROR(loans_borrower_read((loans_borrower_t){0}, lent, LOANS_WAY_NOTHING, &sum), BAD_HANDLE);
    EXPECT_EQUAL(borrower.area->done, 0);
    expect_taken_back();
    end();
}

/* ---- A call in which somebody dies ------------------------------------------------------------------------------- */

enum { CLIENT_HANDLE, CLIENT_WRITES, CLIENT_RESULT };

static void play_client(struct area *area)
{
    const loans_borrower_t to = {(uint32_t)area->values[CLIENT_HANDLE]};
    uint64_t sum;

    area->values[CLIENT_RESULT] =
        (uint64_t)(area->values[CLIENT_WRITES] ? loans_borrower_write(to, lent, LOANS_WAY_WAIT, 5)
                                               : loans_borrower_read(to, lent, LOANS_WAY_WAIT, &sum));
    area->done = 1;
}

/* Its handler has the memory, and waits. */
static void lend(bool separate, bool writes)
{
    begin();
    worker_create(&client, separate);
    if (separate) {
        give_own_task(&client);
        EXPECT_EQUAL(kernel_memory_map(memory, client.task, HERE, 0, PAGES, RIGHT_READ | RIGHT_WRITE), 0);
    }
    client_handle = worker_give(&client, endpoint, RIGHT_WRITE);
    client.area->values[CLIENT_HANDLE] = client_handle;
    client.area->values[CLIENT_WRITES] = writes;
    worker_start(&client, play_client);
    worker_wait(&borrower, 1);
    EXPECT_EQUAL(client.area->done, 0);
    for (uint64_t i = 0; i < PAGES; i++)
        EXPECT_EQUAL(entry_of(WINDOW + i * PAGE_SIZE), PTE_PRESENT | (writes ? PTE_WRITE : 0));
}

static void lend_end(void)
{
    if (!client.separate)
        worker_drop(&client, client_handle);
    destroy(&client);
    end();
}

static void server_dies_in(bool separate)
{
    lend(separate, true);
    worker_kill(&borrower);
    if (worker_wait(&client, 1))
        EXPECT((int64_t)client.area->values[CLIENT_RESULT] < 0);
    for (unsigned i = 0; i < PAGES; i++) {
        EXPECT_EQUAL(((uint8_t *)HERE)[i * PAGE_SIZE], 5);
        ((volatile uint8_t *)HERE)[i * PAGE_SIZE] = 6;
    }
    lend_end();
}

static void server_dies(void)
{
    server_dies_in(false);
    server_dies_in(true);
}

/* The handler goes on with the memory until it returns, and the server serves the next one. What it mapped on for
 * itself goes when whoever gave the client its memory, and survives it, takes that back. */
static void client_dies_in(bool writes)
{
    struct ipc_message message = {0};
    uint64_t sum = 0;

    lend(true, writes);
    worker_kill(&client);
    EXPECT(message_is_tag(ipc_transfer(TAG_RECEIVE, pause_endpoint, &message)));
    EXPECT_EQUAL(ipc_transfer(TAG_REPLY, 0, &message), TAG_DONE);
    EXPECT_EQUAL(loans_borrower_read(self, lent, LOANS_WAY_NOTHING, &sum), 0);
    EXPECT_EQUAL(sum, writes ? 5 * PAGES : PAGES * (PAGES + 1) / 2);
    EXPECT_EQUAL(entry_of(WINDOW), 0);
    EXPECT_EQUAL(borrower.area->values[BORROWER_MAPPED_ON], 0);
    guest_delete(memory.handle);
    memory.handle = 0;
    for (uint64_t i = 0; i < PAGES; i++)
        EXPECT_EQUAL(entry_of(KEPT + i * PAGE_SIZE), 0);
    lend_end();
}

static void client_dies(void)
{
    client_dies_in(false);
    client_dies_in(true);
}

static const struct guest_test tests[] = {
    {"lent memory is read, or written, and comes back", used},
    {"it comes back from a handler that fails", refused},
    {"and from a server that mapped it on for itself", kept},
    {"what cannot be lent is refused, and stays", not_lent},
    {"it comes back from a server that dies", server_dies},
    {"a server whose client dies is without it, and serves on", client_dies},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
