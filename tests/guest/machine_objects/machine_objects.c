/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console, debug port, clock and power switch: lengths and contents of what is written, rights, operations that are
 * none, and time. This program holds the power switch without the right to use it.
 */
#include <salto/startup.h>
#include <string.h>

#include "../common/guest.h"
#include "idl/clock.h"
#include "idl/console.h"
#include "idl/power.h"

#define SHORT_MOST 40
#define LONG_MOST 480
#define NANOSECONDS_PER_SECOND 1000000000UL

static kernel_console_t console(void)
{
    return (kernel_console_t){salto_require("console")};
}

static kernel_console_t log_port(void)
{
    return (kernel_console_t){salto_require("log")};
}

static kernel_clock_t machine_clock(void)
{
    return (kernel_clock_t){salto_require("clock")};
}

/* A call with a tag and words of the test's choice; answers 0 or the negated error. */
static int call(uint64_t request, uint32_t handle, uint64_t word0, uint64_t word1)
{
    uint64_t words[6] = {word0, word1, 0, 0, 0, 0};
    uint64_t tag = ipc_call(request, handle, words);
    return message_is_tag(tag) ? (int)message_label(tag) : -(int)(uint32_t)tag;
}

/* ---- console and debug port -------------------------------------------------------------------------------------- */

/* Lines of 1 byte and of the most bytes, through both operations; what stands behind `length` is not written. */
static void lengths(void)
{
    uint8_t line[SHORT_MOST], long_line[LONG_MOST];
    memset(line, 'x', sizeof(line));
    memset(long_line, 'y', sizeof(long_line));
    EXPECT_EQUAL(kernel_console_write(console(), 0, line), 0);
    EXPECT_EQUAL(kernel_console_write_long(console(), 0, long_line), 0);
    EXPECT_EQUAL(kernel_console_write(console(), 6, (const uint8_t[SHORT_MOST]){"short:not this"}), 0);
    line[SHORT_MOST - 1] = '\n';
    EXPECT_EQUAL(kernel_console_write(console(), SHORT_MOST, line), 0);
    EXPECT_EQUAL(kernel_console_write_long(console(), 5, (const uint8_t[LONG_MOST]){"long:not this"}), 0);
    long_line[LONG_MOST - 1] = '\n';
    EXPECT_EQUAL(kernel_console_write_long(console(), LONG_MOST, long_line), 0);
}

static void lengths_refused(void)
{
    static const uint32_t bad_short[] = {SHORT_MOST + 1, LONG_MOST, 0x80000000, UINT32_MAX};
    static const uint32_t bad_long[] = {LONG_MOST + 1, 4096, 0x80000000, UINT32_MAX};
    const uint8_t line[SHORT_MOST] = "wrong\n", long_line[LONG_MOST] = "wrong\n";
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_ERROR(kernel_console_write(console(), bad_short[i], line), BAD_ARGUMENT);
        EXPECT_ERROR(kernel_console_write_long(console(), bad_long[i], long_line), BAD_ARGUMENT);
        EXPECT_ERROR(kernel_console_write(log_port(), bad_short[i], line), BAD_ARGUMENT);
    }
    EXPECT_ERROR(call(KERNEL_CONSOLE_WRITE_REQUEST, console().handle, 1UL << 32, 0), BAD_ARGUMENT);
    EXPECT_ERROR(call(KERNEL_CONSOLE_WRITE_REQUEST, console().handle, (1UL << 63) | 1, 0), BAD_ARGUMENT);
}

/* Nobody types: reading answers nothing, at once. The debug port cannot be read at all. */
static void nothing_typed(void)
{
    uint32_t length = 99;
    uint8_t text[SHORT_MOST];
    EXPECT_EQUAL(kernel_console_read(console(), &length, text), 0);
    EXPECT_EQUAL(length, 0);
    EXPECT_ERROR(kernel_console_read(log_port(), &length, text), NO_RIGHT);
}

static void console_rights(void)
{
    const uint8_t line[SHORT_MOST] = "wrong\n", long_line[LONG_MOST] = "wrong\n";
    uint8_t text[SHORT_MOST];
    uint32_t length;
    for (uint32_t has = 0; has <= (RIGHT_READ | RIGHT_WRITE); has++) {
        kernel_console_t copy = {guest_copy(console().handle, has)};
        int writes = has & RIGHT_WRITE ? 0 : -ERROR_NO_RIGHT, reads = has & RIGHT_READ ? 0 : -ERROR_NO_RIGHT;
        EXPECT_EQUAL(kernel_console_write(copy, 0, line), writes);
        EXPECT_EQUAL(kernel_console_write_long(copy, 0, long_line), writes);
        EXPECT_EQUAL(kernel_console_read(copy, &length, text), reads);
        if (writes != 0) {
            EXPECT_ERROR(kernel_console_write(copy, 6, line), NO_RIGHT);
            EXPECT_ERROR(kernel_console_write_long(copy, 6, long_line), NO_RIGHT);
        }
        guest_delete(copy.handle);
    }
}

/* ---- clock ------------------------------------------------------------------------------------------------------- */

static uint64_t now(kernel_clock_t clock)
{
    uint64_t nanoseconds = 0;
    EXPECT_EQUAL(kernel_clock_now(clock, &nanoseconds), 0);
    return nanoseconds;
}

static void time_goes_on(void)
{
    uint64_t first = now(machine_clock()), last = first;
    for (int i = 0; i < 10000; i++) {
        uint64_t next = now(machine_clock());
        EXPECT(next >= last);
        last = next;
    }
    EXPECT(last > first);
}

/* Clock and time-stamp counter agree: what the counter says of the same stretch lies within the stretch between the
 * readings around it. */
static void clock_and_counter(void)
{
    uint64_t hertz = 0;
    EXPECT_EQUAL(kernel_clock_frequency(machine_clock(), &hertz), 0);
    EXPECT(hertz > 1000000);
    uint64_t outer = __builtin_ia32_rdtsc(), start = now(machine_clock()), inner = __builtin_ia32_rdtsc();
    for (int i = 0; i < 1000; i++)
        now(machine_clock());
    uint64_t inner_end = __builtin_ia32_rdtsc(), end = now(machine_clock()), outer_end = __builtin_ia32_rdtsc();
    uint64_t ticks = (end - start) * hertz / NANOSECONDS_PER_SECOND;
    EXPECT(ticks <= outer_end - outer + 1);
    EXPECT(ticks + hertz / NANOSECONDS_PER_SECOND + 1 >= inner_end - inner);
}

/* The clock needs no right. */
static void clock_rights(void)
{
    kernel_clock_t copy = {guest_copy(machine_clock().handle, 0)};
    uint64_t hertz = 0;
    EXPECT_EQUAL(kernel_clock_frequency(copy, &hertz), 0);
    EXPECT(now(copy) != 0);
    guest_delete(copy.handle);
}

/* ---- power ------------------------------------------------------------------------------------------------------- */

/* Without the right the machine stays on: that this test is reported shows it. */
static void power_rights(void)
{
    kernel_power_t power = {salto_require("power")};
    EXPECT_EQUAL(guest_rights(power.handle), RIGHT_COPY);
    EXPECT_ERROR(kernel_power_off(power, 3), NO_RIGHT);
    kernel_power_t copy = {guest_copy(power.handle, RIGHTS_ALL)};
    EXPECT_ERROR(kernel_power_off(copy, 3), NO_RIGHT);
    EXPECT_ERROR(call(KERNEL_POWER_OFF_REQUEST, power.handle, 1UL << 32, 0), NO_RIGHT);
    guest_delete(copy.handle);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* Operations that no interface has, and other interfaces', are refused; and so is a request of another shape. */
static void no_such_operation(void)
{
    const uint32_t handles[] = {console().handle, log_port().handle, machine_clock().handle, salto_require("power")};
    const uint32_t interfaces[] = {KERNEL_CONSOLE_ID, KERNEL_CONSOLE_ID, KERNEL_CLOCK_ID, KERNEL_POWER_ID};
    for (unsigned i = 0; i < 4; i++) {
        uint32_t id = interfaces[i] << 16;
        EXPECT_ERROR(call(message_labelled_tag(0, TAG_PLAIN_CALL), handles[i], 0, 0), BAD_OPERATION);
        EXPECT_ERROR(call(message_labelled_tag(id, TAG_PLAIN_CALL), handles[i], 0, 0), BAD_OPERATION);
        EXPECT_ERROR(call(message_labelled_tag(id | 4, TAG_PLAIN_CALL), handles[i], 0, 0), BAD_OPERATION);
        EXPECT_ERROR(call(message_labelled_tag(id | 0xffff, TAG_PLAIN_CALL), handles[i], 0, 0), BAD_OPERATION);
        EXPECT_ERROR(call(message_labelled_tag(id | 1, TAG_PLAIN_CALL + 2), handles[i], 0, 0), BAD_TAG);
        EXPECT_ERROR(call(KERNEL_FACTORY_QUOTA_REQUEST, handles[i], 0, 0), BAD_OPERATION);
        EXPECT_ERROR(call(message_labelled_tag(~0U, TAG_PLAIN_CALL), handles[i], 0, 0), BAD_OPERATION);
    }
}

static const struct guest_test tests[] = {
    {"lines of every length are written", lengths},
    {"lines that are too long are refused", lengths_refused},
    {"nothing is read where nothing was typed", nothing_typed},
    {"rights to a console", console_rights},
    {"time goes on, and never back", time_goes_on},
    {"clock and time-stamp counter agree", clock_and_counter},
    {"the clock needs no right", clock_rights},
    {"the power switch needs its right", power_rights},
    {"operations that do not exist", no_such_operation},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
