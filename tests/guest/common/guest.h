/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of kernel objects share: the test loop, expectations, and a count of all that exists.
 *
 * Every test runs twice, and the second time must leave as many frames, objects, capabilities and as much quota as it
 * found: what the kernel keeps for ever (pages of hot state, of the own capability table) is there after the first.
 */
#ifndef SALTO_GUEST_H
#define SALTO_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "idl/debug.h"
#include "idl/factory.h"
#include "idl/memory.h"
#include "idl/task.h"
#include "idl/thread.h"

#define MEBIBYTE (1024UL * 1024)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What every program is granted, and `debug`, which the manifest must name. */
extern kernel_factory_t own_factory;
extern kernel_task_t own_task;
extern kernel_thread_t own_thread;
extern kernel_debug_t debug;

/* A test: returns nothing; EXPECT says what went wrong. */
struct guest_test {
    const char *name;
    void (*run)(void);
};

/* Runs `count` tests twice each and reports them in TAP; answers main()'s status. */
int guest_run(const struct guest_test *tests, unsigned count);

/* Notes where a test failed; for EXPECT. Answers `good`. */
bool guest_expect(bool good, const char *file, int line, const char *text);
bool guest_expect_equal(uint64_t value, uint64_t expected, const char *file, int line, const char *text);

/* How often an expectation of the running test was not met. */
unsigned guest_failures(void);

#define EXPECT(condition) guest_expect((condition), __FILE__, __LINE__, #condition)
#define EXPECT_EQUAL(value, expected) \
    guest_expect_equal((uint64_t)(value), (uint64_t)(expected), __FILE__, __LINE__, #value " == " #expected)
#define EXPECT_ERROR(result, name) EXPECT_EQUAL((int64_t)(result), -(int64_t)ERROR_##name)

/* Everything that a test must leave as it was. */
struct totals {
    uint64_t frames, used;
    uint32_t threads, tasks, endpoints, capabilities;
};

struct totals totals_now(void);

/* Are both the same? Notes what is not. */
bool totals_equal(const struct totals *before, const struct totals *after);

/* Lets other threads run, at least once each. */
void guest_yield(void);

/* Deletes a capability of the own table; EXPECTs that it is there. */
void guest_delete(uint32_t handle);

/* What stands behind a handle of the own table: type, 0 for none, and rights. */
uint32_t guest_type(uint32_t handle);
uint32_t guest_rights(uint32_t handle);

/* A copy of `handle` with `rights` in the own table; 0 if there is none. */
uint32_t guest_copy(uint32_t handle, uint32_t rights);

/* New objects in the own table; 0 if that fails. */
uint32_t guest_endpoint(void);
uint32_t guest_memory(uint32_t pages);
kernel_task_t guest_new_task(void);

#endif
