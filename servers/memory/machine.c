/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory server's machine: kernel objects. See machine.h. */
#include "machine.h"

#include <assert.h>
#include <salto/page_item.h>
#include <salto/startup.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/errors.h"
#include "frames.h"
#include "idl/factory.h"
#include "idl/memory.h"
#include "idl/physical.h"
#include "idl/task.h"
#include "service.h"

#define WINDOW 0x200000000000UL            /* between the server's image and its heap */
#define EXECUTABLE_WINDOW 0x280000000000UL /* the same chunks once more, those that clients execute */
#define CHUNKS_MAX (2 * 262144 + 64)       /* 64 GiB, the most that a manifest can give, and as much in blocks */
#define UNMAPPED_AT_ONCE (1U << 31)        /* pages, which the kernel counts in 32 bits */

/* Chunks that are in that window too: a bit each. */
static uint64_t executable[CHUNKS_MAX / 64];

static bool is_executable(uint32_t number)
{
    return number < CHUNKS_MAX && (executable[number / 64] >> number % 64 & 1);
}

static void set_executable(uint32_t number, bool is)
{
    if (number < CHUNKS_MAX)
        executable[number / 64] = (executable[number / 64] & ~(1UL << number % 64)) | (uint64_t)is << number % 64;
}

uint8_t *const machine_window_start = (uint8_t *)WINDOW;

/* Maps a new object of the kernel where chunk `number` lies. Answers its handle; 0 where that fails, and it is gone. */
static uint32_t map_chunk(kernel_memory_t memory, uint32_t number, uint32_t pages)
{
    uint64_t address = WINDOW + number * CHUNK_SIZE;
    if (kernel_memory_map(memory, (kernel_task_t){service.task}, address, 0, pages, RIGHT_WRITE) == 0)
        return memory.handle;
    machine_release(memory.handle);
    return 0;
}

uint32_t machine_make_chunk(uint32_t number)
{
    kernel_memory_t memory = {0};
    if (kernel_factory_create_memory((kernel_factory_t){service.factory}, CHUNK_PAGES, &memory) != 0)
        return 0;
    return map_chunk(memory, number, CHUNK_PAGES);
}

/* The kernel unmaps the chunk everywhere when its object dies. */
void machine_free_chunk(uint32_t number, uint32_t handle)
{
    set_executable(number, false);
    machine_release(handle);
}

uint32_t machine_make_block(uint32_t number)
{
    kernel_memory_t memory = {0};
    if (kernel_factory_create_large_memory((kernel_factory_t){service.factory}, BLOCK_PAGES, &memory) != 0)
        return 0;
    return map_chunk(memory, number, BLOCK_PAGES);
}

void machine_free_block(uint32_t number, uint32_t handle)
{
    for (uint32_t i = 0; i < BLOCK_CHUNKS; i++)
        set_executable(number + i, false);
    machine_release(handle);
}

/* Has the server the chunk, which begins with page `page` of the kernel's object, to execute, too? If not yet, it is
 * mapped so. */
static bool make_executable(uint32_t chunk, uint32_t page, uint32_t number)
{
    const kernel_task_t task = {service.task};
    uint64_t address = EXECUTABLE_WINDOW + number * CHUNK_SIZE;
    if (is_executable(number))
        return true;
    if (number >= CHUNKS_MAX ||
        kernel_memory_map((kernel_memory_t){chunk}, task, address, page, CHUNK_PAGES, RIGHT_EXECUTE) != 0)
        return false;
    set_executable(number, true);
    return true;
}

/* All that clients have is derived from what the server has itself, so that it can be recalled. Where the server has
 * the frame, which is page `page` of the kernel's object `chunk`, with these rights; 0: nowhere. */
static uint64_t own_address(uint32_t chunk, uint32_t page, uint32_t frame, uint32_t rights)
{
    uint64_t window = rights & RIGHT_EXECUTE ? EXECUTABLE_WINDOW : WINDOW;
    uint32_t first = page - page % CHUNK_PAGES;
    if ((rights & RIGHT_EXECUTE) && !make_executable(chunk, first, frame / CHUNK_PAGES))
        return 0;
    return window + (uint64_t)frame * PAGE_SIZE;
}

_Static_assert(MACHINE_RUNS == KERNEL_LIST_LENGTH && CHUNK_PAGES <= KERNEL_RUN_PAGES, "a list is one of the kernel's");

uint32_t machine_map_list(uint32_t task, const struct machine_run *runs, uint32_t count)
{
    struct kernel_run list[MACHINE_RUNS] = {0};
    uint32_t done = 0, listed = 0, mapped = 0;
    for (; listed < count; listed++) {
        const struct machine_run *run = &runs[listed];
        uint64_t source =
            own_address(frames_chunk(run->frame), frames_object_page(run->frame), run->frame, run->rights);
        if (source == 0)
            break;
        list[listed] = (struct kernel_run){source, run->address, run->pages, run->rights};
    }
    while (done < listed && kernel_task_map_list((kernel_task_t){service.task}, (kernel_task_t){task}, listed - done,
                                                 list, &mapped) == 0) {
        done += mapped;
        memmove(list, list + mapped, (listed - done) * sizeof(*list));
    }
    return done;
}

int machine_map(uint32_t chunk, uint32_t page, uint32_t frame, uint32_t task, uint64_t address, uint32_t pages,
                uint32_t rights)
{
    uint64_t source = own_address(chunk, page, frame, rights);
    if (source == 0)
        return -ERROR_NO_MEMORY;
    return kernel_task_map_on((kernel_task_t){service.task}, source, (kernel_task_t){task}, address, pages, rights);
}

uint32_t machine_make_contiguous(uint64_t pages, uint64_t alignment, uint64_t below, uint64_t *address)
{
    kernel_memory_t memory = {0};
    int result = kernel_physical_contiguous((kernel_physical_t){service.physical}, (kernel_factory_t){service.factory},
                                            (uint32_t)pages, alignment, below, &memory, address);
    return result == 0 ? memory.handle : 0;
}

bool machine_may_locate(void)
{
    return service.physical != 0;
}

bool machine_is_memory(uint32_t handle, uint64_t *pages, uint32_t *rights)
{
    uint32_t type = 0, count = 0;
    int result = kernel_task_inspect((kernel_task_t){service.task}, handle, &type, rights);
    if (result != 0 || type != KERNEL_MEMORY_ID || !(*rights & RIGHT_READ))
        return false;
    result = kernel_memory_size((kernel_memory_t){handle}, &count);
    *pages = count;
    return result == 0;
}

int machine_map_object(uint32_t handle, uint64_t page, uint32_t task, uint64_t address, uint32_t pages, uint32_t rights)
{
    return kernel_memory_map((kernel_memory_t){handle}, (kernel_task_t){task}, address, (uint32_t)page, pages, rights);
}

void machine_recall(uint32_t frame, uint32_t pages, uint32_t take, bool executed)
{
    uint64_t window = executed ? EXECUTABLE_WINDOW : WINDOW;
    kernel_page_use_t used;
    int result = kernel_task_revoke_pages((kernel_task_t){service.task}, window + (uint64_t)frame * PAGE_SIZE, pages,
                                          take, &used);
    assert(result == 0); /* the range is good, and needs no memory */
    (void)result;
}

void machine_answer_page(const void *bytes, uint32_t rights)
{
    ipc_page(0, ITEM_MAP, bytes, PAGE_SHIFT, rights);
}

int machine_unmap(uint32_t task, uint64_t address, uint64_t pages)
{
    int result = 0;
    while (pages > 0 && result == 0) {
        uint32_t some = pages < UNMAPPED_AT_ONCE ? (uint32_t)pages : UNMAPPED_AT_ONCE;
        result = kernel_task_unmap((kernel_task_t){task}, address, some);
        address += (uint64_t)some * PAGE_SIZE;
        pages -= some;
    }
    return result;
}

void machine_release(uint32_t handle)
{
    idl_release(handle);
}

uint32_t machine_mint(uint64_t badge)
{
    const kernel_task_t task = {service.task};
    uint32_t handle = 0;
    int result = kernel_task_mint(task, service.endpoint, task, RIGHT_WRITE | RIGHT_COPY, badge, &handle);
    return result == 0 ? handle : 0;
}

uint64_t machine_identify(uint32_t handle)
{
    uint64_t badge = 0;
    int result =
        kernel_task_identify((kernel_task_t){service.task}, handle, (kernel_endpoint_t){service.endpoint}, &badge);
    return result == 0 ? badge : 0;
}

bool machine_is_task(uint32_t handle)
{
    uint32_t type = 0;
    kernel_rights_t rights = 0;
    int result = kernel_task_inspect((kernel_task_t){service.task}, handle, &type, &rights);
    return result == 0 && type == KERNEL_TASK_ID && (rights & RIGHT_WRITE);
}

void machine_task_name(uint32_t task, uint8_t name[MACHINE_NAME_SIZE])
{
    uint8_t found[MACHINE_NAME_SIZE];
    if (kernel_task_name((kernel_task_t){task}, found) == 0)
        memcpy(name, found, sizeof(found));
}

bool machine_mapping(uint32_t chunk, uint32_t page, uint32_t number, struct machine_mapping *mapping)
{
    return kernel_memory_derived((kernel_memory_t){chunk}, page, number, &mapping->depth, &mapping->address,
                                 &mapping->pages, &mapping->rights, &mapping->cache, mapping->name) == 0;
}
