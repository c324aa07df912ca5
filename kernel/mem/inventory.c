/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of supervisor pages. See inventory.h. */
#include "mem/inventory.h"

#include "mem/space.h"
#include "trampoline/layout.h"

#define SHARED_DATA (PTE_WRITE | PTE_NO_EXECUTE | PTE_GLOBAL)
#define PRIVATE_DATA (PTE_WRITE | PTE_NO_EXECUTE)

static const struct supervisor_pages inventory[] = {
    {"trampoline text", TRAMPOLINE_TEXT, TRAMPOLINE_TEXT + TRAMPOLINE_TEXT_PAGES *PAGE_SIZE, PTE_GLOBAL, false},
    {"per-CPU areas", CPU_AREA, CPU_AREA + MAX_CPUS *CPU_AREA_SIZE, SHARED_DATA, false},
    {"hot state of endpoints", HOT_ENDPOINTS, HOT_ENDPOINTS + MAX_ENDPOINTS *HOT_ENDPOINT_SIZE, SHARED_DATA, false},
    {"hot state of threads", HOT_THREADS, HOT_THREADS + MAX_THREADS *HOT_THREAD_SIZE, SHARED_DATA, false},
    {"TSSs", TSS_AREA, TSS_AREA + TSS_PAGES *PAGE_SIZE, SHARED_DATA, false},
    {"I/O bitmap", IO_BITMAP, IO_BITMAP + IO_BITMAP_PAGES *PAGE_SIZE, PRIVATE_DATA, true},
    {"register save area", SAVE_AREA, SAVE_AREA + SAVE_AREA_PAGES *PAGE_SIZE, PRIVATE_DATA, true},
    {"capability slots", CAPABILITY_SLOTS, CAPABILITY_SLOTS + CAPABILITY_SLOT_PAGES *PAGE_SIZE, PRIVATE_DATA, true},
};

_Static_assert(MAX_CPUS *TSS_STRIDE <= TSS_PAGES * PAGE_SIZE, "each CPU has room for its TSS");
_Static_assert(PRIVATE_BASE - TSS_AREA + IO_BITMAP_PAGES * PAGE_SIZE <= 0x10000,
               "the I/O bitmap lies within the 16 bits of every TSS's I/O map base and limit");
_Static_assert(MAX_THREADS_PER_TASK *SAVE_SLOT_SIZE == SAVE_AREA_PAGES * PAGE_SIZE, "a save slot for each thread");
_Static_assert(MAX_CAPABILITIES *CAPABILITY_SLOT_SIZE == CAPABILITY_SLOT_PAGES * PAGE_SIZE, "a slot for each handle");

const struct supervisor_pages *inventory_find(uint64_t address)
{
    for (unsigned i = 0; i < sizeof(inventory) / sizeof(inventory[0]); i++)
        if (address >= inventory[i].start && address < inventory[i].end)
            return &inventory[i];
    return 0;
}
