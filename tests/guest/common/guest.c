/* SPDX-License-Identifier: BSD-2-Clause */
/* See guest.h. */
#include "guest.h"

#include <inttypes.h>
#include <string.h>

#include <salto/startup.h>
#include <salto/tap.h>

#define ROUNDS 4      /* of a test, behind the first, until frames are as before */
#define NOTES_MOST 10 /* of one test: a loop that fails should not fill the log */

kernel_factory_t own_factory;
kernel_task_t own_task;
kernel_thread_t own_thread;
kernel_debug_t debug;

static unsigned failures;

bool guest_expect(bool good, const char *file, int line, const char *text)
{
    const char *slash = strrchr(file, '/');
    if (!good && ++failures <= NOTES_MOST)
        tap_note("%s:%d: %s", slash ? slash + 1 : file, line, text);
    return good;
}

unsigned guest_failures(void)
{
    return failures;
}

bool guest_expect_equal(uint64_t value, uint64_t expected, const char *file, int line, const char *text)
{
    if (!guest_expect(value == expected, file, line, text) && failures <= NOTES_MOST)
        tap_note("  value %" PRId64 " (%#" PRIx64 "), expected %" PRId64, (int64_t)value, value, (int64_t)expected);
    return value == expected;
}

struct totals totals_now(void)
{
    struct totals now = {0};
    uint64_t limit;
    if (kernel_debug_free_frames(debug, &now.frames) != 0 ||
        kernel_debug_objects(debug, &now.threads, &now.tasks, &now.endpoints, &now.capabilities) != 0 ||
        kernel_factory_quota(own_factory, &limit, &now.used) != 0)
        guest_expect(false, __FILE__, __LINE__, "the totals can be read");
    return now;
}

static bool same(const char *what, uint64_t before, uint64_t after)
{
    if (before != after)
        tap_note("%s: %" PRIu64 " before, %" PRIu64 " after", what, before, after);
    return before == after;
}

bool totals_equal(const struct totals *before, const struct totals *after)
{
    bool equal = same("free frames", before->frames, after->frames);
    equal &= same("quota used", before->used, after->used);
    equal &= same("threads", before->threads, after->threads);
    equal &= same("tasks", before->tasks, after->tasks);
    equal &= same("endpoints", before->endpoints, after->endpoints);
    return same("capabilities", before->capabilities, after->capabilities) && equal;
}

/* Runs the test once more, or oftener where frames are gone after that: servers keep the page tables that they once
 * needed, which may be others the next time. What leaks is gone each time. */
static void run_again(const struct guest_test *test, struct totals *before, struct totals *after)
{
    *after = totals_now();
    for (int i = 0; i < ROUNDS && (i == 0 || before->frames != after->frames); i++) {
        *before = *after;
        test->run();
        *after = totals_now();
    }
}

static void run_one(const struct guest_test *test)
{
    struct totals before, after;
    failures = 0;
    test->run();
    run_again(test, &before, &after);
    bool equal = totals_equal(&before, &after);
    tap_ok(failures == 0 && equal, "%s", test->name);
}

int guest_run(const struct guest_test *tests, unsigned count)
{
    own_factory = (kernel_factory_t){salto_require("factory")};
    own_task = (kernel_task_t){salto_require("task")};
    own_thread = (kernel_thread_t){salto_require("thread")};
    debug = (kernel_debug_t){salto_require("debug")};
    tap_plan(count);
    for (unsigned i = 0; i < count; i++)
        run_one(&tests[i]);
    return tap_status();
}

void guest_yield(void)
{
    EXPECT(kernel_thread_yield(own_thread) == 0);
}

void guest_delete(uint32_t handle)
{
    EXPECT_EQUAL(kernel_task_delete(own_task, handle), 0);
}

uint32_t guest_type(uint32_t handle)
{
    uint32_t type = 0;
    kernel_rights_t rights;
    EXPECT(kernel_task_inspect(own_task, handle, &type, &rights) == 0);
    return type;
}

uint32_t guest_rights(uint32_t handle)
{
    uint32_t type;
    kernel_rights_t rights = 0;
    EXPECT(kernel_task_inspect(own_task, handle, &type, &rights) == 0);
    return rights;
}

uint32_t guest_copy(uint32_t handle, uint32_t rights)
{
    uint32_t copy = 0;
    return kernel_task_copy(own_task, handle, own_task, rights, &copy) == 0 ? copy : 0;
}

uint32_t guest_endpoint(void)
{
    kernel_endpoint_t endpoint;
    return EXPECT(kernel_factory_create_endpoint(own_factory, &endpoint) == 0) ? endpoint.handle : 0;
}

uint32_t guest_memory(uint32_t pages)
{
    kernel_memory_t memory;
    return EXPECT(kernel_factory_create_memory(own_factory, pages, &memory) == 0) ? memory.handle : 0;
}

kernel_task_t guest_new_task(void)
{
    kernel_task_t task = {0};
    EXPECT(kernel_factory_create_task(own_factory, &task) == 0);
    return task;
}
