/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX threads of plain Linux programs: each part of pthreads.c is a process, and all of it comes back when that
 * ends. */
#include <string.h>

#include <salto/startup.h>
#include <salto/tap.h>

#include "../common/guest.h"
#include "idl/process_service.h"

#define MEMORY 1200 /* pages */
#define KERNEL_BYTES (1024 * 1024)
#define STATUS_TERMINATED (128 + 15)

static process_starter_t starter;

static uint32_t run(const char *part, uint64_t kernel)
{
    uint8_t file[32] = "pthreads", text[256] = {0};
    uint32_t status = 0xffffffff;
    process_child_t process = {0};
    memcpy(text, part, strlen(part));
    if (!EXPECT_EQUAL(process_starter_create(starter, file, MEMORY, kernel, &process), 0))
        return status;
    EXPECT_EQUAL(process_child_argument(process, text), 0);
    EXPECT_EQUAL(process_child_start(process), 0);
    EXPECT_EQUAL(process_child_wait(process, &status), 0);
    EXPECT_EQUAL(process_child_release(process), 0);
    guest_delete(process.handle);
    return status;
}

static void locals(void)
{
    EXPECT_EQUAL(run("locals", KERNEL_BYTES), 0);
}

static void locks(void)
{
    EXPECT_EQUAL(run("mutexes", KERNEL_BYTES), 0);
    EXPECT_EQUAL(run("conditions", KERNEL_BYTES), 0);
    EXPECT_EQUAL(run("barriers", KERNEL_BYTES), 0);
    EXPECT_EQUAL(run("others", KERNEL_BYTES), 0);
}

static void timeouts(void)
{
    EXPECT_EQUAL(run("timeouts", KERNEL_BYTES), 0);
}

static void detached(void)
{
    EXPECT_EQUAL(run("detached", KERNEL_BYTES), 0);
}

static void many(void)
{
    EXPECT_EQUAL(run("many", KERNEL_BYTES), 0);
}

static void together(void)
{
    EXPECT_EQUAL(run("together", KERNEL_BYTES), 0);
}

static void ends(void)
{
    EXPECT_EQUAL(run("first", KERNEL_BYTES), 41);
    EXPECT_EQUAL(run("all", KERNEL_BYTES), 42);
    EXPECT_EQUAL(run("signals", KERNEL_BYTES), STATUS_TERMINATED);
}

static void refusals(void)
{
    EXPECT_EQUAL(run("refusals", KERNEL_BYTES), 0);
}

static const struct guest_test tests[] = {
    {"threads have variables, registers and numbers of their own", locals},
    {"mutexes, conditions, barriers, semaphores, read-write locks, once", locks},
    {"waits with a deadline, and what a futex refuses", timeouts},
    {"threads that nobody waits for", detached},
    {"as many threads as the quota has room for, twice", many},
    {"one part after the other in one process", together},
    {"the first thread ends, the process ends, a signal comes", ends},
    {"what clone refuses", refusals},
};

int main(void)
{
    starter = (process_starter_t){salto_require("process")};
    return guest_run(tests, COUNT(tests));
}
