/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translations that a processor remembers. Readers, in tasks of their own, look at an address whenever they are told
 * to, so that a translation is there when the mapping changes. How much a machine can show differs: QEMU forgets all
 * translations at each write of CR3; Bochs 2.7 keeps global ones, which a control here shows, and has PCIDs and
 * INVPCID, but drops the rest at each write of CR3 too. A processor keeps them. What the kernel drops and when is
 * tested against a model of one in tests/host/kernel_translation_test.c.
 */
#include <cpuid.h>

#include "../common/worker.h"
#include "abi/addresses.h"

#define PLACE 0x300000123000UL
#define PLACES 16
#define VALUE_A 0xaaaa000000000000UL
#define VALUE_B 0xbbbb000000000000UL
#define PCIDS 4095 /* more tasks than there are PCIDs */
#define PTE_GLOBAL 0x100UL
#define CPUID_1_ECX_PCID (1U << 17) /* Intel SDM volume 2, CPUID: the kernel uses PCIDs where it finds both */
#define CPUID_7_EBX_INVPCID (1U << 10)

/* What a reader is told to do, and what comes of it. */
#define LOOK 0
#define WRITE 1
#define FAULT (~0UL)

struct reader {
    struct worker worker;
    uint32_t endpoint;
};

/* words: what to do, and where. The value read, or written, goes to values[0]. */
static void read_when_told(struct area *area)
{
    struct ipc_message message = {0};
    for (;;) {
        if (!message_is_tag(ipc_transfer(TAG_RECEIVE, (uint64_t)area->values[1], &message)))
            __builtin_trap();
        volatile uint64_t *place = (volatile uint64_t *)message.words[1];
        if (message.words[0] == WRITE)
            *place = VALUE_B;
        area->values[0] = *place;
        area->done++;
    }
}

static void reader_create(struct reader *reader)
{
    worker_create(&reader->worker, true);
    reader->endpoint = guest_endpoint();
    reader->worker.area->values[1] = worker_give(&reader->worker, reader->endpoint, RIGHT_READ);
    worker_start(&reader->worker, read_when_told);
}

static void reader_destroy(struct reader *reader)
{
    worker_destroy(&reader->worker);
    guest_delete(reader->endpoint);
}

static bool has_faulted(const struct reader *reader)
{
    struct kernel_registers registers;
    return kernel_thread_registers(reader->worker.thread, &registers) == 0;
}

/* The value that the reader has at `address` afterwards, or FAULT: then it never reads again. */
static uint64_t tell(const struct reader *reader, uint64_t what, uint64_t address)
{
    struct ipc_message message = {.words = {what, address}};
    uint32_t done = reader->worker.area->done;
    EXPECT(message_is_tag(ipc_transfer(tag_of(0, MESSAGE_SEND, 2, 0), reader->endpoint, &message)));
    while (reader->worker.area->done == done && !has_faulted(reader))
        guest_yield();
    return reader->worker.area->done == done ? FAULT : reader->worker.area->values[0];
}

/* Memory of PLACES pages, each with its number and `value` in its first word. */
static kernel_memory_t make_memory(uint64_t value)
{
    kernel_memory_t memory = {guest_memory(PLACES)};
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, PLACE, 0, PLACES, KERNEL_RIGHTS_WRITE), 0);
    for (uint64_t i = 0; i < PLACES; i++)
        *(volatile uint64_t *)(PLACE + i * PAGE_SIZE) = value + i;
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, PLACE, PLACES), 0);
    return memory;
}

static void map_all(kernel_memory_t memory, const struct reader *reader, kernel_rights_t rights)
{
    EXPECT_EQUAL(kernel_memory_map(memory, reader->worker.task, PLACE, 0, PLACES, rights), 0);
}

static void unmap_all(kernel_memory_t memory, const struct reader *reader)
{
    EXPECT_EQUAL(kernel_memory_unmap(memory, reader->worker.task, PLACE, PLACES), 0);
}

static void expect_values(const struct reader *reader, uint64_t value)
{
    for (uint64_t i = 0; i < PLACES; i++)
        EXPECT_EQUAL(tell(reader, LOOK, PLACE + i * PAGE_SIZE), value + i);
}

/* ---- Mappings that change ---------------------------------------------------------------------------------------- */

static void after_unmap(void)
{
    struct reader reader;
    kernel_memory_t a = make_memory(VALUE_A), b = make_memory(VALUE_B);
    reader_create(&reader);
    for (int i = 0; i < 3; i++) {
        map_all(a, &reader, KERNEL_RIGHTS_READ);
        expect_values(&reader, VALUE_A);
        unmap_all(a, &reader);
        map_all(b, &reader, KERNEL_RIGHTS_READ);
        expect_values(&reader, VALUE_B);
        unmap_all(b, &reader);
    }
    EXPECT_EQUAL(tell(&reader, LOOK, PLACE), FAULT);
    reader_destroy(&reader);
    guest_delete(a.handle);
    guest_delete(b.handle);
}

static void after_death_of_memory(void)
{
    struct reader reader;
    kernel_memory_t memory = make_memory(VALUE_A);
    reader_create(&reader);
    map_all(memory, &reader, KERNEL_RIGHTS_READ);
    expect_values(&reader, VALUE_A);
    guest_delete(memory.handle);
    EXPECT_EQUAL(tell(&reader, LOOK, PLACE + PAGE_SIZE), FAULT);
    reader_destroy(&reader);
}

static void after_loss_of_rights(void)
{
    struct reader reader;
    kernel_memory_t memory = make_memory(VALUE_A);
    reader_create(&reader);
    map_all(memory, &reader, KERNEL_RIGHTS_WRITE);
    EXPECT_EQUAL(tell(&reader, WRITE, PLACE), VALUE_B);
    unmap_all(memory, &reader);
    map_all(memory, &reader, KERNEL_RIGHTS_READ);
    EXPECT_EQUAL(tell(&reader, LOOK, PLACE), VALUE_B);
    EXPECT_EQUAL(tell(&reader, WRITE, PLACE), FAULT);
    reader_destroy(&reader);
    guest_delete(memory.handle);
}

/* ---- Tasks that come and go -------------------------------------------------------------------------------------- */

static void two_tasks(const struct reader *readers)
{
    kernel_memory_t a = make_memory(VALUE_A), b = make_memory(VALUE_B);
    map_all(a, &readers[0], KERNEL_RIGHTS_READ);
    map_all(b, &readers[1], KERNEL_RIGHTS_READ);
    for (int i = 0; i < 3; i++) {
        expect_values(&readers[0], VALUE_A);
        expect_values(&readers[1], VALUE_B);
    }
    unmap_all(b, &readers[1]);
    EXPECT_EQUAL(tell(&readers[0], LOOK, PLACE), VALUE_A);
    EXPECT_EQUAL(tell(&readers[1], LOOK, PLACE), FAULT);
    guest_delete(a.handle);
    guest_delete(b.handle);
}

static void same_address_in_two_tasks(void)
{
    struct reader readers[2];
    reader_create(&readers[0]);
    reader_create(&readers[1]);
    two_tasks(readers);
    reader_destroy(&readers[0]);
    reader_destroy(&readers[1]);
}

/* A task gets the PCID of the one that died before it. The memory lives on, so that what is stale would still be
 * there. */
static void after_death_of_task(void)
{
    kernel_memory_t a = make_memory(VALUE_A), b = make_memory(VALUE_B);
    for (int i = 0; i < 3; i++) {
        struct reader first, second, third;
        reader_create(&first);
        map_all(a, &first, KERNEL_RIGHTS_WRITE);
        expect_values(&first, VALUE_A);
        reader_destroy(&first);
        reader_create(&second);
        EXPECT_EQUAL(tell(&second, LOOK, PLACE + PAGE_SIZE), FAULT);
        reader_destroy(&second);
        reader_create(&third);
        map_all(b, &third, KERNEL_RIGHTS_READ);
        expect_values(&third, VALUE_B);
        reader_destroy(&third);
    }
    guest_delete(a.handle);
    guest_delete(b.handle);
}

/* The last tasks have no PCID of their own: their translations must be dropped at each crossing. */
static void more_tasks_than_pcids(void)
{
    static kernel_task_t tasks[PCIDS];
    struct reader readers[2];
    for (int i = 0; i < PCIDS; i++)
        tasks[i] = guest_new_task();
    reader_create(&readers[0]);
    reader_create(&readers[1]);
    two_tasks(readers);
    reader_destroy(&readers[0]);
    reader_destroy(&readers[1]);
    for (int i = 0; i < PCIDS; i++)
        guest_delete(tasks[i].handle);
}

/* ---- Controls ---------------------------------------------------------------------------------------------------- */

/* QEMU without them forgets global translations too; Bochs, which has them, does not. */
static bool has_pcids(void)
{
    unsigned a, b, c, d, extended;
    return __get_cpuid(1, &a, &b, &c, &d) && __get_cpuid_count(7, 0, &a, &extended, &b, &d) && (c & CPUID_1_ECX_PCID) &&
           (extended & CPUID_7_EBX_INVPCID);
}

static uint64_t entry_of(const struct reader *reader, uint64_t address)
{
    uint64_t entry = 0;
    EXPECT_EQUAL(kernel_debug_page_entry(debug, reader->worker.task, address, &entry), 0);
    return entry;
}

static void set_entry(const struct reader *reader, uint64_t address, uint64_t entry, bool flush)
{
    EXPECT_EQUAL(kernel_debug_set_page_entry(debug, reader->worker.task, address, entry, flush), 0);
}

/* A page that is global in one task: does another, which maps nothing there, see it? After it is dropped, nobody
 * does. */
static bool sees_global(uint64_t place)
{
    uint64_t value = VALUE_A + (place - PLACE) / PAGE_SIZE;
    struct reader owner, others[2];
    kernel_memory_t memory = make_memory(VALUE_A);
    reader_create(&owner);
    reader_create(&others[0]);
    reader_create(&others[1]);
    map_all(memory, &owner, KERNEL_RIGHTS_READ);
    uint64_t entry = entry_of(&owner, place);
    set_entry(&owner, place, entry | PTE_GLOBAL, true);
    EXPECT_EQUAL(tell(&owner, LOOK, place), value);
    bool seen = tell(&others[0], LOOK, place) == value;
    set_entry(&owner, place, entry, true);
    EXPECT_EQUAL(tell(&others[1], LOOK, place), FAULT);
    EXPECT_EQUAL(tell(&owner, LOOK, place), value);
    reader_destroy(&owner);
    reader_destroy(&others[0]);
    reader_destroy(&others[1]);
    guest_delete(memory.handle);
    return seen;
}

/* Each attempt looks at another page: two pages may share one place in a processor's memory of translations. */
static void control_global(void)
{
    bool seen = false;
    for (uint64_t i = 0; i < PLACES && !seen; i++)
        seen = sees_global(PLACE + i * PAGE_SIZE);
    EXPECT_EQUAL(seen, has_pcids());
}

static const struct guest_test tests[] = {
    {"control: global translations are seen by all tasks", control_global},
    {"a page that was unmapped is gone", after_unmap},
    {"a page whose memory object died is gone", after_death_of_memory},
    {"a right that was taken away is gone", after_loss_of_rights},
    {"each of two tasks sees its own page at the same address", same_address_in_two_tasks},
    {"a task that gets a dead one's PCID sees nothing of it", after_death_of_task},
    {"tasks beyond the last PCID", more_tasks_than_pcids},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
