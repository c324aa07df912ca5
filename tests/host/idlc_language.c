/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of generated code for inheritance, aliases, constant expressions and open enums
 * (tests/idlc/good/language.idl). Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "bases.h"
#include "language.h"
#include "language_server.h"

#include <string.h>

static const language_file_t file = {41};
static struct language_file_buffers buffers;
static unsigned handler_calls;

static int file_on_resize(void *object, const struct idl_call *call, uint64_t size, uint64_t *old)
{
    (void)object;
    (void)call;
    *old = size * 2;
    return BASES_ERROR_GONE * (size == 0);
}

static int file_on_everything(void *object, const struct idl_call *call, idl_string name, language_kind_t kind,
                              language_signed_t sign, const struct language_point *where, struct idl_cap *source,
                              language_kind_t *kind_out, language_signed_t *sign_out, struct language_point *where_out,
                              struct language_point points[2])
{
    (void)object;
    (void)call;
    (void)source;
    handler_calls += name.size == 4;
    *kind_out = kind;
    *sign_out = sign;
    *where_out = points[0] = points[1] = *where;
    return 0;
}

static int file_on_read(void *object, const struct idl_call *call, struct idl_outbuf *data)
{
    (void)object;
    (void)call;
    memcpy(data->data, "read", 4);
    data->length = 4;
    return 0;
}

static int file_on_state(void *object, const struct idl_call *call, bases_state_t *state)
{
    (void)object;
    (void)call;
    *state = BASES_STATE_BUSY;
    return 0;
}

static int file_on_close(void *object, const struct idl_call *call, bases_state_t why)
{
    (void)object;
    (void)call;
    handler_calls++;
    return why == BASES_STATE_BUSY ? BASES_ERROR_GONE : 0;
}

static int file_on_hurry(void *object, const struct idl_call *call, bases_state_t why, bases_state_t *state)
{
    (void)object;
    (void)call;
    *state = why;
    return 0;
}

static void file_on_tell(void *object, const struct idl_call *call, const uint64_t words[10])
{
    (void)object;
    (void)call;
    handler_calls += (unsigned)words[9];
}

/* The time that stubs see. */
uint64_t salto_now(void)
{
    return 1000;
}

LANGUAGE_FILE_SERVER(serve_file, file_on)

static void reset(void)
{
    transport_reset_strings(serve_file, NULL, &buffers);
    transport.in_server = true;
    language_file_open_buffers(&buffers);
    transport.in_server = false;
    handler_calls = 0;
}

static void test_inheritance(void)
{
    bases_node_t node = language_file_as_bases_node(file);
    language_stream_t stream = language_file_as_language_stream(file);
    bases_state_t state = BASES_STATE_IDLE;
    uint64_t old = 0;
    char data[8] = "";
    size_t length = 0;

    reset();
    host_ok(language_file_resize(file, 4, &old) == 0 && old == 8, "an interface has operations of its own");
    host_ok(language_file_resize(file, 0, &old) == BASES_ERROR_GONE, "with errors of another library");
    host_ok(language_stream_read(stream, data, 8, &length) == 0 && length == 4 && memcmp(data, "read", 4) == 0,
            "and those of its base, with buffers for their strings");
    host_ok(bases_node_state(node, &state) == 0 && state == BASES_STATE_BUSY && transport.handle == 41,
            "and those of its base's base, by the same capability");
    host_ok(transport.request == 0x5410000180000000, "which keep the numbers of the interface that they come from");
    host_ok(bases_node_close(node, BASES_STATE_BUSY) == BASES_ERROR_GONE && handler_calls == 1,
            "inherited errors are declared ones");
    transport.replace_word_mask = 1;
    transport.replace_word = 2;
    host_ok(bases_node_close(node, BASES_STATE_IDLE) == -ERROR_BAD_ARGUMENT && handler_calls == 1,
            "what is inherited is checked");
    transport.replace_word_mask = 0;
    transport.replace_tag = 0x5410000180000001;
    host_ok(bases_node_state(node, &state) == -ERROR_BAD_TAG, "a wrong shape of an inherited operation is one");
    transport.replace_tag = 0x5410000580000000;
    host_ok(bases_node_state(node, &state) == -ERROR_BAD_OPERATION, "what the base has not is not inherited");
}

static int everything(language_kind_t kind, language_signed_t sign, struct language_point *where,
                      language_kind_t *kind_out, language_signed_t *sign_out)
{
    struct language_point points[2];

    return language_file_everything(file, idl_text("name"), kind, sign, where, (language_stream_t){5}, kind_out,
                                    sign_out, where, points);
}

static void test_open_enums(void)
{
    struct language_point where = {.x = -1, .kind = 200, .size = 77};
    language_kind_t kind = 0;
    language_signed_t sign = 0;

    reset();
    host_ok(everything(99, -300, &where, &kind, &sign) == 0 && kind == 99 && sign == -300 && where.kind == 200 &&
                handler_calls == 1,
            "values that an open enum does not name go through, inside structs too");
    transport.replace_word_mask = 2;
    transport.replace_word = 256;
    host_ok(everything(0, 0, &where, &kind, &sign) == -ERROR_BAD_ARGUMENT && handler_calls == 1,
            "but not those that it cannot hold");
    transport.replace_word_mask = 4;
    transport.replace_word = 0x8000;
    host_ok(everything(0, 0, &where, &kind, &sign) == -ERROR_BAD_ARGUMENT && handler_calls == 1,
            "nor those that a signed one cannot hold");
}

static void test_timeouts(void)
{
    bases_node_t node = language_file_as_bases_node(file);
    bases_state_t state = BASES_STATE_IDLE;
    uint64_t words[10] = {[9] = 5};

    reset();
    host_ok(bases_node_hurry(node, BASES_STATE_BUSY, &state) == 0 && state == BASES_STATE_BUSY &&
                transport.request == 0x5410000380000001,
            "an operation with a timeout arrives as any other");
    host_ok(transport.send_deadline == 20001000 && transport.receive_deadline == 20001000,
            "its deadline is so much from now, to be received and to be answered");
    host_ok(bases_node_tell(node, words) == 0 && handler_calls == 5 && transport.send_deadline == 120000001000,
            "one that is not answered has it too");
    transport.send_deadline = 0;
    host_ok(bases_node_state(node, &state) == 0 && transport.send_deadline == 0, "others have none");
    transport_reset(NULL, NULL);
    transport.failure = ERROR_TIMEOUT;
    host_ok(bases_node_hurry(node, BASES_STATE_IDLE, &state) == -ERROR_TIMEOUT, "the stub says that it has passed");
}

static void test_constants(void)
{
    host_ok(LANGUAGE_KIB == 1024 && LANGUAGE_PAGE == 4096 && LANGUAGE_MASK == UINT64_MAX && LANGUAGE_LEAST == -128,
            "constants are reckoned");
    host_ok(LANGUAGE_MIXED == 7 - 2 * 3 - -5 % 3 && LANGUAGE_BITS == ((0xf0 & 0x3c) ^ 0xff) &&
                LANGUAGE_KIND_LAST == 5 && sizeof(((struct language_point *)0)->block) == 24,
            "as in C, in enums and lengths of arrays too");
}

int main(void)
{
    test_inheritance();
    test_open_enums();
    test_timeouts();
    test_constants();
    return host_done();
}
