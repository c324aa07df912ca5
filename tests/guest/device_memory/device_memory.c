/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of devices: a real device is driven by its registers, the HPET (its specification, 2.3); how pages are cached,
 * on every way on which they are mapped; what cannot be had, and who has it; that what is no memory is treated as none.
 */
#include <salto/page_item.h>
#include <salto/startup.h>
#include <salto/string_item.h>

#include "../common/taker.h"
#include "idl/physical.h"

#define AT(address) (*(volatile uint64_t *)(address))
#define PTE_CACHE 0x18UL
#define HPET 0xfed00000UL
#define HPET_IDENTITY 0x000      /* femtoseconds of a tick in the upper half, vendor in bits 16 to 31 */
#define HPET_CONFIGURATION 0x010 /* bit 0: it counts */
#define HPET_COUNTER 0x0f0
#define HPET_COMPARATOR 0x108 /* of the first timer, which nobody uses */
#define FEMTOSECONDS_MOST 100000000UL
#define LOOKS 10000000
#define NOBODYS 0x4000000000UL /* far behind all memory, and a multiple of 1 GiB */
#define GIGABYTE_PAGES 262144U
#define READ KERNEL_RIGHTS_READ
#define WRITE (KERNEL_RIGHTS_READ | KERNEL_RIGHTS_WRITE)

static const uint64_t cache_bits[] = {
    [KERNEL_CACHE_WRITE_BACK] = 0, [KERNEL_CACHE_WRITE_COMBINING] = 0x08, [KERNEL_CACHE_UNCACHED] = 0x18};

static kernel_physical_t physical;

static kernel_memory_t granted(const char *name)
{
    return (kernel_memory_t){salto_grant(name)};
}

static kernel_memory_t device(uint64_t address, uint32_t pages, kernel_cache_t cache)
{
    kernel_memory_t memory = {0};
    EXPECT_EQUAL(kernel_physical_device(physical, own_factory, address, pages, cache, &memory), 0);
    return memory;
}

static uint64_t used_of_quota(kernel_factory_t factory)
{
    uint64_t limit = 0, used = 0;
    EXPECT_EQUAL(kernel_factory_quota(factory, &limit, &used), 0);
    return used;
}

static void expect_walk(void)
{
    uint64_t tables, pages, wrong = UINT64_MAX;
    EXPECT_EQUAL(kernel_debug_walk(debug, &tables, &pages, &wrong), 0);
    EXPECT_EQUAL(wrong, 0);
}

/* ---- A device ---------------------------------------------------------------------------------------------------- */

/* What the manifest gives is the device, not cached, and works. */
static void driver(void)
{
    kernel_memory_t hpet = granted("hpet");
    EXPECT_EQUAL(guest_type(hpet.handle), KERNEL_MEMORY_ID);
    EXPECT_EQUAL(guest_rights(hpet.handle), RW);
    EXPECT_EQUAL(kernel_memory_map(hpet, own_task, HERE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & PTE_FRAME, HPET);
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & PTE_CACHE, cache_bits[KERNEL_CACHE_UNCACHED]);
    uint64_t identity = AT(HERE + HPET_IDENTITY);
    EXPECT(identity >> 32 > 0 && identity >> 32 <= FEMTOSECONDS_MOST);
    EXPECT_EQUAL(identity >> 16 & 0xffff, 0x8086);
    AT(HERE + HPET_CONFIGURATION) |= 1;
    uint64_t before = AT(HERE + HPET_COUNTER), looks = 0;
    while (AT(HERE + HPET_COUNTER) == before && looks < LOOKS)
        looks++;
    EXPECT(AT(HERE + HPET_COUNTER) > before);
    AT(HERE + HPET_CONFIGURATION) &= ~1UL;
    before = AT(HERE + HPET_COUNTER);
    EXPECT_EQUAL(AT(HERE + HPET_COUNTER), before);
    expect_walk();
    EXPECT_EQUAL(kernel_memory_unmap(hpet, own_task, HERE, 1), 0);
    EXPECT(!page_is_mapped(own_task, HERE));
}

/* Nothing is written there when an object is made, or goes with its mappings, or when its driver dies. */
static void registers_stay(void)
{
    struct worker worker;
    kernel_memory_t first = device(HPET, 1, KERNEL_CACHE_UNCACHED);
    EXPECT_EQUAL(kernel_memory_map(first, own_task, HERE, 0, 1, WRITE), 0);
    AT(HERE + HPET_COMPARATOR) = 0x12345678;
    guest_delete(first.handle);
    EXPECT(!page_is_mapped(own_task, HERE));
    kernel_memory_t second = device(HPET, 1, KERNEL_CACHE_UNCACHED);
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_memory_map(second, worker.task, THERE, 0, 1, WRITE), 0);
    EXPECT(page_is_mapped(worker.task, THERE));
    expect_walk();
    worker_destroy(&worker);
    EXPECT_EQUAL(kernel_memory_map(second, own_task, HERE, 0, 1, READ), 0);
    EXPECT_EQUAL(AT(HERE + HPET_COMPARATOR) & 0xffffffff, 0x12345678);
    EXPECT(!page_is_writable(own_task, HERE));
    guest_delete(second.handle);
}

/* The driver has the only capability: with its task all that it mapped goes. */
static void driver_dies(void)
{
    struct taker taker;
    kernel_memory_t memory = device(HPET, 1, KERNEL_CACHE_UNCACHED);
    uint64_t frames = 0, now = 0;
    taker_create(&taker, LOG2, 0);
    uint32_t given = worker_give(&taker.worker, memory.handle, RW);
    EXPECT_EQUAL(kernel_memory_map(memory, taker.worker.task, THERE, 0, 1, WRITE), 0);
    EXPECT(given != 0);
    guest_delete(memory.handle);
    EXPECT(page_is_mapped(taker.worker.task, THERE));
    EXPECT_EQUAL(kernel_debug_free_frames(debug, &frames), 0);
    taker_destroy(&taker);
    EXPECT_EQUAL(kernel_debug_free_frames(debug, &now), 0);
    EXPECT(now > frames);
    expect_walk();
}

/* ---- How pages are cached ---------------------------------------------------------------------------------------- */

/* Sends a page of HERE on, cached in a certain way; answers the error, and where there is none, how it is cached
 * there. */
static uint64_t give_cached(const struct taker *taker, uint32_t kind, uint32_t cache, uint64_t *bits)
{
    uint64_t words[6] = {0};
    ipc_page(0, kind, (void *)HERE, PAGE_SHIFT, RW);
    ipc_utcb()->items[0] |= (uint64_t)cache << ITEM_CACHE_SHIFT;
    uint64_t result = ipc_call(tag_of(REQUEST_TAKE, MESSAGE_CALL, 0, 1), taker->endpoint, words);
    *bits = page_entry_of(taker->worker.task, THERE) & (PTE_CACHE | PTE_PRESENT);
    return message_is_tag(result) ? 0 : result;
}

static void map_on_cached(struct taker *taker, kernel_cache_t given, uint32_t asked)
{
    uint64_t bits;
    kernel_memory_t memory = device(HPET, 1, given);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & PTE_CACHE, cache_bits[given]);
    uint64_t result = give_cached(taker, ITEM_MAP, asked, &bits);
    bool refused = asked != PAGE_WRITE_BACK && asked < given;
    EXPECT_EQUAL(result, refused ? ERROR_NO_RIGHT : 0);
    if (refused)
        EXPECT_EQUAL(bits, 0);
    else
        EXPECT_EQUAL(bits, PTE_PRESENT | cache_bits[asked > given ? asked : given]);
    EXPECT_EQUAL(kernel_task_unmap(taker->worker.task, THERE, 1), 0);
    EXPECT_EQUAL(kernel_task_map_on(own_task, HERE, taker->worker.task, THERE, 1, WRITE), 0);
    EXPECT_EQUAL(page_entry_of(taker->worker.task, THERE) & PTE_CACHE, cache_bits[given]);
    expect_walk();
    guest_delete(memory.handle);
    EXPECT(!page_is_mapped(taker->worker.task, THERE));
}

/* Whoever maps pages on may be stricter than they are, and no less: by page items and by map_on. */
static void attributes_are_bounded(void)
{
    struct taker taker;
    taker_create(&taker, PAGE_SHIFT, 0);
    for (kernel_cache_t given = KERNEL_CACHE_WRITE_BACK; given <= KERNEL_CACHE_UNCACHED; given++)
        for (uint32_t asked = PAGE_WRITE_BACK; asked <= PAGE_UNCACHED; asked++)
            map_on_cached(&taker, given, asked);
    taker_destroy(&taker);
}

/* What was mapped on stricter stays so when it is mapped on again. */
static void attributes_are_kept(void)
{
    struct taker next, first;
    uint64_t bits;
    kernel_memory_t memory = device(HPET, 1, KERNEL_CACHE_WRITE_COMBINING);
    taker_create(&next, PAGE_SHIFT, 0);
    taker_create(&first, PAGE_SHIFT, &next);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(give_cached(&first, ITEM_MAP, PAGE_UNCACHED, &bits), 0);
    EXPECT(message_is_tag(taker_ask(&first, REQUEST_MAP_ON, THERE, PAGE_SHIFT, WRITE)));
    EXPECT_EQUAL(page_entry_of(next.worker.task, THERE) & PTE_CACHE, cache_bits[KERNEL_CACHE_UNCACHED]);
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & PTE_CACHE, cache_bits[KERNEL_CACHE_WRITE_COMBINING]);
    taker_revoke(HERE, 1, READ);
    EXPECT(!page_is_mapped(first.worker.task, THERE) && !page_is_mapped(next.worker.task, THERE));
    EXPECT_EQUAL(give_cached(&first, ITEM_GRANT, PAGE_WRITE_BACK, &bits), 0);
    EXPECT_EQUAL(bits, PTE_PRESENT | cache_bits[KERNEL_CACHE_WRITE_COMBINING]);
    EXPECT(!page_is_mapped(own_task, HERE));
    taker_destroy(&first);
    taker_destroy(&next);
    guest_delete(memory.handle);
}

/* The attributes that the manifest names. */
static void attributes_of_the_manifest(void)
{
    kernel_memory_t screen = granted("screen"), rom = granted("rom");
    uint32_t pages = 0;
    EXPECT_EQUAL(kernel_memory_size(screen, &pages), 0);
    EXPECT_EQUAL(pages, 32);
    EXPECT_EQUAL(kernel_memory_map(screen, own_task, HERE, 31, 1, WRITE), 0);
    EXPECT_EQUAL(page_entry_of(own_task, HERE) & (PTE_FRAME | PTE_CACHE), 0xbf000 | cache_bits[PAGE_WRITE_COMBINING]);
    EXPECT_ERROR(kernel_memory_map(rom, own_task, WINDOW, 0, 1, WRITE), NO_RIGHT);
    EXPECT_EQUAL(kernel_memory_map(rom, own_task, WINDOW, 15, 1, READ), 0);
    EXPECT_EQUAL(page_entry_of(own_task, WINDOW) & (PTE_FRAME | PTE_CACHE), 0xfffff000);
    EXPECT_EQUAL(*(volatile uint8_t *)(WINDOW + 0xff0), 0xea); /* the reset vector: a far jump */
    EXPECT_EQUAL(kernel_memory_unmap(screen, own_task, HERE, 1), 0);
    EXPECT_EQUAL(kernel_memory_unmap(rom, own_task, WINDOW, 1), 0);
}

/* ---- What is no memory ------------------------------------------------------------------------------------------- */

/* A worker_function: takes strings on values[0], where values[1] is, and answers; what its receives and answers come to
 * stands in values[2]. */
static void take_strings(struct area *area)
{
    struct ipc_message message = {0};
    ipc_string_buffer(0, (void *)area->values[1], PAGE_SIZE);
    uint64_t tag = TAG_RECEIVE;
    for (;;) {
        tag = ipc_transfer(tag, area->values[0], &message);
        if (!message_is_tag(tag))
            area->values[2] = tag;
        tag = message_is_tag(tag) ? tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0) : TAG_RECEIVE;
        area->done++;
    }
}

/* Sends a string to a worker that takes it at `to`; answers the error, or 0. */
static uint64_t send_string(struct worker *worker, uint32_t endpoint, const void *from)
{
    uint64_t words[6] = {0};
    worker->area->values[0] = worker_give(worker, endpoint, RIGHTS_ALL);
    worker_start(worker, take_strings);
    guest_yield();
    ipc_string(0, from, 64);
    uint64_t tag = ipc_call(tag_of(0, MESSAGE_CALL, 0, 1), endpoint, words);
    return message_is_tag(tag) ? 0 : tag;
}

static void string_between(uint64_t from, uint64_t to, uint64_t error)
{
    struct worker worker;
    kernel_memory_t memory = device(HPET, 1, KERNEL_CACHE_WRITE_BACK), other = {guest_memory(1)};
    uint32_t endpoint = guest_endpoint();
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(other, own_task, HERE + PAGE_SIZE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(memory, worker.task, THERE, 0, 1, WRITE), 0);
    EXPECT_EQUAL(kernel_memory_map(other, worker.task, THERE + PAGE_SIZE, 0, 1, WRITE), 0);
    worker.area->values[1] = to;
    EXPECT_EQUAL(send_string(&worker, endpoint, (void *)from), error);
    worker_destroy(&worker);
    guest_delete(endpoint);
    guest_delete(memory.handle);
    guest_delete(other.handle);
}

/* The kernel copies no string from or to a device's memory, however it is cached, though the programs may read and
 * write there. */
static void no_strings(void)
{
    string_between(HERE + PAGE_SIZE, THERE + PAGE_SIZE, 0);
    string_between(HERE, THERE + PAGE_SIZE, ERROR_BAD_ADDRESS);
    string_between(HERE + PAGE_SIZE, THERE, ERROR_PARTNER_MEMORY);
}

/* Nobody can execute it. */
static void no_execution(void)
{
    kernel_memory_t memory = device(HPET, 1, KERNEL_CACHE_UNCACHED);
    EXPECT_EQUAL(guest_rights(memory.handle), RW | RIGHT_COPY);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, KERNEL_RIGHTS_EXECUTE), NO_RIGHT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 2, READ), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 1, 1, READ), BAD_ARGUMENT);
    guest_delete(memory.handle);
}

/* A gigabyte of large pages takes no table; what is divided and taken back is as with memory. */
static void large_pages(void)
{
    uint64_t before = used_of_quota(own_factory);
    kernel_memory_t memory = device(NOBODYS, GIGABYTE_PAGES, KERNEL_CACHE_UNCACHED);
    EXPECT(used_of_quota(own_factory) - before <= 3 * PAGE_SIZE);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, GIGABYTE_PAGES, WRITE), 0);
    uint64_t entry = page_entry_of(own_task, HERE + 5 * LARGE_PAGE_SIZE);
    EXPECT((entry & PTE_LARGE) && (entry & PTE_CACHE) == cache_bits[KERNEL_CACHE_UNCACHED]);
    EXPECT_EQUAL(entry & PTE_FRAME, NOBODYS + 5 * LARGE_PAGE_SIZE);
    EXPECT_EQUAL(kernel_memory_unmap(memory, own_task, HERE + 5 * LARGE_PAGE_SIZE + PAGE_SIZE, 1), 0);
    entry = page_entry_of(own_task, HERE + 5 * LARGE_PAGE_SIZE + 2 * PAGE_SIZE);
    EXPECT_EQUAL(entry & (PTE_LARGE | PTE_FRAME), NOBODYS + 5 * LARGE_PAGE_SIZE + 2 * PAGE_SIZE);
    EXPECT_EQUAL(entry & PTE_CACHE, cache_bits[KERNEL_CACHE_UNCACHED]);
    expect_walk();
    EXPECT_EQUAL(kernel_task_unmap(own_task, HERE, GIGABYTE_PAGES), 0);
    guest_delete(memory.handle);
    memory = device(NOBODYS + PAGE_SIZE, 1024, KERNEL_CACHE_WRITE_COMBINING);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1024, WRITE), 0);
    EXPECT_EQUAL(page_entry_of(own_task, HERE + 1023 * PAGE_SIZE) & (PTE_LARGE | PTE_FRAME),
                 NOBODYS + 1024 * PAGE_SIZE);
    guest_delete(memory.handle);
    EXPECT(!page_is_mapped(own_task, HERE));
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

/* Who has what: a page at a time through all memory that there is. None of what has an
 * owner can be had, whatever else is asked for with it. */
static void owners(void)
{
    uint32_t seen = 0;
    for (uint64_t at = 0, first, last; at < 512 * MEBIBYTE; at = last + 1) {
        kernel_owner_t owner = KERNEL_OWNER_NOBODY;
        kernel_memory_t none = {0};
        EXPECT_EQUAL(kernel_physical_owner(physical, at, 1, &owner, &first, &last), 0);
        seen |= 1U << owner;
        if (owner == KERNEL_OWNER_NOBODY) {
            last = at + PAGE_SIZE - 1;
            continue;
        }
        if (!EXPECT(first <= at && last > at))
            break;
        EXPECT_ERROR(kernel_physical_device(physical, own_factory, at, 1, 0, &none), OCCUPIED);
        EXPECT_ERROR(kernel_physical_device(physical, own_factory, last & ~(PAGE_SIZE - 1UL), 2, 0, &none), OCCUPIED);
    }
    EXPECT_EQUAL(seen, 1U << KERNEL_OWNER_NOBODY | 1U << KERNEL_OWNER_MEMORY | 1U << KERNEL_OWNER_KERNEL |
                           1U << KERNEL_OWNER_ARCHIVE);
}

static void controllers(void)
{
    static const struct {
        uint64_t address;
        kernel_owner_t owner;
    } controllers[] = {{0xfec00000, KERNEL_OWNER_IO_APIC}, {0xfee00000, KERNEL_OWNER_LOCAL_APIC}};
    for (unsigned i = 0; i < COUNT(controllers); i++) {
        kernel_owner_t owner = KERNEL_OWNER_NOBODY;
        uint64_t at = controllers[i].address, first = 0, last = 0;
        kernel_memory_t none = {0};
        EXPECT_EQUAL(kernel_physical_owner(physical, at - PAGE_SIZE, 3, &owner, &first, &last), 0);
        EXPECT_EQUAL(owner, controllers[i].owner);
        EXPECT_EQUAL(first, at);
        EXPECT_EQUAL(last, at + PAGE_SIZE - 1);
        EXPECT_ERROR(kernel_physical_device(physical, own_factory, at - PAGE_SIZE, 2, 0, &none), OCCUPIED);
        EXPECT_ERROR(kernel_physical_device(physical, own_factory, at, 2, 0, &none), OCCUPIED);
        none = device(at + PAGE_SIZE, 1, KERNEL_CACHE_UNCACHED);
        guest_delete(none.handle);
    }
}

static void bad_arguments(void)
{
    kernel_memory_t none = {0};
    kernel_owner_t owner;
    uint64_t first, last;
    static const struct {
        uint64_t address;
        uint32_t pages, error;
    } bad[] = {
        {NOBODYS, 0, ERROR_BAD_ARGUMENT},
        {NOBODYS, GIGABYTE_PAGES + 1, ERROR_BAD_ARGUMENT},
        {NOBODYS, UINT32_MAX, ERROR_BAD_ARGUMENT},
        {NOBODYS + 1, 1, ERROR_BAD_ADDRESS},
        {NOBODYS + 2048, 1, ERROR_BAD_ADDRESS},
        {1UL << 52, 1, ERROR_BAD_ADDRESS},
        {(1UL << 52) - PAGE_SIZE, 2, ERROR_BAD_ADDRESS},
        {-PAGE_SIZE, 1, ERROR_BAD_ADDRESS},
        {-PAGE_SIZE, 2, ERROR_BAD_ADDRESS},
        {1UL << 63, 1, ERROR_BAD_ADDRESS},
    };
    for (unsigned i = 0; i < COUNT(bad); i++) {
        EXPECT_EQUAL(kernel_physical_device(physical, own_factory, bad[i].address, bad[i].pages, 0, &none),
                     -(int64_t)bad[i].error);
        EXPECT_EQUAL(kernel_physical_owner(physical, bad[i].address, bad[i].pages, &owner, &first, &last),
                     -(int64_t)bad[i].error);
    }
    EXPECT_ERROR(kernel_physical_device(physical, own_factory, NOBODYS, 1, (kernel_cache_t)3, &none), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_physical_device(physical, (kernel_factory_t){0}, NOBODYS, 1, 0, &none), BAD_HANDLE);
    EXPECT_ERROR(kernel_physical_device(physical, (kernel_factory_t){own_task.handle}, NOBODYS, 1, 0, &none),
                 WRONG_TYPE);
}

/* To write is to make devices' memory, to read is to learn where memory is. */
static void rights(void)
{
    kernel_physical_t reader = {guest_copy(physical.handle, RIGHT_READ)};
    kernel_physical_t writer = {guest_copy(physical.handle, RIGHT_WRITE)};
    kernel_memory_t memory = {0};
    kernel_owner_t owner;
    uint64_t address, last;
    EXPECT_ERROR(kernel_physical_device(reader, own_factory, NOBODYS, 1, 0, &memory), NO_RIGHT);
    EXPECT_EQUAL(kernel_physical_owner(reader, NOBODYS, 1, &owner, &address, &last), 0);
    EXPECT_EQUAL(owner, KERNEL_OWNER_NOBODY);
    EXPECT_ERROR(kernel_physical_owner(writer, NOBODYS, 1, &owner, &address, &last), NO_RIGHT);
    EXPECT_ERROR(kernel_physical_contiguous(writer, own_factory, 1, PAGE_SIZE, UINT64_MAX, &memory, &address),
                 NO_RIGHT);
    EXPECT_EQUAL(kernel_physical_device(writer, own_factory, NOBODYS, 1, 0, &memory), 0);
    guest_delete(memory.handle);
    guest_delete(reader.handle);
    guest_delete(writer.handle);
}

/* With each quota, from none to enough, all or nothing is made. */
static void quotas(void)
{
    uint64_t needed = 0;
    for (uint64_t bytes = 0; needed == 0 && bytes < 64 * PAGE_SIZE; bytes += PAGE_SIZE) {
        kernel_factory_t factory = {0};
        kernel_memory_t memory = {0};
        EXPECT_EQUAL(kernel_factory_create_factory(own_factory, bytes, &factory), 0);
        uint64_t used = used_of_quota(factory);
        int result = kernel_physical_device(physical, factory, NOBODYS + PAGE_SIZE, 1500, 0, &memory);
        if (result == 0) {
            needed = bytes;
            guest_delete(memory.handle);
        } else {
            EXPECT_ERROR(result, NO_MEMORY);
        }
        EXPECT_EQUAL(used_of_quota(factory), used);
        guest_delete(factory.handle);
    }
    EXPECT_EQUAL(needed, 5 * PAGE_SIZE); /* a slab, addresses of tables, and three tables */
}

static const struct guest_test tests[] = {
    {"a driver drives a device by its registers", driver},
    {"what is no memory is neither zeroed nor freed", registers_stay},
    {"a driver's mappings go with it", driver_dies},
    {"who maps pages on is bound by how they are cached", attributes_are_bounded},
    {"and so is who maps them on again", attributes_are_kept},
    {"the manifest says how a device is cached", attributes_of_the_manifest},
    {"the kernel copies no strings there", no_strings},
    {"and nobody executes it", no_execution},
    {"a gigabyte in large pages", large_pages},
    {"memory, kernel and archive cannot be had", owners},
    {"nor can interrupt controllers", controllers},
    {"bad arguments", bad_arguments},
    {"rights", rights},
    {"quotas", quotas},
};

int main(void)
{
    physical = (kernel_physical_t){salto_grant("physical")};
    return guest_run(tests, COUNT(tests));
}
