/* SPDX-License-Identifier: BSD-2-Clause */
/* The process server: programs are started, get what they were given, and all of it comes back when they end. */
#include <string.h>

#include <salto/startup.h>
#include <salto/tap.h>
#include <salto/wait.h>

#include "../common/guest.h"
#include "abi/startup.h"
#include "idl/debug.h"
#include "idl/process_service.h"

#define MEMORY 400 /* pages */
#define KERNEL_BYTES (512 * 1024)
#define SEVERAL 4
#define OWN_GRANTS 6          /* names in the start-up table that nobody granted */
#define MOST_ALLOCATIONS 1000 /* of one process's life */
#define STATUS_KILLED 137
#define STATUS_FAULT 139

static process_starter_t starter;

static int create(const char *file, uint64_t memory, uint64_t kernel, process_child_t *process)
{
    uint8_t name[32] = {0};
    memcpy(name, file, strlen(file));
    *process = (process_child_t){0};
    return process_starter_create(starter, name, memory, kernel, process);
}

static int add(process_child_t process, const char *argument)
{
    uint8_t text[256] = {0};
    memcpy(text, argument, strlen(argument));
    return process_child_argument(process, text);
}

static int set(process_child_t process, const char *environment)
{
    uint8_t text[256] = {0};
    memcpy(text, environment, strlen(environment));
    return process_child_environment(process, text);
}

static int grant(process_child_t process, const char *name, uint32_t handle)
{
    uint8_t text[24] = {0};
    memcpy(text, name, strlen(name));
    return process_child_grant(process, text, (kernel_endpoint_t){handle});
}

/* A process of `file` with two arguments, which runs. */
static process_child_t started(const char *file, const char *first, const char *second)
{
    process_child_t process;
    EXPECT_EQUAL(create(file, 4 * MEMORY, 4 * KERNEL_BYTES, &process), 0);
    EXPECT_EQUAL(add(process, first), 0);
    EXPECT_EQUAL(add(process, second), 0);
    EXPECT_EQUAL(grant(process, "console", salto_require("console")), 0);
    EXPECT_EQUAL(process_child_start(process), 0);
    return process;
}

static void forget(process_child_t process)
{
    EXPECT_EQUAL(process_child_release(process), 0);
    guest_delete(process.handle);
}

static uint32_t wait_for(process_child_t process)
{
    uint32_t status = 0xffffffff;
    EXPECT_EQUAL(process_child_wait(process, &status), 0);
    return status;
}

static uint32_t run(const char *file, const char *first, const char *second)
{
    process_child_t process = started(file, first, second);
    uint32_t status = wait_for(process);
    forget(process);
    return status;
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

/* Also sees to it that the servers have what they keep for ever, whichever programs run at the same time later: the
 * images of both files, and chunks of frames that are not used. */
static void several_at_once(void)
{
    process_child_t all[SEVERAL];
    for (int i = 0; i < SEVERAL; i++)
        all[i] = started(i % 2 ? "starter" : "child", i % 2 ? "tree" : "spin", "");
    for (int i = 0; i < SEVERAL; i++)
        forget(all[i]);
    EXPECT_EQUAL(run("mapper", "exhausts", ""), STATUS_FAULT);
}

static void statuses(void)
{
    EXPECT_EQUAL(run("child", "status", "0"), 0);
    EXPECT_EQUAL(run("child", "status", "42"), 42);
    EXPECT_EQUAL(run("child", "status", "300"), 300 - 256);
}

static void arguments_arrive(void)
{
    process_child_t process;
    EXPECT_EQUAL(create("child", MEMORY, KERNEL_BYTES, &process), 0);
    EXPECT_EQUAL(add(process, "arguments"), 0);
    EXPECT_EQUAL(add(process, "two words"), 0);
    EXPECT_EQUAL(add(process, ""), 0);
    EXPECT_EQUAL(set(process, "COLOR=dark red"), 0);
    EXPECT_EQUAL(set(process, "EMPTY="), 0);
    EXPECT_EQUAL(process_child_start(process), 0);
    EXPECT_EQUAL(wait_for(process), 0);
    EXPECT_EQUAL(wait_for(process), 0);
    forget(process);
}

/* Processes of a file have text in common, and data of their own. */
static void data_are_own(void)
{
    process_child_t first = started("child", "data", ""), second = started("child", "data", "");
    EXPECT_EQUAL(wait_for(first), 0);
    EXPECT_EQUAL(wait_for(second), 0);
    EXPECT_EQUAL(run("child", "data", ""), 0);
    forget(first);
    forget(second);
}

static void libraries_work(void)
{
    EXPECT_EQUAL(run("child", "heap", ""), 0);
    EXPECT_EQUAL(run("child", "write", ""), 0);
}

/* Each is a function of mapper.c. */
static void linux_memory(void)
{
    static const char *const names[] = {"maps", "protections", "remaps", "discards", "breaks"};
    for (unsigned i = 0; i < COUNT(names); i++)
        if (!EXPECT_EQUAL(run("mapper", names[i], ""), 0))
            tap_note("mapper %s", names[i]);
}

static void huge_memory(void)
{
    EXPECT_EQUAL(run("mapper", "huge", ""), 0);
    EXPECT_EQUAL(run("mapper", "exhausts", ""), STATUS_FAULT);
}

static void faults_end(void)
{
    EXPECT_EQUAL(run("child", "fault", ""), STATUS_FAULT);
    EXPECT_EQUAL(run("child", "text", ""), STATUS_FAULT);
    EXPECT_EQUAL(run("child", "stack", ""), STATUS_FAULT);
}

static void killed(void)
{
    struct process_info info;
    process_child_t process = started("child", "spin", "");
    EXPECT_EQUAL(process_child_info(process, &info), 0);
    EXPECT_EQUAL(info.state, PROCESS_STATE_RUNNING);
    EXPECT(strcmp((const char *)info.name, "child") == 0);
    EXPECT_EQUAL(process_child_kill(process, 99), 0);
    EXPECT_EQUAL(process_child_kill(process, 98), 0);
    EXPECT_EQUAL(wait_for(process), 99);
    forget(process);
    process = started("child", "spin", "");
    forget(process);
}

static unsigned count_processes(void)
{
    struct process_info info = {0};
    unsigned count = 0;
    while (process_starter_next(starter, info.number, &info) == 0)
        count++;
    return count;
}

/* A child of a process, told by its parent's number; 0 if there is none. */
static uint32_t child_of(uint32_t parent)
{
    struct process_info info = {0};
    while (process_starter_next(starter, info.number, &info) == 0)
        if (info.parent == parent && info.state == PROCESS_STATE_RUNNING)
            return info.number;
    return 0;
}

/* Processes start others, which end with them. */
static void trees(void)
{
    struct process_info info;
    EXPECT_EQUAL(run("starter", "child", ""), 77);
    EXPECT_EQUAL(count_processes(), 0);
    process_child_t process = started("starter", "tree", "");
    EXPECT_EQUAL(process_child_info(process, &info), 0);
    while (child_of(info.number) == 0)
        guest_yield();
    EXPECT_EQUAL(count_processes(), 2);
    EXPECT_EQUAL(process_child_kill(process, STATUS_KILLED), 0);
    EXPECT_EQUAL(count_processes(), 1);
    forget(process);
    EXPECT_EQUAL(count_processes(), 0);
}

/* Who starts others without end comes to the end of his quota. */
static void bombs(void)
{
    EXPECT_EQUAL(run("starter", "bomb", ""), PROCESS_ERROR_QUOTA);
    EXPECT_EQUAL(count_processes(), 0);
}

static void refusals(void)
{
    process_child_t process, other;
    uint8_t endless[256];
    uint32_t status;
    memset(endless, 'a', sizeof(endless));
    EXPECT_EQUAL(create("nobody", MEMORY, KERNEL_BYTES, &process), PROCESS_ERROR_NO_FILE);
    EXPECT_EQUAL(create("set.manifest", MEMORY, KERNEL_BYTES, &process), PROCESS_ERROR_BAD_FILE);
    EXPECT_EQUAL(create("broken", MEMORY, KERNEL_BYTES, &process), PROCESS_ERROR_BAD_FILE);
    EXPECT_EQUAL(create("", MEMORY, KERNEL_BYTES, &process), PROCESS_ERROR_BAD_STRING);
    EXPECT_EQUAL(process_starter_create(starter, endless, MEMORY, KERNEL_BYTES, &process), PROCESS_ERROR_BAD_STRING);
    EXPECT_EQUAL(create("child", 1UL << 40, KERNEL_BYTES, &process), PROCESS_ERROR_QUOTA);
    EXPECT_EQUAL(create("child", MEMORY, 1UL << 40, &process), PROCESS_ERROR_QUOTA);
    EXPECT_EQUAL(create("child", MEMORY, KERNEL_BYTES, &process), 0);
    EXPECT_EQUAL(process_child_argument(process, endless), PROCESS_ERROR_BAD_STRING);
    endless[255] = 0;
    for (int i = 0; i < 8; i++)
        EXPECT_EQUAL(process_child_argument(process, endless), 0);
    EXPECT_EQUAL(process_child_argument(process, endless), PROCESS_ERROR_TOO_MANY);
    EXPECT_EQUAL(grant(process, "", salto_require("console")), PROCESS_ERROR_BAD_STRING);
    EXPECT_EQUAL(grant(process, "own", own_task.handle), -ERROR_NO_SLOT); /* it cannot be copied */
    other = (process_child_t){process.handle};
    EXPECT_EQUAL(process_child_kill(process, 5), 0);
    EXPECT_EQUAL(wait_for(other), 5);
    EXPECT_EQUAL(process_child_start(process), PROCESS_ERROR_STATE);
    EXPECT_EQUAL(add(process, "late"), PROCESS_ERROR_STATE);
    EXPECT_EQUAL(process_child_release(process), 0);
    EXPECT_EQUAL(process_child_release(process), PROCESS_ERROR_GONE);
    EXPECT_EQUAL(process_child_wait(process, &status), PROCESS_ERROR_GONE);
    guest_delete(process.handle);
}

/* Quotas of all sizes: refused cleanly, or the program ends by a fault, or it ends well; never anything else. */
static void quotas_of_all_sizes(void)
{
    bool good = false;
    for (uint64_t memory = 0; memory < 160; memory += memory < 40 ? 3 : 20) {
        for (uint64_t kernel = 0; kernel < KERNEL_BYTES; kernel += 96 * 1024) {
            process_child_t process;
            int error = create("child", memory, kernel, &process);
            EXPECT(error == 0 || error == PROCESS_ERROR_QUOTA);
            if (error)
                continue;
            EXPECT_EQUAL(add(process, "data"), 0);
            error = process_child_start(process);
            EXPECT(error == 0 || error == PROCESS_ERROR_QUOTA);
            uint32_t status = wait_for(process);
            EXPECT(status == 0 || status == STATUS_FAULT || (error && status == STATUS_KILLED));
            good = error == 0 && status == 0;
            forget(process);
        }
    }
    EXPECT(good);
}

/* A process with an argument and a variable, from its creation to its end. Answers what failed, or the status; all of
 * it is gone again. */
static int whole_life(uint64_t memory, uint64_t kernel)
{
    process_child_t process;
    uint32_t status = 0xffffffff;
    int error = create("child", memory, kernel, &process);
    if (error)
        return error;
    error = add(process, "status");
    error = error ? error : add(process, "0");
    error = error ? error : set(process, "COLOR=red");
    error = error ? error : process_child_start(process);
    error = error ? error : process_child_wait(process, &status);
    forget(process);
    return error ? error : (int)status;
}

static bool is_clean(int outcome)
{
    return outcome == 0 || outcome == PROCESS_ERROR_QUOTA || outcome == STATUS_FAULT;
}

/* Each step of a life comes to the end of the quota once: at the memory server, and in the kernel. */
static void quota_ends_at_each_step(void)
{
    int outcome = -1;
    uint64_t memory = 0, kernel = 0;
    for (; memory < MEMORY && outcome != 0; memory++)
        EXPECT(is_clean(outcome = whole_life(memory, KERNEL_BYTES)));
    tap_note("%lu pages suffice", memory - 1);
    EXPECT(outcome == 0 && memory > 2);
    for (outcome = -1; kernel < KERNEL_BYTES && outcome != 0; kernel += 2048)
        EXPECT(is_clean(outcome = whole_life(memory, kernel)));
    tap_note("%lu bytes in the kernel suffice", kernel - 2048);
    EXPECT(outcome == 0 && kernel > 4096);
}

/* Each allocation of the kernel that a life leads to fails once, whoever it is for: the process, the process server, or
 * the memory server. So does each of those that the server makes when it starts its first process. */
static void each_allocation_fails(void)
{
    const kernel_debug_t debug = {salto_require("debug")};
    uint64_t number = 0, left = 0;
    unsigned failures = 0;
    while (left == 0 && ++number < MOST_ALLOCATIONS) {
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, number, &left), 0);
        int outcome = whole_life(4 * MEMORY, 4 * KERNEL_BYTES);
        EXPECT_EQUAL(kernel_debug_fail_allocation(debug, 0, &left), 0);
        if (!EXPECT(is_clean(outcome) || outcome == PROCESS_ERROR_TOO_MANY || outcome < 0))
            tap_note("allocation %lu: %d", number, outcome);
        failures += outcome != 0;
    }
    tap_note("%lu allocations, of which %u made the life fail", number - 1, failures);
    EXPECT(left > 0 && failures > 0);
    EXPECT_EQUAL(whole_life(MEMORY, KERNEL_BYTES), 0);
    EXPECT_EQUAL(count_processes(), 0);
}

/* As many strings as can be, and capabilities, and one more of each. */
static void too_many_of_everything(void)
{
    process_child_t process;
    unsigned count = 0;
    int error = create("child", MEMORY, KERNEL_BYTES, &process);
    EXPECT_EQUAL(error, 0);
    while (count < 1000 && (error = add(process, "x")) == 0)
        count++;
    EXPECT(count == 32 && error == PROCESS_ERROR_TOO_MANY);
    for (count = 0; count < 1000 && (error = set(process, "X=")) == 0;)
        count++;
    EXPECT(count == 32 && error == PROCESS_ERROR_TOO_MANY);
    for (count = 0; count < 1000 && (error = grant(process, "name", salto_require("console"))) == 0;)
        count++;
    EXPECT(count == STARTUP_MAX_GRANTS - OWN_GRANTS && error == PROCESS_ERROR_TOO_MANY);
    EXPECT_EQUAL(process_child_start(process), 0);
    forget(process);
}

/* As many as can be, and one more. */
static void many(void)
{
    process_child_t all[64], one;
    unsigned count = 0;
    int error = 0;
    while (count < 64 && (error = create("child", 12, 112 * 1024, &all[count])) == 0)
        count++;
    EXPECT_EQUAL(count, 64);
    EXPECT_EQUAL(create("child", 12, 112 * 1024, &one), PROCESS_ERROR_TOO_MANY);
    EXPECT_EQUAL(count_processes(), count);
    while (count > 0)
        forget(all[--count]);
}

static const struct guest_test tests[] = {
    {"each allocation fails once", each_allocation_fails}, /* first: those of the server's first process, too */
    {"several run at once", several_at_once},
    {"a program runs, and its status is told", statuses},
    {"arguments and environment arrive", arguments_arrive},
    {"processes of a file have data of their own", data_are_own},
    {"the C library works", libraries_work},
    {"mmap, munmap, mprotect, mremap, madvise and brk, by the memory server", linux_memory},
    {"a gigabyte of which little is touched, and more than there is", huge_memory},
    {"faults end a process: bad addresses, its own text, the end of its stack", faults_end},
    {"processes are killed", killed},
    {"processes start others, which end with them", trees},
    {"who starts processes without end comes to the end of his quota", bombs},
    {"what cannot be is refused", refusals},
    {"quotas of all sizes", quotas_of_all_sizes},
    {"the quota ends at each step of a process's life", quota_ends_at_each_step},
    {"as many strings and capabilities as can be, and one more", too_many_of_everything},
    {"as many processes as can be, and one more", many},
};

int main(void)
{
    starter = (process_starter_t){salto_require("process")};
    return guest_run(tests, COUNT(tests));
}
