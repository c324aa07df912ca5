/* SPDX-License-Identifier: BSD-2-Clause */
/* See worker.h. */
#include "worker.h"

#include <string.h>

#define PATIENCE 2000 /* yields until a worker counts as stuck */
#define SETTLING 4    /* yields in which a worker gets from its last count to its IPC, even if it is preempted there */
#define PAGE_ROUND(address) (((uint64_t)(address) + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1))

extern char __executable_start[], etext[], end[];

/* The program's image as it is now, with constants, for separate tasks. Made at first use, and kept. */
static kernel_memory_t image;

static uint32_t pages_between(uint64_t first, uint64_t last)
{
    return (uint32_t)((last - first) / PAGE_SIZE);
}

static void make_image(void)
{
    uint64_t start = (uint64_t)__executable_start, size = PAGE_ROUND(end) - start;
    if (image.handle)
        return;
    image.handle = guest_memory((uint32_t)(size / PAGE_SIZE));
    EXPECT(kernel_memory_map(image, own_task, WORKER_AREAS - size, 0, (uint32_t)(size / PAGE_SIZE),
                             RIGHT_READ | RIGHT_WRITE) == 0);
    memcpy((void *)(WORKER_AREAS - size), __executable_start, (size_t)(end - __executable_start));
    EXPECT(kernel_memory_unmap(image, own_task, WORKER_AREAS - size, (uint32_t)(size / PAGE_SIZE)) == 0);
}

static void map_image(kernel_task_t task)
{
    uint64_t start = (uint64_t)__executable_start, data = PAGE_ROUND(etext), last = PAGE_ROUND(end);
    make_image();
    EXPECT(kernel_memory_map(image, task, start, 0, pages_between(start, data), RIGHT_READ | RIGHT_EXECUTE) == 0);
    EXPECT(kernel_memory_map(image, task, data, pages_between(start, data), pages_between(data, last), RIGHT_READ) ==
           0);
}

/* A worker's area has the lowest address at which nothing is. */
static void make_area(struct worker *worker)
{
    uint64_t address = WORKER_AREAS;
    worker->memory.handle = guest_memory(AREA_PAGES);
    while (kernel_memory_map(worker->memory, own_task, address, 0, AREA_PAGES, RIGHT_READ | RIGHT_WRITE) ==
           -ERROR_OCCUPIED)
        address += AREA_PAGES * PAGE_SIZE;
    worker->area = (struct area *)address;
    if (worker->task.handle != own_task.handle)
        EXPECT(kernel_memory_map(worker->memory, worker->task, address, 0, AREA_PAGES, RIGHT_READ | RIGHT_WRITE) == 0);
}

static void make_thread(struct worker *worker)
{
    make_area(worker);
    EXPECT(kernel_factory_create_thread(own_factory, worker->task, &worker->thread, &worker->number) == 0);
    worker->park = guest_endpoint();
    worker->area->park =
        worker->task.handle == own_task.handle ? worker->park : worker_give(worker, worker->park, RIGHT_READ);
}

void worker_create(struct worker *worker, bool separate)
{
    *worker = (struct worker){.task = own_task, .separate = separate};
    if (separate) {
        worker->task = guest_new_task();
        map_image(worker->task);
    }
    make_thread(worker);
}

void worker_create_charged(struct worker *worker, kernel_factory_t factory)
{
    *worker = (struct worker){.separate = true};
    EXPECT_EQUAL(kernel_factory_create_task(factory, &worker->task), 0);
    map_image(worker->task);
    make_thread(worker);
}

void worker_create_guarded(struct worker *worker)
{
    *worker = (struct worker){.task = guest_new_task(), .separate = true};
    EXPECT_EQUAL(kernel_task_set_guarded(worker->task), 0);
    map_image(worker->task);
    make_thread(worker);
}

void worker_create_in(struct worker *worker, const struct worker *host)
{
    *worker = (struct worker){.task = host->task};
    make_thread(worker);
}

uint32_t worker_give(const struct worker *worker, uint32_t handle, uint32_t rights)
{
    uint32_t copy = 0;
    EXPECT_EQUAL(kernel_task_copy(own_task, handle, worker->task, rights, &copy), 0);
    return copy;
}

uint32_t worker_mint(const struct worker *worker, uint32_t handle, uint32_t rights, uint64_t badge)
{
    uint32_t minted = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, handle, worker->task, rights, badge, &minted), 0);
    return minted;
}

void worker_drop(const struct worker *worker, uint32_t handle)
{
    EXPECT_EQUAL(kernel_task_delete(worker->task, handle), 0);
}

/* A worker's first instructions. */
static void worker_main(struct area *area, worker_function *function)
{
    struct ipc_message message;
    function(area);
    for (;;)
        if (ipc_transfer(TAG_RECEIVE, area->park, &message) == ERROR_BAD_HANDLE)
            __builtin_trap(); /* the test deleted what holds the worker */
}

void worker_start(const struct worker *worker, worker_function *function)
{
    uint64_t stack = (uint64_t)worker->area + AREA_PAGES * PAGE_SIZE - 8; /* as after a call */
    EXPECT_EQUAL(
        kernel_thread_start(worker->thread, (uint64_t)worker_main, stack, (uint64_t)worker->area, (uint64_t)function),
        0);
}

struct step *worker_add(const struct worker *worker, uint64_t tag, uint64_t handle)
{
    struct step *step = &worker->area->steps[worker->area->count];
    if (!EXPECT(worker->area->count < WORKER_STEPS))
        return &worker->area->steps[0];
    worker->area->count++;
    step->tag = tag;
    step->handle = handle;
    return step;
}

void worker_steps(struct area *area)
{
    while (area->done < area->count) {
        struct step *step = &area->steps[area->done];
        struct utcb *utcb = ipc_utcb();
        memcpy(&utcb->words[6], &step->words[6], sizeof(utcb->words) - 6 * sizeof(uint64_t));
        memcpy(utcb->items, step->items, sizeof(utcb->items));
        memcpy(step->message.words, step->words, sizeof(step->message.words));
        utcb->send_deadline = step->send_deadline;
        utcb->receive_deadline = step->receive_deadline;
        area->begun++;
        step->result = ipc_transfer(step->tag, step->handle, &step->message);
        memcpy(step->words, step->message.words, sizeof(step->message.words));
        memcpy(&step->words[6], &utcb->words[6], sizeof(utcb->words) - 6 * sizeof(uint64_t));
        memcpy(step->items, utcb->items, sizeof(utcb->items));
        area->done++;
    }
}

void worker_go(const struct worker *worker)
{
    worker_start(worker, worker_steps);
    worker_settle(worker, 1);
}

bool worker_settle(const struct worker *worker, uint32_t count)
{
    for (int i = 0; i < PATIENCE && worker->area->begun < count; i++)
        guest_yield();
    for (int i = 0; i < SETTLING; i++)
        guest_yield();
    return EXPECT(worker->area->begun >= count);
}

static uint32_t words_of(uint64_t tag)
{
    uint32_t low = (uint32_t)tag;
    return low <= TAG_PLAIN_CALL_LAST ? low - TAG_PLAIN_CALL : low & TAG_WORDS_MASK;
}

void worker_echo(struct area *area)
{
    struct ipc_message message = {0};
    struct utcb *utcb = ipc_utcb();
    uint64_t handle = area->values[0], change = area->values[2], tag = ipc_transfer(TAG_RECEIVE, handle, &message);
    while (message_is_tag(tag)) {
        uint32_t words = words_of(tag);
        for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            message.words[i] = echo_of(message.words[i], change);
        for (uint32_t i = MESSAGE_REGISTER_WORDS; i < words; i++)
            utcb->words[i] = echo_of(utcb->words[i], change);
        area->done++;
        tag = ipc_transfer(tag_of(message_label(tag), MESSAGE_REPLY_AND_WAIT, words, 0), handle, &message);
    }
    area->values[1] = tag;
}

bool worker_wait(const struct worker *worker, uint32_t count)
{
    for (int i = 0; i < PATIENCE && worker->area->done < count; i++)
        guest_yield();
    return EXPECT(worker->area->done >= count);
}

void worker_kill(struct worker *worker)
{
    if (worker->separate)
        EXPECT_EQUAL(kernel_task_exit(worker->task, 0), 0);
    else
        EXPECT_EQUAL(kernel_thread_end(worker->thread), 0);
}

void worker_destroy(struct worker *worker)
{
    guest_delete(worker->thread.handle);
    if (worker->separate)
        guest_delete(worker->task.handle);
    guest_delete(worker->memory.handle);
    guest_delete(worker->park);
    *worker = (struct worker){0};
}

void expect_bad_handles(uint64_t tag, uint64_t good)
{
    const uint64_t bad[] = {
        0,          60000,      65535,     65536, good + 65536, good | 1UL << 32, ~good, good | 1UL << 63,
        0x7fffffff, 0xffffffff, 1UL << 63, ~0UL};
    struct ipc_message message = {0};
    for (unsigned i = 0; i < COUNT(bad); i++)
        EXPECT_EQUAL(ipc_transfer(tag, bad[i], &message), ERROR_BAD_HANDLE);
}
