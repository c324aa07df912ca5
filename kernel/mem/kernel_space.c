/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own address space: all physical memory, the kernel's image, and the shared part. Built once at boot;
 * only hot-state pages are added to the shared part later.
 */
#include "mem/kernel_space.h"

#include "boot/boot.h"
#include "debug/panic.h"
#include "ipc/fast_path.h"
#include "mem/frame.h"
#include "mem/inventory.h"
#include "mem/space.h"
#include "x86/cpu.h"

#define ENTRIES 512
#define LOW_MAPPED 0x100000000UL /* always mapped: devices live below 4 GiB */

uint64_t kernel_cr3, shared_directory, page_of_zeros, page_of_ones;

extern const char kernel_text_start[], kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[];
extern const char kernel_data_start[], kernel_end[];
extern const char trampoline_blob[], trampoline_blob_end[]; /* the trampoline's text, embedded in the kernel's rodata */

static uint64_t must_allocate(void)
{
    uint64_t frame = frame_allocate();
    if (frame == 0)
        panic("not enough memory for the kernel's page tables");
    return frame;
}

static uint64_t *make_table(uint64_t *entry)
{
    if (!(*entry & PTE_PRESENT))
        *entry = must_allocate() | PTE_PRESENT | PTE_WRITE;
    return physical_to_virtual(*entry & PTE_ADDRESS);
}

static uint64_t *pml4(void)
{
    return physical_to_virtual(kernel_cr3);
}

static uint64_t memory_end(void)
{
    uint64_t end = LOW_MAPPED;
    for (uint32_t i = 0; i < boot_info.memory_count; i++)
        if (boot_info.memory[i].end > end)
            end = boot_info.memory[i].end;
    return end;
}

/* Is any of the 2 MiB at `physical` usable memory? What is not may be a device's: no caching. */
static bool holds_memory(uint64_t physical)
{
    if (physical < LARGE_PAGE_SIZE)
        return true;
    for (uint32_t i = 0; i < boot_info.memory_count; i++)
        if (boot_info.memory[i].start < physical + LARGE_PAGE_SIZE && boot_info.memory[i].end > physical)
            return true;
    return physical >= boot_info.archive.start / LARGE_PAGE_SIZE * LARGE_PAGE_SIZE && physical < boot_info.archive.end;
}

static void map_physical_memory(void)
{
    uint64_t end = memory_end();
    for (uint64_t physical = 0; physical < end; physical += LARGE_PAGE_SIZE) {
        uint64_t address = PHYSICAL_MAP + physical;
        uint64_t *pdpt = make_table(&pml4()[(address >> 39) & (ENTRIES - 1)]);
        uint64_t *directory = make_table(&pdpt[(address >> 30) & (ENTRIES - 1)]);
        uint64_t flags = PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NO_EXECUTE;
        if (!holds_memory(physical))
            flags |= PTE_CACHE_DISABLE | PTE_WRITE_THROUGH;
        directory[(address >> 21) & (ENTRIES - 1)] = physical | flags;
    }
}

static uint64_t *top_pdpt(void)
{
    return make_table(&pml4()[TOP_PML4_INDEX]);
}

static uint64_t image_flags(const char *page)
{
    if (page >= kernel_text_start && page < kernel_text_end)
        return 0;
    if (page >= kernel_rodata_start && page < kernel_rodata_end)
        return PTE_NO_EXECUTE;
    return PTE_WRITE | PTE_NO_EXECUTE;
}

static void map_image(void)
{
    uint64_t *directory = make_table(&top_pdpt()[PRIVATE_PDPT_INDEX]);
    for (const char *page = (const char *)KERNEL_IMAGE_BASE; page < kernel_end; page += PAGE_SIZE) {
        uint64_t offset = (uint64_t)page - KERNEL_IMAGE_BASE;
        uint64_t *table = make_table(&directory[offset / LARGE_PAGE_SIZE]);
        table[offset / PAGE_SIZE % ENTRIES] = (KERNEL_LOAD_ADDRESS + offset) | PTE_PRESENT | image_flags(page);
    }
}

bool space_map_shared(uint64_t address, uint64_t frame, uint64_t flags)
{
    uint64_t *entry = (uint64_t *)physical_to_virtual(shared_directory) + (address - SHARED_BASE) / LARGE_PAGE_SIZE;
    if (!(*entry & PTE_PRESENT)) {
        uint64_t table = frame_allocate();
        if (table == 0)
            return false;
        *entry = table | PTE_PRESENT | PTE_WRITE;
    }
    uint64_t *table = physical_to_virtual(*entry & PTE_ADDRESS);
    table[address / PAGE_SIZE % ENTRIES] = frame | PTE_PRESENT | flags;
    return true;
}

static void map_shared_rows(uint64_t start, uint64_t pages)
{
    const struct supervisor_pages *row = inventory_find(start);
    for (uint64_t i = 0; i < pages; i++)
        if (!space_map_shared(start + i * PAGE_SIZE, must_allocate(), row->flags))
            panic("not enough memory for the shared part");
}

/* The trampoline is patched before it is mapped: `clac` where there is SMAP (three bytes, as is the nop there), and the
 * checks that shall fail. */
static void map_trampoline(void)
{
    extern const char trampoline_clac[];
    static const uint8_t clac[3] = {0x0f, 0x01, 0xca};
    uint64_t size = (uint64_t)(trampoline_blob_end - trampoline_blob);
    assert(size <= TRAMPOLINE_TEXT_PAGES * PAGE_SIZE);
    uint64_t frames = frame_allocate_contiguous(TRAMPOLINE_TEXT_PAGES);
    if (frames == 0)
        panic("not enough memory for the trampoline");
    char *text = physical_to_virtual(frames);
    __builtin_memcpy(text, trampoline_blob, size);
    if (read_cr4() & CR4_SMAP)
        __builtin_memcpy(text + ((uint64_t)trampoline_clac - TRAMPOLINE_TEXT), clac, sizeof(clac));
    fast_path_prepare((uint8_t *)text);
    for (unsigned i = 0; i < TRAMPOLINE_TEXT_PAGES; i++)
        if (!space_map_shared(TRAMPOLINE_TEXT + i * PAGE_SIZE, frames + i * PAGE_SIZE,
                              inventory_find(TRAMPOLINE_TEXT)->flags))
            panic("not enough memory for the trampoline");
}

void space_initialise(void)
{
    kernel_cr3 = must_allocate();
    map_physical_memory();
    map_image();
    shared_directory = must_allocate();
    top_pdpt()[SHARED_PDPT_INDEX] = shared_directory | PTE_PRESENT | PTE_WRITE;
    page_of_zeros = must_allocate();
    page_of_ones = must_allocate();
    __builtin_memset(physical_to_virtual(page_of_ones), 0xff, PAGE_SIZE);
    map_trampoline();
    map_shared_rows(TSS_AREA, TSS_PAGES);
    write_cr3(kernel_cr3);
}
