/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of memory and processes: rounds between markers (tests/bench/markers.h), which the plugin counts. A round of
 * the faults is one pass over the pages of a region, so that whatever is zeroed or made in larger pieces is in it; the
 * pages are touched downwards, so that each is a fault of its own.
 *
 * What the rounds did is checked afterwards: else nothing was measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <salto/startup.h>

#include "../bench/markers.h"
#include "idl/memory_service.h"
#include "idl/process_service.h"

/* As tools/salto/memory_benchmark.py has them. */
#define MARKER_FAULT_ANON 40
#define MARKER_FAULT_COW 41
#define MARKER_MMAP_4K 42
#define MARKER_MMAP_4M 43
#define MARKER_SPAWN 44

#define PAGE 4096UL
#define FAULT_PAGES 64
#define ROUNDS 41
#define LARGE (4UL << 20)

static memory_space_t space;

static void require(int condition, const char *row)
{
    if (condition)
        return;
    printf("memory_bench: %s did not do what is measured\n", row);
    exit(1);
}

static struct memory_statistics statistics(void)
{
    struct memory_statistics now = {0};
    require(memory_space_statistics(space, &now) == 0, "statistics");
    return now;
}

static char *map(size_t bytes)
{
    char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(block != MAP_FAILED, "mmap");
    return block;
}

static void touch_downwards(volatile char *block)
{
    for (size_t page = FAULT_PAGES; page-- > 0;)
        block[page * PAGE] = 1;
}

static void fault_anon(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        volatile char *block = map(FAULT_PAGES * PAGE);
        uint64_t faults = statistics().faults;
        block[FAULT_PAGES * PAGE - 1] = 1; /* the books of the region, and page tables */
        require(munmap((char *)block + (FAULT_PAGES - 1) * PAGE, PAGE) == 0, "fault.anon");
        require(mmap((char *)block + (FAULT_PAGES - 1) * PAGE, PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED,
                "fault.anon");
        MARKER_BEGIN(MARKER_FAULT_ANON);
        touch_downwards(block);
        MARKER_END(MARKER_FAULT_ANON);
        require(statistics().faults == faults + 1 + FAULT_PAGES, "fault.anon");
        require(munmap((char *)block, FAULT_PAGES * PAGE) == 0, "fault.anon");
    }
}

/* A copy of an object whose pages are all there. */
static void fault_cow(void)
{
    memory_object_t object = {0};
    uint64_t original = 0, copy = 0;
    require(memory_space_create(space, FAULT_PAGES, &object) == 0, "fault.cow");
    require(memory_space_attach(space, object, 0, 0, FAULT_PAGES, 3, 0, &original) == 0, "fault.cow");
    touch_downwards((volatile char *)original);
    for (int round = 0; round < ROUNDS; round++) {
        require(memory_space_attach(space, object, 0, 0, FAULT_PAGES, 3, MEMORY_ATTACHMENT_PRIVATE, &copy) == 0,
                "fault.cow");
        uint64_t copies = statistics().copies;
        MARKER_BEGIN(MARKER_FAULT_COW);
        touch_downwards((volatile char *)copy);
        MARKER_END(MARKER_FAULT_COW);
        require(statistics().copies == copies + FAULT_PAGES, "fault.cow");
        require(memory_space_detach(space, copy, FAULT_PAGES) == 0, "fault.cow");
    }
}

static void mmap_touch_munmap(size_t bytes)
{
    volatile char *block = map(bytes);
    for (size_t at = 0; at < bytes; at += PAGE)
        block[at] = 1;
    require(munmap((char *)block, bytes) == 0, "munmap");
}

static void mmap_rows(void)
{
    uint64_t faults = statistics().faults;
    for (int round = 0; round < ROUNDS; round++) {
        MARKER_BEGIN(MARKER_MMAP_4K);
        mmap_touch_munmap(PAGE);
        MARKER_END(MARKER_MMAP_4K);
    }
    require(statistics().faults == faults + ROUNDS, "mmap.4k");
    for (int round = 0; round < ROUNDS; round++) {
        MARKER_BEGIN(MARKER_MMAP_4M);
        mmap_touch_munmap(LARGE);
        MARKER_END(MARKER_MMAP_4M);
    }
}

static int spawn_once(uint32_t *status)
{
    static const uint8_t file[32] = "tiny";
    process_child_t child = {0};
    int error = process_starter_create((process_starter_t){salto_require("process")}, file, 200, 512 * 1024, &child);
    if (error == 0)
        error = process_child_start(child);
    if (error == 0)
        error = process_child_wait(child, status);
    return error ? error : process_child_release(child);
}

static void spawn(void)
{
    uint32_t status = 1;
    require(spawn_once(&status) == 0 && status == 0, "spawn"); /* the file is read once */
    for (int round = 0; round < ROUNDS; round++) {
        status = 1;
        MARKER_BEGIN(MARKER_SPAWN);
        int error = spawn_once(&status);
        MARKER_END(MARKER_SPAWN);
        require(error == 0 && status == 0, "spawn");
    }
}

int main(void)
{
    space = (memory_space_t){salto_require("memory")};
    fault_anon();
    fault_cow();
    mmap_rows();
    spawn();
    return 0;
}
