/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The row revoke.10k: a page that was mapped on MANY times is taken back, between markers (tests/bench/markers.h). The
 * plugin tools/plugin/latency.c says for how long the kernel keeps interrupts off meanwhile. What was done is checked
 * afterwards: else nothing was measured.
 */
#include "../bench/markers.h"
#include "../guest/common/taker.h"

#define MARKER_REVOKE 50 /* as tools/salto/revoke_benchmark.py has it */
#define MANY 10000

static void revoke_many(void)
{
    struct taker taker;
    kernel_page_use_t used = 0;
    kernel_memory_t memory = {guest_memory(1)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1, KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE), 0);
    worker_create(&taker.worker, true);
    taker.worker.area->values[5] = PAGE_SIZE; /* the window moves on */
    taker_prepare(&taker, PAGE_SHIFT, 0);
    for (int i = 0; i < MANY; i++)
        EXPECT_EQUAL(taker_give(&taker, ITEM_MAP, HERE, PAGE_SHIFT, RW), 0);
    EXPECT(page_is_mapped(taker.worker.task, THERE + (MANY - 1) * PAGE_SIZE));
    MARKER_BEGIN(MARKER_REVOKE);
    int error = kernel_task_revoke_pages(own_task, HERE, 1, RIGHT_READ, &used);
    MARKER_END(MARKER_REVOKE);
    EXPECT_EQUAL(error, 0);
    for (uint64_t i = 0; i < MANY; i++)
        EXPECT(!page_is_mapped(taker.worker.task, THERE + i * PAGE_SIZE));
    taker_destroy(&taker);
    guest_delete(memory.handle);
}

static const struct guest_test tests[] = {{"a page that was mapped on ten thousand times is taken back", revoke_many}};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
