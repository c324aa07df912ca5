/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See honest.h. Its memory is the memory server's: where it writes by Space.write it reads by itself, and faults. What
 * handlers of specimen.idl answer it reckons itself.
 */
#include "honest.h"

#include <salto/startup.h>
#include <salto/tap.h>
#include <salto/wait.h>
#include <string.h>

#include "../common/waiting.h"
#include "idl/clock.h"
#include "idl/specimen.h"
#include "specimen.h"

#define PLACE 0x300000000000UL
#define PAGES 3
#define OBJECT_PAGES 7
#define SPACE_PAGES 60
#define SLICE 10000 /* nanoseconds */
#define PATIENCE 2000
#define BADGE 0x5a17 /* bits that its notification is signalled with */

/* Values of its area. `done` counts answers. */
enum value {
    SEED,
    STOP,
    STOPPED,
    WRONG,
    WRONG_LINE,
    SPECIMEN,
    SPACE,
    OBJECT,
    CHILD,
    STARTER,
    CLOCK,
    TASK,
    NOTIFICATION,
    LAST
};

static uint32_t handle_of(const struct area *area, enum value value)
{
    return (uint32_t)area->values[value];
}

static void check_at(struct area *area, bool good, uint64_t line)
{
    area->done++;
    if (!good && area->values[WRONG]++ == 0)
        area->values[WRONG_LINE] = line;
}

#define CHECK(good) check_at(area, (good), __LINE__)

/* Random bytes, without end: for what is to be told apart. */
static uint64_t draw(struct area *area)
{
    uint64_t state = area->values[SEED], number = random_next(&state);
    area->values[SEED] = state;
    return number;
}

static specimen_color_t draw_color(struct area *area)
{
    static const specimen_color_t colors[] = {SPECIMEN_COLOR_RED, SPECIMEN_COLOR_GREEN, SPECIMEN_COLOR_BLUE};
    return colors[draw(area) % COUNT(colors)];
}

static struct specimen_point draw_point(struct area *area)
{
    return (struct specimen_point){(int32_t)draw(area), (int16_t)draw(area), draw_color(area), draw(area) % 2};
}

static void check_scalars(struct area *area)
{
    const specimen_t specimen = {handle_of(area, SPECIMEN)};
    uint8_t small = (uint8_t)draw(area);
    int16_t signed_small = (int16_t)draw(area);
    int32_t signed_number = (int32_t)draw(area);
    uint64_t large = draw(area), number = (uint32_t)draw(area), color = draw_color(area),
             wishes = SPECIMEN_WISHES_CHEAP;
    const uint64_t words[] = {small, (uint64_t)signed_small, number, (uint64_t)signed_number, large, 1, color, wishes};
    uint64_t expected = SUM_START, sum = 0;
    for (size_t i = 0; i < COUNT(words); i++)
        expected = sum_word(expected, words[i]);
    CHECK(specimen_scalars(specimen, small, signed_small, (uint32_t)number, signed_number, large, true,
                           (specimen_color_t)color, SPECIMEN_WISHES_CHEAP, &sum) == 0);
    CHECK(sum == expected);
}

static void check_points(struct area *area)
{
    const specimen_t specimen = {handle_of(area, SPECIMEN)};
    const struct specimen_point point = draw_point(area);
    const struct specimen_point corners[3] = {draw_point(area), draw_point(area), draw_point(area)};
    const specimen_color_t colors[5] = {SPECIMEN_COLOR_RED, SPECIMEN_COLOR_BLUE, draw_color(area), SPECIMEN_COLOR_RED,
                                        draw_color(area)};
    const bool truths[3] = {true, false, true};
    uint64_t sum = 0, expected = sum_bytes(sum_bytes(SUM_START, &point, sizeof(point)), corners, sizeof(corners));
    expected = sum_bytes(sum_bytes(expected, colors, sizeof(colors)), truths, sizeof(truths));
    CHECK(specimen_points(specimen, &point, corners, colors, truths, &sum) == 0);
    CHECK(sum == expected);
}

/* Bytes in its area, of which the steps are not used. */
static char *scratch(struct area *area)
{
    return (char *)area->steps;
}

static void check_texts(struct area *area)
{
    const specimen_t specimen = {handle_of(area, SPECIMEN)};
    const struct specimen_point points[4] = {draw_point(area), draw_point(area), draw_point(area), draw_point(area)};
    size_t size = draw(area) % 41, note = draw(area) % 31, count = draw(area) % 5;
    char *text = scratch(area);
    uint64_t sum = 0, expected;
    for (size_t i = 0; i < 41; i++)
        text[i] = (char)(1 + draw(area) % 127);
    expected = sum_bytes(sum_bytes(SUM_START, text, size), text, note);
    expected = sum_bytes(expected, points, count * sizeof(points[0]));
    CHECK(specimen_texts(specimen, (idl_string){text, size}, text, note, points, count, &sum) == 0);
    CHECK(sum == expected);
}

static void check_long_texts(struct area *area)
{
    const specimen_t specimen = {handle_of(area, SPECIMEN)};
    const struct specimen_point points[2] = {draw_point(area), draw_point(area)};
    size_t size = draw(area) % (SPECIMEN_LONGEST_TEXT + 1), data = draw(area) % (SPECIMEN_LONGEST_DATA + 1);
    char *text = scratch(area);
    uint64_t sum = 0, expected;
    memset(text, (int)(1 + draw(area) % 127), SPECIMEN_LONGEST_DATA);
    expected = sum_bytes(sum_bytes(sum_bytes(SUM_START, text, size), text, data), points, sizeof(points));
    CHECK(specimen_long_texts(specimen, (idl_string){text, size}, text, data, points, COUNT(points), &sum) == 0);
    CHECK(sum == expected);
}

static void check_read(struct area *area)
{
    const specimen_t specimen = {handle_of(area, SPECIMEN)};
    uint32_t seed = (uint32_t)draw(area) % 1000;
    size_t name_size = 0, text_size = 0, name_room = draw(area) % 41, text_room = draw(area) % SPECIMEN_LONGEST_TEXT;
    char *name = scratch(area), *text = name + 64;
    uint64_t sum = 0;
    bool good = true;
    CHECK(specimen_read(specimen, seed, name, name_room + 1, &name_size, text, text_room + 1, &text_size, &sum) == 0);
    CHECK(name_size == name_room && text_size == text_room);
    for (size_t i = 0; i < name_room; i++)
        good &= name[i] == letter_of(seed, i);
    for (size_t i = 0; i < text_room; i++)
        good &= text[i] == letter_of(seed + 1, i);
    CHECK(good);
}

static void check_memory(struct area *area)
{
    const memory_space_t space = {handle_of(area, SPACE)};
    volatile uint64_t *place = (volatile uint64_t *)(PLACE + draw(area) % (PAGES * PAGE_SIZE / 8) * 8);
    struct memory_region region;
    uint64_t pages = 0, resident = 1, value = draw(area);
    uint8_t bytes[480] = {0};
    kernel_rights_t rights = 0;
    uint32_t sharers = 1;
    memcpy(bytes, &value, sizeof(value));
    CHECK(memory_space_write(space, (uint64_t)place, sizeof(value), bytes) == 0);
    CHECK(*place == value);
    *place = ~value;
    CHECK(*place == ~value);
    CHECK(memory_space_region(space, PLACE, &region) == 0);
    CHECK(region.start == PLACE && region.pages == PAGES && region.sharers == 1);
    CHECK(memory_space_region(space, PLACE + PAGES * PAGE_SIZE, &region) == MEMORY_ERROR_NO_REGION);
    CHECK(memory_object_describe((memory_object_t){handle_of(area, OBJECT)}, &pages, &resident, &sharers, &rights) ==
          0);
    CHECK(pages == OBJECT_PAGES && resident == 0 && sharers == 0);
}

static void check_processes(struct area *area)
{
    struct process_info info;
    uint32_t number = 0;
    CHECK(process_child_info((process_child_t){handle_of(area, CHILD)}, &info) == 0);
    CHECK(strcmp((const char *)info.name, "child") == 0 && info.state == PROCESS_STATE_NEW && info.parent == 0);
    number = info.number;
    CHECK(process_starter_next((process_starter_t){handle_of(area, STARTER)}, number - 1, &info) == 0);
    CHECK(info.number == number);
}

static void check_kernel(struct area *area)
{
    const kernel_clock_t clock = {handle_of(area, CLOCK)};
    const kernel_notification_t notification = {handle_of(area, NOTIFICATION)};
    uint64_t before = 0, after = 0, bits = 0;
    uint8_t name[32];
    CHECK(kernel_clock_now(clock, &before) == 0);
    CHECK(kernel_task_name((kernel_task_t){handle_of(area, TASK)}, name) == 0);
    CHECK(strcmp((const char *)name, "honest") == 0);
    CHECK(ipc_signal(notification.handle, BADGE) == 0);
    CHECK(kernel_notification_collect(notification, &bits) == 0);
    CHECK(bits == BADGE);
    CHECK(kernel_clock_now(clock, &after) == 0);
    CHECK(after >= before);
}

/* A worker_function. */
static void keep_to_the_rules(struct area *area)
{
    while (!area->values[STOP]) {
        check_scalars(area);
        check_points(area);
        check_texts(area);
        check_long_texts(area);
        check_read(area);
        check_memory(area);
        check_processes(area);
        check_kernel(area);
    }
    area->values[STOPPED] = 1;
}

/* ---- The test's side --------------------------------------------------------------------------------------------- */

static void adopt(struct honest *honest)
{
    kernel_pager_t pager = {0};
    uint64_t start = 0;
    EXPECT_EQUAL(memory_space_divide(bank, SPACE_PAGES, &honest->space), 0);
    EXPECT_EQUAL(memory_space_adopt(honest->space, honest->worker.task, &pager), 0);
    EXPECT_EQUAL(kernel_thread_set_pager(honest->worker.thread, (kernel_endpoint_t){pager.handle}), 0);
    EXPECT_EQUAL(
        memory_space_allocate(honest->space, PLACE, PAGES, RIGHT_READ | RIGHT_WRITE, MEMORY_ATTACHMENT_FIXED, &start),
        0);
    EXPECT_EQUAL(memory_space_create(honest->space, OBJECT_PAGES, &honest->object), 0);
    guest_delete(pager.handle);
}

static void give(const struct honest *honest, enum value value, uint32_t handle)
{
    honest->worker.area->values[value] = worker_give(&honest->worker, handle, RIGHTS_ALL);
}

void honest_create(struct honest *honest, uint64_t seed)
{
    static const uint8_t name[32] = "honest";
    *honest = (struct honest){.notification = guest_notification(), .child = make_child()};
    worker_create(&honest->worker, true);
    adopt(honest);
    EXPECT_EQUAL(kernel_task_set_name(honest->worker.task, name), 0);
    EXPECT_EQUAL(kernel_thread_set_times(honest->worker.thread, SLICE, 0, 0), 0);
    give(honest, SPECIMEN, salto_require("specimen"));
    give(honest, SPACE, honest->space.handle);
    give(honest, OBJECT, honest->object.handle);
    give(honest, CHILD, honest->child.handle);
    give(honest, STARTER, starter.handle);
    give(honest, CLOCK, salto_require("clock"));
    give(honest, TASK, honest->worker.task.handle);
    give(honest, NOTIFICATION, honest->notification.handle);
    honest->worker.area->values[SEED] = seed | 1;
    worker_start(&honest->worker, keep_to_the_rules);
}

uint64_t honest_destroy(struct honest *honest)
{
    struct area *area = honest->worker.area;
    uint64_t answers = area->done;
    area->values[STOP] = 1;
    for (int i = 0; i < PATIENCE && !area->values[STOPPED]; i++)
        sleep_for(MILLISECOND);
    EXPECT(area->values[STOPPED] == 1 && answers > 0);
    if (!EXPECT_EQUAL(area->values[WRONG], 0))
        tap_note("the honest client's check in line %lu of honest.c failed", area->values[WRONG_LINE]);
    EXPECT_EQUAL(memory_space_close(honest->space), 0);
    EXPECT_EQUAL(process_child_release(honest->child), 0);
    guest_delete(honest->space.handle);
    guest_delete(honest->object.handle);
    guest_delete(honest->child.handle);
    guest_delete(honest->notification.handle);
    worker_kill(&honest->worker); /* it holds itself */
    worker_destroy(&honest->worker);
    return answers;
}
