/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes and strings by generated code, between address spaces: of every length near where they change the way they
 * travel, what is refused on the way, and a server that is a client while it holds strings of its own. What the host's
 * transport does in tests/host/idlc_blobs.c the kernel does here.
 */
#include "../common/guest.h"

#include "idl/clock.h"
#include "idl/notes.h"
#include "salto/startup.h"

#include <string.h>

static notes_t notes, more_notes;
static uint8_t data[NOTES_LONGEST + 1], back[NOTES_LONGEST + 1];

static void fill(uint64_t seed)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 255 + seed);
}

static void round_trips(void)
{
    static const size_t sizes[] = {0, 1, 7, 8, 4095, 4096, 4097, 8192, 12345, 65535, 65536};

    for (unsigned i = 0; i < COUNT(sizes); i++) {
        uint64_t size = 0;
        size_t length = 1;

        fill(i);
        memset(back, 0xee, sizeof(back));
        EXPECT_EQUAL(notes_write(notes, 0, data, sizes[i], &size), 0);
        EXPECT_EQUAL(size, sizes[i]);
        EXPECT_EQUAL(notes_read(notes, 0, back, sizeof(back), &length), 0);
        EXPECT_EQUAL(length, sizes[i]);
        EXPECT(memcmp(back, data, length) == 0 && back[length] == 0xee);
    }
}

static void parts(void)
{
    uint64_t size = 0;
    size_t length = 1;

    fill(99);
    EXPECT_EQUAL(notes_write(notes, 0, data, 10000, &size), 0);
    memset(back, 0xee, sizeof(back));
    EXPECT_EQUAL(notes_read(notes, 5001, back + 3, 1234, &length), 0);
    EXPECT(length == 1234 && memcmp(back + 3, data + 5001, length) == 0 && back[2] == 0xee && back[1237] == 0xee);
    EXPECT_EQUAL(notes_read(notes, 9990, back, 100, &length), 0);
    EXPECT_EQUAL(length, 10);
    EXPECT_EQUAL(notes_read(notes, 10001, back, 100, &length), NOTES_ERROR_NO_NOTE);
    EXPECT_EQUAL(length, 10);
    EXPECT_EQUAL(notes_read(notes, 0, back, 1, &length), 0);
    EXPECT_EQUAL(length, 1);
}

static void refused(void)
{
    uint64_t size = 0;
    size_t length = 1;

    EXPECT_ERROR(notes_write(notes, 0, data, NOTES_LONGEST + 1, &size), BAD_ARGUMENT);
    EXPECT_ERROR(notes_write(notes, 0, (const void *)0x10000000, 4096, &size), BAD_ADDRESS);
    EXPECT_EQUAL(notes_write(notes, 0, data, 4096, &size), 0);
    EXPECT_ERROR(notes_read(notes, 0, (void *)0x10000000, 4096, &length), BAD_ADDRESS);
    EXPECT_EQUAL(length, 1);
    EXPECT_ERROR(notes_set_title(notes, (idl_string){"no \xff text", 9}), BAD_ARGUMENT);
    EXPECT_ERROR(notes_set_name(notes, (idl_string){"no\0text", 7}), BAD_ARGUMENT);
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        EXPECT_EQUAL(ipc_utcb()->string_buffers[i].size, 0);
}

/* Messages that no stub makes. */
static void forged(void)
{
    struct utcb *utcb = ipc_utcb();
    uint64_t words[6] = {0};

    utcb->items[0] = own_task.handle | (uint64_t)ITEM_COPY << ITEM_KIND_SHIFT;
    EXPECT_EQUAL(message_label(ipc_call(NOTES_WRITE_REQUEST, notes.handle, words)), (uint32_t)-ERROR_NO_SLOT);
    utcb->items[0] = idl_string_item(1001);
    utcb->item_addresses[0] = (uint64_t)data;
    memset(data, 'x', 1001);
    EXPECT_EQUAL(message_label(ipc_call(NOTES_SET_TITLE_REQUEST, notes.handle, words)), (uint32_t)-ERROR_BAD_ARGUMENT);
    utcb->items[0] = idl_string_item(NOTES_LONGEST + 1);
    EXPECT_EQUAL(ipc_call(NOTES_WRITE_REQUEST, notes.handle, words), ERROR_NO_BUFFER);
    words[1] = NOTES_LONGEST + 1;
    EXPECT_EQUAL(message_label(ipc_call(NOTES_READ_REQUEST, notes.handle, words)), (uint32_t)-ERROR_BAD_ARGUMENT);
    words[0] = 0;
    words[1] = 16; /* which the server then finds no buffer for */
    EXPECT_EQUAL(message_label(ipc_call(NOTES_READ_REQUEST, notes.handle, words)), (uint32_t)-ERROR_NO_BUFFER);
}

static void strings(void)
{
    char name[101], title[1102], long_title[1001];
    size_t name_length = 0, title_length = 0;

    memset(long_title, 't', 1000);
    long_title[1000] = '\0';
    EXPECT_EQUAL(notes_set_name(notes, idl_text("na\xc3\xafve ")), 0);
    EXPECT_EQUAL(notes_set_title(notes, idl_text(long_title)), 0);
    EXPECT_EQUAL(notes_describe(notes, name, sizeof(name), &name_length, title, sizeof(title), &title_length), 0);
    EXPECT(name_length == 7 && strcmp(name, "na\xc3\xafve ") == 0);
    EXPECT(title_length == 1007 && memcmp(title, name, 7) == 0 && strcmp(title + 7, long_title) == 0);
    EXPECT_ERROR(notes_describe(notes, name, 7, &name_length, title, sizeof(title), &title_length), NO_BUFFER);
}

/* The server calls another server, whose strings go to its own buffers, while it holds ours. */
static void forwarded(void)
{
    char title[1102];
    size_t length = 0;
    bool same = false;

    EXPECT_EQUAL(notes_set_name(more_notes, idl_text("other ")), 0);
    EXPECT_EQUAL(notes_set_title(more_notes, idl_text("title")), 0);
    EXPECT_EQUAL(notes_forward(notes, idl_text("a title that stays"), more_notes, &same, title, sizeof(title), &length),
                 0);
    EXPECT(same && length == 11 && strcmp(title, "other title") == 0);
    EXPECT_EQUAL(notes_set_title(notes, idl_text("its buffer is open again")), 0);
}

/* Nobody receives on the endpoint. */
static void timeouts(void)
{
    kernel_clock_t clock = {salto_require("clock")};
    uint64_t before = 0, now, after = 0;
    kernel_endpoint_t endpoint;
    size_t length = 77;
    char title[1102];

    EXPECT_EQUAL(kernel_clock_now(clock, &before), 0);
    now = salto_now();
    EXPECT_EQUAL(kernel_clock_now(clock, &after), 0);
    EXPECT(before <= now && now <= after);
    EXPECT_EQUAL(kernel_factory_create_endpoint(own_factory, &endpoint), 0);
    EXPECT_ERROR(notes_wait((notes_t){endpoint.handle}, idl_text("late"), title, sizeof(title), &length), TIMEOUT);
    EXPECT(length == 77 && salto_now() - after >= 5000000);
    EXPECT_EQUAL(ipc_utcb()->string_buffers[0].size, 0);
    guest_delete(endpoint.handle);
}

static const struct guest_test tests[] = {
    {"bytes of all lengths, as string items, there and back", round_trips},
    {"parts of them, into the caller's buffer and no further", parts},
    {"what is too long, nowhere or no text is refused", refused},
    {"so are messages that no stub makes", forged},
    {"strings in words and as items, in one answer too", strings},
    {"a server with strings is another's client", forwarded},
    {"an operation with a timeout does not wait for ever", timeouts},
};

int main(void)
{
    notes = (notes_t){salto_require("notes")};
    more_notes = (notes_t){salto_require("more_notes")};
    return guest_run(tests, COUNT(tests));
}
