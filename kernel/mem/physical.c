/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on physical addresses: idl/kernel/physical.idl describes them. Both kinds of memory that are made here are
 * memory objects (memory.h), and all that is special about them is said there.
 *
 * Invariant: no page of a device's object is memory, of the kernel's image or the archive, or the registers of an
 * interrupt controller. What the firmware reserves is nobody's: that is where many devices are.
 */
#include "mem/physical.h"

#include "abi/capability.h"
#include "abi/message.h"
#include "boot/boot.h"
#include "boot/entry.h"
#include "cap/factory.h"
#include "idl/physical_kernel.h"
#include "ipc/dispatch.h"
#include "mem/make_operation.h"
#include "thread/schedule.h"
#include "thread/thread.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/cpu.h"

#define CONVENTIONAL_END 0xa0000UL
#define CPUID_ADDRESS_SIZES 0x80000008U /* eax, bits 0 to 7: width of physical addresses (Intel SDM volume 2, CPUID) */
#define LEAST_ADDRESS_BITS 36
#define RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_COPY)

_Static_assert(KERNEL_CACHE_WRITE_COMBINING == PAGE_WRITE_COMBINING && KERNEL_CACHE_UNCACHED == PAGE_UNCACHED,
               "one numbering of how pages are cached");

struct claim {
    struct boot_range range;
    kernel_owner_t owner;
};

struct object *physical_all(void)
{
    static struct object all = {.type = OBJECT_PHYSICAL};
    return &all;
}

static bool claims(struct boot_range range, struct boot_range wanted, kernel_owner_t owner, struct claim *claim)
{
    if (range.start >= wanted.end || range.end <= wanted.start)
        return false;
    *claim = (struct claim){range, owner};
    return true;
}

static struct boot_range page_at(uint64_t address)
{
    return (struct boot_range){address, address + PAGE_SIZE};
}

/* Is some of what is wanted an interrupt controller's? */
static bool controller_claims(struct boot_range wanted, struct claim *claim)
{
    for (uint32_t i = 0; i < acpi_info.io_apic_count; i++)
        if (claims(page_at(acpi_info.io_apics[i].address), wanted, KERNEL_OWNER_IO_APIC, claim))
            return true;
    return claims(page_at(apic_physical_address()), wanted, KERNEL_OWNER_LOCAL_APIC, claim);
}

/* Who has some of what is wanted? */
static bool find_claim(struct boot_range wanted, struct claim *claim)
{
    struct boot_range conventional = {0, CONVENTIONAL_END};
    struct boot_range image = {KERNEL_LOAD_ADDRESS, IMAGE_PHYSICAL(kernel_end)}, archive = boot_info.archive;
    archive.end = (archive.end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
    for (uint32_t i = 0; i < boot_info.memory_count; i++)
        if (claims(boot_info.memory[i], wanted, KERNEL_OWNER_MEMORY, claim))
            return true;
    return claims(conventional, wanted, KERNEL_OWNER_MEMORY, claim) ||
           claims(image, wanted, KERNEL_OWNER_KERNEL, claim) || claims(archive, wanted, KERNEL_OWNER_ARCHIVE, claim) ||
           controller_claims(wanted, claim);
}

static uint64_t address_end(void)
{
    uint32_t bits = cpuid_checked(CPUID_ADDRESS_SIZES, 0).eax & 0xff;
    return 1UL << (bits ? bits : LEAST_ADDRESS_BITS);
}

static enum error check_range(uint64_t address, uint32_t pages, struct boot_range *range)
{
    uint64_t end = address_end();
    if (pages == 0 || pages > MEMORY_MAX_PAGES)
        return ERROR_BAD_ARGUMENT;
    if (address % PAGE_SIZE || address >= end || pages > (end - address) / PAGE_SIZE)
        return ERROR_BAD_ADDRESS;
    *range = (struct boot_range){address, address + (uint64_t)pages * PAGE_SIZE};
    return ERROR_NONE;
}

enum error kernel_physical_device(struct kernel_call *call, struct physical *self, struct factory *factory,
                                  uint64_t address, uint32_t pages, kernel_cache_t cache, uint32_t *memory)
{
    struct memory_plan plan = {
        .pages = pages, .base = address, .kind = MEMORY_DEVICE, .cache = (uint8_t)(cache | MAPPING_DEVICE)};
    struct boot_range range;
    struct claim claim;
    enum error error = check_range(address, pages, &range);
    (void)self;
    if (error != ERROR_NONE)
        return error;
    if (find_claim(range, &claim))
        return ERROR_OCCUPIED;
    struct memory *made = memory_begin(kernel_call_thread(call), factory, &plan, &error);
    return made ? make_operation(call, made, RIGHTS, memory) : error;
}

enum error kernel_physical_owner(struct kernel_call *call, struct physical *self, uint64_t address, uint32_t pages,
                                 kernel_owner_t *owner, uint64_t *first, uint64_t *last)
{
    struct boot_range range;
    struct claim claim = {{0, 1}, KERNEL_OWNER_NOBODY};
    enum error error = check_range(address, pages, &range);
    (void)call, (void)self;
    if (error != ERROR_NONE)
        return error;
    find_claim(range, &claim);
    *owner = claim.owner;
    *first = claim.range.start;
    *last = claim.range.end - 1;
    return ERROR_NONE;
}

/* Contiguous memory that the calling thread makes, as it asks for it now. */
static struct memory *begin_contiguous(struct thread *maker, struct factory *factory, uint32_t pages,
                                       uint64_t alignment, uint64_t below, enum error *error)
{
    struct memory_plan plan = {.pages = pages, .kind = MEMORY_CONTIGUOUS};
    const struct memory *other = maker->makes;
    if (other && (other->base % alignment || other->base + (uint64_t)other->pages * PAGE_SIZE > below))
        memory_give_up(maker); /* an operation that was broken off */
    return memory_begin(maker, factory, &plan, error);
}

enum error kernel_physical_contiguous(struct kernel_call *call, struct physical *self, struct factory *factory,
                                      uint32_t pages, uint64_t alignment, uint64_t below, uint32_t *memory,
                                      uint64_t *address)
{
    enum error error = ERROR_BAD_ARGUMENT;
    (void)self;
    if (alignment < PAGE_SIZE || (alignment & (alignment - 1)))
        return error;
    struct memory *made = begin_contiguous(kernel_call_thread(call), factory, pages, alignment, below, &error);
    if (!made)
        return error;
    while (made->reserved == 0 && made->failure == ERROR_NONE) {
        memory_reserve_piece(made, alignment, below);
        if (preemption_due())
            return kernel_call_restart(call);
    }
    *address = made->base;
    return make_operation(call, made, RIGHTS, memory);
}

void physical_dispatch(struct kernel_call *call, const struct capability *capability)
{
    if (!kernel_call_ready(call))
        return;
    kernel_physical_dispatch(call, (struct physical *)capability->object, capability->rights);
}
