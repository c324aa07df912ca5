/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: sizes, where they may be mapped and unmapped, what is in new ones, who shares them; and that rights
 * of a mapping, and its end, hold for the program: a sandbox tries each kind of access.
 */
#include <string.h>

#include "../common/sandbox.h"

#define HERE 0x300000000000UL
#define THERE 0x20000000UL
#define MOST_PAGES 262144
#define LAST_PAGE (USER_END - PAGE_SIZE)
#define UTCB_END (UTCB_BASE + (uint64_t)MAX_THREADS_PER_TASK * PAGE_SIZE)

#define R KERNEL_RIGHTS_READ
#define W KERNEL_RIGHTS_WRITE
#define X KERNEL_RIGHTS_EXECUTE

static kernel_memory_t new_memory(uint32_t pages)
{
    return (kernel_memory_t){guest_memory(pages)};
}

static int map(kernel_memory_t memory, uint64_t address, uint32_t offset, uint32_t pages)
{
    return kernel_memory_map(memory, own_task, address, offset, pages, W);
}

static void map_well(kernel_memory_t memory, uint64_t address, uint32_t offset, uint32_t pages)
{
    EXPECT_EQUAL(map(memory, address, offset, pages), 0);
}

static int unmap(kernel_memory_t memory, uint64_t address, uint32_t pages)
{
    return kernel_memory_unmap(memory, own_task, address, pages);
}

static void unmap_well(kernel_memory_t memory, uint64_t address, uint32_t pages)
{
    EXPECT_EQUAL(unmap(memory, address, pages), 0);
}

/* ---- sizes and contents ------------------------------------------------------------------------------------------ */

static void sizes(void)
{
    static const uint32_t good[] = {1, 2, 511, 512, 513, 1025};
    kernel_memory_t memory;
    uint32_t pages = 0;
    EXPECT_ERROR(kernel_factory_create_memory(own_factory, 0, &memory), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_memory(own_factory, MOST_PAGES + 1, &memory), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_memory(own_factory, UINT32_MAX, &memory), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_factory_create_memory(own_factory, MOST_PAGES, &memory), NO_MEMORY);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        memory = new_memory(good[i]);
        EXPECT_EQUAL(kernel_memory_size(memory, &pages), 0);
        EXPECT_EQUAL(pages, good[i]);
        guest_delete(memory.handle);
    }
}

static bool all_bytes_are(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

/* What one object held is not in the next one, which gets some of the same frames. */
static void new_memory_is_zero(void)
{
    const uint32_t pages = 600;
    for (int round = 0; round < 4; round++) {
        kernel_memory_t memory = new_memory(pages);
        map_well(memory, HERE, 0, pages);
        EXPECT(all_bytes_are((uint8_t *)HERE, pages * PAGE_SIZE, 0));
        memset((void *)HERE, 0xa5, pages * PAGE_SIZE);
        guest_delete(memory.handle);
    }
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

static const uint64_t bad_addresses[] = {
    0,
    PAGE_SIZE,
    USER_START - PAGE_SIZE,
    HERE + 1,
    HERE + PAGE_SIZE - 1,
    HERE + 8,
    USER_END,
    USER_END + PAGE_SIZE,
    0x0000800000000000UL,
    0x8000000000000000UL,
    0xffff7ffffffff000UL,
    PHYSICAL_MAP,
    SHARED_BASE,
    TRAMPOLINE_TEXT,
    HOT_THREADS,
    PRIVATE_BASE,
    CAPABILITY_SLOTS,
    0xfffffffffffff000UL,
    UTCB_BASE,
    UTCB_BASE + PAGE_SIZE,
    UTCB_END - PAGE_SIZE,
};

#define BAD_ADDRESSES (sizeof(bad_addresses) / sizeof(bad_addresses[0]))

static void bad_places(void)
{
    kernel_memory_t memory = new_memory(2);
    for (unsigned i = 0; i < BAD_ADDRESSES; i++) {
        EXPECT_ERROR(map(memory, bad_addresses[i], 0, 1), BAD_ADDRESS);
        EXPECT_ERROR(unmap(memory, bad_addresses[i], 1), BAD_ADDRESS);
    }
    EXPECT_ERROR(map(memory, USER_START - PAGE_SIZE, 0, 2), BAD_ADDRESS);
    EXPECT_ERROR(map(memory, LAST_PAGE, 0, 2), BAD_ADDRESS);
    EXPECT_ERROR(map(memory, UTCB_BASE - PAGE_SIZE, 0, 2), BAD_ADDRESS);
    EXPECT_ERROR(map(memory, UTCB_END - PAGE_SIZE, 0, 2), BAD_ADDRESS);
    guest_delete(memory.handle);
}

static void good_places(void)
{
    static const uint64_t good[] = {USER_START, LAST_PAGE, UTCB_BASE - PAGE_SIZE, UTCB_END};
    kernel_memory_t memory = new_memory(1);
    kernel_task_t task = guest_new_task();
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        EXPECT_EQUAL(kernel_memory_map(memory, task, good[i], 0, 1, R), 0);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        EXPECT_EQUAL(kernel_memory_unmap(memory, task, good[i], 1), 0);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static void bad_ranges(void)
{
    static const struct {
        uint32_t offset, pages;
    } bad[] = {{0, 0},
               {0, 4},
               {3, 1},
               {2, 2},
               {UINT32_MAX, 1},
               {1, UINT32_MAX},
               {UINT32_MAX, UINT32_MAX},
               {0, UINT32_MAX},
               {3, 0},
               {0x80000000, 0x80000000}};
    kernel_memory_t memory = new_memory(3);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_ERROR(map(memory, HERE, bad[i].offset, bad[i].pages), BAD_ARGUMENT);
    map_well(memory, HERE, 0, 3);
    EXPECT_ERROR(unmap(memory, HERE, 0), BAD_ADDRESS);
    EXPECT_ERROR(unmap(memory, HERE, 4), BAD_ADDRESS);
    EXPECT_ERROR(unmap(memory, HERE, UINT32_MAX), BAD_ADDRESS);
    EXPECT_ERROR(unmap(memory, HERE - PAGE_SIZE, 2), BAD_ADDRESS);
    unmap_well(memory, HERE, 3);
    EXPECT_ERROR(unmap(memory, HERE, 3), BAD_ADDRESS);
    guest_delete(memory.handle);
}

/* Where one page of a range is taken, nothing of it is mapped. */
static void all_or_nothing(void)
{
    kernel_memory_t memory = new_memory(4), other = new_memory(1);
    for (uint32_t page = 0; page < 4; page++) {
        map_well(other, HERE + page * PAGE_SIZE, 0, 1);
        EXPECT_ERROR(map(memory, HERE, 0, 4), OCCUPIED);
        unmap_well(other, HERE + page * PAGE_SIZE, 1);
        EXPECT_ERROR(unmap(memory, HERE, 1), BAD_ADDRESS);
        map_well(memory, HERE, 0, 4);
        EXPECT_ERROR(map(memory, HERE + page * PAGE_SIZE, 0, 1), OCCUPIED);
        unmap_well(memory, HERE, 4);
    }
    guest_delete(other.handle);
    guest_delete(memory.handle);
}

/* A page out of the middle: both rests stay, with their contents, and can go in turn. */
static void unmap_parts(void)
{
    kernel_memory_t memory = new_memory(7), other = new_memory(1);
    volatile uint8_t *bytes = (uint8_t *)HERE;
    map_well(memory, HERE, 0, 7);
    for (int page = 0; page < 7; page++)
        bytes[page * PAGE_SIZE] = (uint8_t)(page + 1);
    unmap_well(memory, HERE + 3 * PAGE_SIZE, 1);
    map_well(other, HERE + 3 * PAGE_SIZE, 0, 1);
    EXPECT_EQUAL(bytes[3 * PAGE_SIZE], 0);
    EXPECT_ERROR(unmap(memory, HERE, 7), BAD_ADDRESS);
    unmap_well(memory, HERE, 1);
    unmap_well(memory, HERE + 6 * PAGE_SIZE, 1);
    EXPECT(bytes[PAGE_SIZE] == 2 && bytes[2 * PAGE_SIZE] == 3 && bytes[4 * PAGE_SIZE] == 5 &&
           bytes[5 * PAGE_SIZE] == 6);
    unmap_well(memory, HERE + PAGE_SIZE, 2);
    unmap_well(memory, HERE + 4 * PAGE_SIZE, 2);
    EXPECT_ERROR(unmap(memory, HERE + 3 * PAGE_SIZE, 1), BAD_ADDRESS);
    map_well(memory, HERE + PAGE_SIZE, 6, 1);
    EXPECT_EQUAL(bytes[PAGE_SIZE], 7);
    guest_delete(other.handle);
    guest_delete(memory.handle);
}

/* ---- sharing ----------------------------------------------------------------------------------------------------- */

SANDBOX_PROGRAM(add_one, "nop", "incq (%rdi)");

static void shared_between_tasks(void)
{
    struct sandbox sandbox;
    kernel_memory_t memory = new_memory(2);
    volatile uint64_t *first = (uint64_t *)HERE, *second = (uint64_t *)(HERE + 2 * PAGE_SIZE);
    sandbox_create(&sandbox);
    map_well(memory, HERE, 0, 2);
    map_well(memory, HERE + 2 * PAGE_SIZE, 0, 1);
    EXPECT_EQUAL(kernel_memory_map(memory, sandbox.task, THERE, 0, 2, W), 0);
    first[0] = 41;
    SANDBOX_LOAD(&sandbox, add_one);
    struct fault fault = sandbox_run(&sandbox, THERE, 0);
    EXPECT(sandbox_ran(&sandbox, &fault));
    EXPECT_EQUAL(first[0], 42);
    EXPECT_EQUAL(second[0], 42);
    guest_delete(memory.handle);
    sandbox_destroy(&sandbox);
}

/* ---- rights of mappings ------------------------------------------------------------------------------------------ */

SANDBOX_PROGRAM(load, "nop", "movb (%rdi), %al");
SANDBOX_PROGRAM(store, "nop", "movb %sil, (%rdi)");
SANDBOX_PROGRAM(call, "nop", "call *%rdi");

#define NOT_MAPPED 0xffffffff
#define RETURN_INSTRUCTION 0xc3

/* An access that must go through, or fail with the page fault of a mapping with `rights` (or NOT_MAPPED). */
static void expect_access(const struct sandbox *sandbox, uint32_t rights, uint32_t needed, uint32_t kind)
{
    struct fault fault = sandbox_run(sandbox, THERE, RETURN_INSTRUCTION);
    if (rights != NOT_MAPPED && (rights & needed)) {
        EXPECT(sandbox_ran(sandbox, &fault));
        return;
    }
    EXPECT_EQUAL(fault.vector, VECTOR_PAGE_FAULT);
    EXPECT_EQUAL(fault.address, THERE);
    EXPECT_EQUAL(fault.error, FAULT_USER | kind | (rights == NOT_MAPPED ? 0 : FAULT_PRESENT));
}

/* Tries everything at THERE, whose first byte is a return instruction. Reading is implied by every other right. */
static void expect_rights(struct sandbox *sandbox, uint32_t rights)
{
    SANDBOX_LOAD(sandbox, load);
    expect_access(sandbox, rights, R | W | X, 0);
    SANDBOX_LOAD(sandbox, store);
    expect_access(sandbox, rights, W, FAULT_WRITE);
    SANDBOX_LOAD(sandbox, call);
    expect_access(sandbox, rights, X, FAULT_FETCH);
}

/* Each way of mapping, as the program sees it; and after unmapping it sees nothing, though it had touched the page. */
static void rights_hold(void)
{
    static const uint32_t rights[] = {R, W, X, R | W, R | X};
    struct sandbox sandbox;
    kernel_memory_t memory = new_memory(1);
    sandbox_create(&sandbox);
    map_well(memory, HERE, 0, 1);
    *(volatile uint8_t *)HERE = RETURN_INSTRUCTION;
    expect_rights(&sandbox, NOT_MAPPED);
    for (unsigned i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
        EXPECT_EQUAL(kernel_memory_map(memory, sandbox.task, THERE, 0, 1, rights[i]), 0);
        expect_rights(&sandbox, rights[i]);
        EXPECT_EQUAL(kernel_memory_unmap(memory, sandbox.task, THERE, 1), 0);
        expect_rights(&sandbox, NOT_MAPPED);
    }
    guest_delete(memory.handle);
    sandbox_destroy(&sandbox);
}

/* No right, write with execute, and what is no right of a mapping. Reading is implied. */
static void rights_refused(void)
{
    kernel_memory_t memory = new_memory(1);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, W | X), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, R | W | X), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, R | KERNEL_RIGHTS_COPY), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, 0x10), BAD_ARGUMENT);
    EXPECT_ERROR(kernel_memory_map(memory, own_task, HERE, 0, 1, 0xffffffff), BAD_ARGUMENT);
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, HERE, 0, 1, 0), 0);
    EXPECT_EQUAL(*(volatile uint8_t *)HERE, 0);
    guest_delete(memory.handle);
}

/* A capability with `has` maps with `asked` exactly if it has all of that, and read. */
static void rights_of_capability(void)
{
    kernel_memory_t memory = new_memory(1);
    for (uint32_t has = 0; has <= RIGHTS_ALL; has++) {
        kernel_memory_t copy = {guest_copy(memory.handle, has)};
        for (uint32_t asked = 0; asked <= (R | W | X); asked++) {
            bool enough = ((asked | R) & ~has) == 0, sound = (asked & (W | X)) != (W | X);
            int result = kernel_memory_map(copy, own_task, HERE, 0, 1, asked);
            EXPECT_EQUAL(result, !enough ? -ERROR_NO_RIGHT : sound ? 0 : -ERROR_BAD_ARGUMENT);
            if (result == 0)
                unmap_well(copy, HERE, 1);
        }
        guest_delete(copy.handle);
    }
    guest_delete(memory.handle);
}

/* ---- the end of mappings ----------------------------------------------------------------------------------------- */

/* The last capability to the object goes: every mapping of it does, in all tasks. */
static void object_dies(void)
{
    struct sandbox sandbox;
    kernel_memory_t memory = new_memory(1), next;
    sandbox_create(&sandbox);
    EXPECT_EQUAL(kernel_memory_map(memory, sandbox.task, THERE, 0, 1, W), 0);
    expect_rights(&sandbox, W);
    map_well(memory, HERE, 0, 1);
    uint32_t copy = guest_copy(memory.handle, R);
    guest_delete(memory.handle);
    expect_rights(&sandbox, W);
    guest_delete(copy);
    expect_rights(&sandbox, NOT_MAPPED);
    next = new_memory(1);
    map_well(next, HERE, 0, 1);
    guest_delete(next.handle);
    sandbox_destroy(&sandbox);
}

/* Only the object itself unmaps its pages; a capability without rights to it is enough. */
static void unmapped_by_its_own(void)
{
    kernel_memory_t memory = new_memory(1), other = new_memory(1), copy = {guest_copy(memory.handle, 0)};
    map_well(memory, HERE, 0, 1);
    EXPECT_ERROR(unmap(other, HERE, 1), BAD_ADDRESS);
    EXPECT_EQUAL(unmap(copy, HERE, 1), 0);
    guest_delete(copy.handle);
    guest_delete(other.handle);
    guest_delete(memory.handle);
}

/* The task argument: none, another type, without the right, dead. */
static void bad_tasks(void)
{
    kernel_memory_t memory = new_memory(1);
    kernel_task_t task = guest_new_task(), reader = {guest_copy(task.handle, R | X | KERNEL_RIGHTS_COPY)};
    kernel_task_t none = {0}, stale = {65535}, beyond = {65536}, wrong = {memory.handle};
    EXPECT_ERROR(kernel_memory_map(memory, none, HERE, 0, 1, R), BAD_HANDLE);
    EXPECT_ERROR(kernel_memory_map(memory, stale, HERE, 0, 1, R), BAD_HANDLE);
    EXPECT_ERROR(kernel_memory_map(memory, beyond, HERE, 0, 1, R), BAD_HANDLE);
    EXPECT_ERROR(kernel_memory_map(memory, wrong, HERE, 0, 1, R), WRONG_TYPE);
    EXPECT_ERROR(kernel_memory_map(memory, reader, HERE, 0, 1, R), NO_RIGHT);
    EXPECT_ERROR(kernel_memory_unmap(memory, reader, HERE, 1), NO_RIGHT);
    guest_delete(reader.handle);
    guest_delete(task.handle);
    guest_delete(memory.handle);
}

static const struct guest_test tests[] = {
    {"sizes of memory objects", sizes},
    {"new memory is zero", new_memory_is_zero},
    {"addresses outside the user half, unaligned, or of UTCBs are refused", bad_places},
    {"the first and the last page can be mapped", good_places},
    {"ranges beyond the object are refused", bad_ranges},
    {"either all is mapped or nothing", all_or_nothing},
    {"parts of a mapping are unmapped", unmap_parts},
    {"memory is shared between tasks and addresses", shared_between_tasks},
    {"rights of a mapping hold, and its end does", rights_hold},
    {"rights that no mapping may have", rights_refused},
    {"rights of the capability bound those of the mapping", rights_of_capability},
    {"mappings end with the object", object_dies},
    {"only the object unmaps its pages", unmapped_by_its_own},
    {"tasks that cannot be mapped into", bad_tasks},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
