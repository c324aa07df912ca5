/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain Linux programs that fork: each part of family.c is a process, and all of it comes back when that ends. */
#include <string.h>

#include <salto/startup.h>
#include <salto/tap.h>

#include "../common/guest.h"
#include "idl/process_service.h"

#define MEMORY 3000       /* pages */
#define LITTLE_MEMORY 900 /* family.c knows this */
#define MOST_ALLOCATIONS 2000
#define KERNEL_BYTES (6 << 20)

static process_starter_t starter;

static uint32_t run_with(uint64_t memory, const char *part)
{
    uint8_t file[32] = "family", console[24] = "console", text[256] = {0};
    uint32_t status = 0xffffffff;
    process_child_t process = {0};
    memcpy(text, part, strlen(part));
    if (!EXPECT_EQUAL(process_starter_create(starter, file, memory, KERNEL_BYTES, &process), 0))
        return status;
    EXPECT_EQUAL(process_child_argument(process, text), 0);
    EXPECT_EQUAL(process_child_grant(process, console, (kernel_endpoint_t){salto_require("console")}), 0);
    EXPECT_EQUAL(process_child_start(process), 0);
    EXPECT_EQUAL(process_child_wait(process, &status), 0);
    EXPECT_EQUAL(process_child_release(process), 0);
    guest_delete(process.handle);
    return status;
}

static uint32_t run(const char *part)
{
    return run_with(MEMORY, part);
}

static void copies(void)
{
    EXPECT_EQUAL(run("numbers"), 0);
    EXPECT_EQUAL(run("copies"), 0);
    EXPECT_EQUAL(run("shares"), 0);
    EXPECT_EQUAL(run("shares_more"), 0);
    EXPECT_EQUAL(run("registers"), 0);
    EXPECT_EQUAL(run("output"), 0);
}

static void ends(void)
{
    EXPECT_EQUAL(run("statuses"), 0);
    EXPECT_EQUAL(run("kills"), 0);
}

static void waits(void)
{
    EXPECT_EQUAL(run("waits"), 0);
    EXPECT_EQUAL(run("sequence"), 0);
}

static void families(void)
{
    EXPECT_EQUAL(run("depth"), 0);
    EXPECT_EQUAL(run("orphans"), 0);
    EXPECT_EQUAL(run("leaves"), 0);
}

static void threads(void)
{
    EXPECT_EQUAL(run("threads"), 0);
}

static void refusals(void)
{
    EXPECT_EQUAL(run("refusals"), 0);
}

static void executes(void)
{
    EXPECT_EQUAL(run("executes"), 42);
    EXPECT_EQUAL(run("refused"), 42);
    EXPECT_EQUAL(run("thread"), 42);
}

static void bomb(void)
{
    EXPECT_EQUAL(run("bomb"), 0);
}

/* With less than the memory server keeps in stock, so that its stock is the same afterwards. */
static void memory_ends(void)
{
    EXPECT_EQUAL(run_with(LITTLE_MEMORY, "memory"), 0);
}

/* Whatever fails for want of memory in the kernel, once, all comes back. What the process does then is its own
 * affair. */
static void run_without(uint64_t allocation)
{
    uint8_t file[32] = "family", text[256] = "numbers";
    uint32_t status;
    process_child_t process = {0};
    EXPECT_EQUAL(kernel_debug_fail_allocation(debug, allocation, &(uint64_t){0}), 0);
    if (process_starter_create(starter, file, MEMORY, KERNEL_BYTES, &process) == 0 &&
        process_child_argument(process, text) == 0 && process_child_start(process) == 0)
        EXPECT_EQUAL(process_child_wait(process, &status), 0);
    if (process.handle != 0) {
        EXPECT_EQUAL(process_child_release(process), 0);
        guest_delete(process.handle);
    }
}

static void allocations_fail(void)
{
    uint64_t left = 0;
    for (uint64_t allocation = 1; left == 0 && allocation < MOST_ALLOCATIONS; allocation++) {
        run_without(allocation);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
    }
    EXPECT(left > 0);
    EXPECT_EQUAL(run("numbers"), 0);
}

static const struct guest_test tests[] = {
    {"more memory than there is", memory_ends},
    {"a child has numbers, memory, registers and capabilities of its own", copies},
    {"how children end, by themselves and by others", ends},
    {"waiting for children", waits},
    {"children of children; who is left behind", families},
    {"fork and wait in threads", threads},
    {"what clone refuses, and vfork", refusals},
    {"other files are run: by children, by threads; and what cannot be run", executes},
    {"who forks without end comes to the end of his quotas", bomb},
    {"every allocation of the kernel's fails once", allocations_fail},
};

int main(void)
{
    starter = (process_starter_t){salto_require("process")};
    return guest_run(tests, COUNT(tests));
}
