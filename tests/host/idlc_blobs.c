/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of bytes and strings in generated code: what goes through in words and as string items, both ways; what is
 * too long, of another kind or no text is refused on either side; buffers are open only while a string may come; and
 * what is text at all. The interface is tests/idlc/good/blobs.idl. Prints TAP.
 */
#include "host_tap.h"
#include "idlc_stubs/transport.h"

#include "blobs.h"
#include "blobs_server.h"

#include <string.h>

#define LONGEST 4096

static const blobs_t blobs = {31};
static struct blobs_buffers buffers;
static unsigned handler_calls;
static uint8_t pattern[LONGEST + 1];
static uint8_t seen[LONGEST];
static char seen_text[LONGEST];
static size_t seen_size;
static size_t answer_size;
static const void *answer_data; /* where the handler's own data lies, or NULL */
static bool buffers_were_open;

static void see(const void *data, size_t size)
{
    handler_calls++;
    seen_size = size;
    memcpy(seen, data, size);
    buffers_were_open = transport.server.string_buffers[0].size != 0;
}

static void see_text(idl_string text)
{
    see(text.text, text.size);
    memcpy(seen_text, text.text, text.size + 1); /* with its terminator */
}

static void answer(struct idl_outbuf *buffer)
{
    if (buffer->capacity)
        memset(buffer->data, 0xee, buffer->capacity); /* what a handler tried, and left there */
    if (answer_data)
        buffer->data = (void *)(uintptr_t)answer_data;
    else
        memcpy(buffer->data, pattern, answer_size);
    buffer->length = answer_size;
}

static int blobs_on_small(void *object, const struct idl_call *call, const void *data, size_t data_size,
                          struct idl_outbuf *back)
{
    (void)object;
    (void)call;
    see(data, data_size);
    answer(back);
    return 0;
}

static int blobs_on_greet(void *object, const struct idl_call *call, uint8_t times, idl_string name, uint32_t *letters,
                          struct idl_outbuf *greeting)
{
    (void)object;
    (void)call;
    see_text(name);
    *letters = (uint32_t)(times * name.size);
    answer(greeting);
    return 0;
}

static int blobs_on_read(void *object, const struct idl_call *call, uint64_t offset, struct idl_outbuf *buffer)
{
    (void)object;
    (void)call;
    handler_calls++;
    seen_size = buffer->capacity;
    answer(buffer);
    return offset == 0 ? 0 : (int)offset;
}

static int blobs_on_write(void *object, const struct idl_call *call, uint64_t offset, const void *data,
                          size_t data_size, uint32_t *done)
{
    (void)object;
    (void)call;
    (void)offset;
    see(data, data_size);
    *done = (uint32_t)data_size;
    return 0;
}

static int blobs_on_rename(void *object, const struct idl_call *call, idl_string from, idl_string to, idl_string note)
{
    (void)object;
    (void)call;
    see_text(to);
    return strlen(from.text) == from.size && strlen(to.text) == to.size && strlen(note.text) == note.size ? 0 : -1;
}

static int blobs_on_mixed(void *object, const struct idl_call *call, uint8_t key, struct idl_cap *what,
                          const void *data, size_t data_size, struct idl_cap *other, idl_string text,
                          struct idl_outbuf *copy, blobs_t *owner, struct idl_outbuf *label)
{
    (void)object;
    (void)call;
    (void)key;
    (void)other;
    see(data, data_size);
    memcpy(copy->data, data, data_size);
    copy->length = data_size;
    owner->handle = idl_take(what);
    memcpy(label->data, text.text, text.size);
    label->length = text.size;
    return 0;
}

static void blobs_on_log(void *object, const struct idl_call *call, idl_string text)
{
    (void)object;
    (void)call;
    see_text(text);
}

static void blobs_on_log_long(void *object, const struct idl_call *call, idl_string text)
{
    (void)object;
    (void)call;
    see_text(text);
}

static int blobs_on_crowded(void *object, const struct idl_call *call, const uint8_t fixed[344], const void *a,
                            size_t a_size, const void *b, size_t b_size, const void *c, size_t c_size, uint64_t *sum)
{
    (void)object;
    (void)call;
    (void)a;
    (void)b;
    see(c, c_size);
    *sum = fixed[343] + a_size * 1000 + b_size * 100 + c_size;
    return 0;
}

static int blobs_on_four(void *object, const struct idl_call *call, const void *a, size_t a_size, const void *b,
                         size_t b_size, const void *c, size_t c_size, const void *d, size_t d_size,
                         struct idl_outbuf *e, struct idl_outbuf *f, struct idl_outbuf *g, struct idl_outbuf *h)
{
    const struct idl_outbuf in[4] = {{(void *)(uintptr_t)a, 0, a_size},
                                     {(void *)(uintptr_t)b, 0, b_size},
                                     {(void *)(uintptr_t)c, 0, c_size},
                                     {(void *)(uintptr_t)d, 0, d_size}};
    struct idl_outbuf *out[4] = {e, f, g, h};

    (void)object;
    (void)call;
    handler_calls++;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(out[i]->data, in[i].data, in[i].length);
        out[i]->length = in[i].length;
    }
    return 0;
}

BLOBS_SERVER(serve_blobs, blobs_on)

static void reset(void)
{
    transport_reset_strings(serve_blobs, NULL, &buffers);
    memset(&buffers, 0xbd, sizeof(buffers));
    transport.in_server = true;
    blobs_open_buffers(&buffers);
    transport.in_server = false;
    handler_calls = 0;
    answer_data = NULL;
    answer_size = 0;
    memset(seen_text, 0xbd, sizeof(seen_text));
}

static bool closed(const struct utcb *utcb)
{
    for (unsigned i = 0; i < MESSAGE_MAX_STRINGS; i++)
        if (utcb->string_buffers[i].size != 0)
            return false;
    return true;
}

/* ---- In words ---------------------------------------------------------------------------------------------------- */

static void test_small(void)
{
    bool arrived = true, came_back = true, clear = true;

    for (size_t size = 0; size <= 20; size++) {
        uint8_t back[41];
        size_t length = 99;

        reset();
        answer_size = size * 2;
        arrived &= blobs_small(blobs, pattern, size, back, sizeof(back), &length) == 0 && seen_size == size &&
                   memcmp(seen, pattern, size) == 0;
        came_back &= length == size * 2 && memcmp(back, pattern, length) == 0;
        clear &= size > 16 || transport.words[5] == 0;
        clear &= size * 2 > 32 || (transport.reply_words[5] == 0 && transport.client.words[6] == 0);
    }
    host_ok(arrived, "bytes of every size arrive in words");
    host_ok(came_back, "and come back, from registers and the UTCB");
    host_ok(clear, "words behind the bytes are clear, both ways");
    host_ok(transport.request == 0x5401000180000005, "length, capacity and three words of bytes fit in registers");
}

static void test_small_limits(void)
{
    uint8_t back[41];
    size_t length = 99;

    reset();
    host_ok(blobs_small(blobs, pattern, 21, back, sizeof(back), &length) == -ERROR_BAD_ARGUMENT &&
                transport.request == 0,
            "the stub refuses more bytes than there may be");
    answer_size = 7;
    host_ok(blobs_small(blobs, NULL, 0, back, 6, &length) == -ERROR_ABANDONED && length == 99,
            "a handler that gives more than the caller takes has failed");
    host_ok(blobs_small(blobs, NULL, 0, back, 7, &length) == 0 && length == 7, "just as much is fine");
    answer_data = pattern + 100;
    answer_size = 41;
    host_ok(blobs_small(blobs, NULL, 0, back, sizeof(back), &length) == 0 && length == 41 &&
                memcmp(back, pattern + 100, 41) == 0,
            "a handler may point to data of its own");
    reset();
    host_ok(blobs_small(blobs, NULL, 0, NULL, 0, &length) == 0 && length == 0, "nothing each way, without a buffer");
}

static void test_small_refused(void)
{
    static const uint64_t lengths[] = {21, 0x100000000, UINT64_MAX};
    uint8_t back[41];
    size_t length = 99;

    for (unsigned i = 0; i < 3; i++) {
        reset();
        transport.replace_word_mask = 1;
        transport.replace_word = lengths[i];
        host_ok(blobs_small(blobs, pattern, 3, back, sizeof(back), &length) == -ERROR_BAD_ARGUMENT &&
                    handler_calls == 0,
                "a length of 0x%lx is refused", (unsigned long)lengths[i]);
        transport.replace_word_mask = 2;
        transport.replace_word = lengths[i] + 21;
        host_ok((i == 2) == (blobs_small(blobs, pattern, 3, back, sizeof(back), &length) == 0),
                "a capacity of 0x%lx is %s", (unsigned long)(lengths[i] + 21), i == 2 ? "taken" : "refused");
        reset();
        transport.replace_in_reply = true;
        transport.replace_word_mask = 1;
        transport.replace_word = lengths[i];
        length = 99;
        host_ok(blobs_small(blobs, pattern, 3, back, 20, &length) == -ERROR_BAD_ARGUMENT && length == 99,
                "a length of 0x%lx in an answer is refused where the caller takes 20", (unsigned long)lengths[i]);
    }
}

static void test_greet(void)
{
    char greeting[31] = "untouched";
    uint32_t letters = 0;
    size_t length = 99;

    reset();
    answer_data = "h\xc3\xa9llo";
    answer_size = 6;
    host_ok(blobs_greet(blobs, 3, idl_text("thirteen byte"), &letters, greeting, sizeof(greeting), &length) == 0 &&
                letters == 39 && length == 6 && strcmp(greeting, "h\xc3\xa9llo") == 0,
            "strings go through, and end with a zero byte");
    host_ok(strcmp(seen_text, "thirteen byte") == 0, "for the handler too");
    host_ok(blobs_greet(blobs, 1, idl_text("a"), &letters, greeting, 7, &length) == 0 && greeting[6] == '\0',
            "a buffer of one byte more is large enough");
    host_ok(blobs_greet(blobs, 1, idl_text("a"), &letters, greeting, 6, &length) == -ERROR_ABANDONED,
            "one without room for the terminator is not");
    host_ok(blobs_greet(blobs, 1, idl_text("a"), &letters, greeting, 0, &length) == -ERROR_NO_BUFFER,
            "no buffer at all is refused by the stub");
    handler_calls = 0;
    letters = 77;
    host_ok(blobs_greet(blobs, 1, idl_text("\xff"), &letters, greeting, 31, &length) == -ERROR_BAD_ARGUMENT &&
                handler_calls == 0,
            "what is no text does not reach the handler");
    host_ok(blobs_greet(blobs, 1, (idl_string){"a\0b", 3}, &letters, greeting, 31, &length) == -ERROR_BAD_ARGUMENT &&
                handler_calls == 0,
            "a zero byte inside neither");
    answer_data = "\xc3";
    answer_size = 1;
    host_ok(blobs_greet(blobs, 1, idl_text("a"), &letters, greeting, 31, &length) == -ERROR_BAD_ARGUMENT &&
                letters == 77,
            "an answer that is no text fails, and nothing is written");
}

/* ---- As string items --------------------------------------------------------------------------------------------- */

static void test_read(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096};
    uint8_t buffer[LONGEST + 1];
    size_t length = 99;

    for (unsigned i = 0; i < 4; i++) {
        reset();
        answer_size = sizes[i];
        memset(buffer, 0, sizeof(buffer));
        host_ok(blobs_read(blobs, 0, buffer, LONGEST, &length) == 0 && length == sizes[i] && seen_size == LONGEST &&
                    memcmp(buffer, pattern, length) == 0 && buffer[length] == 0,
                "%zu bytes come back, into the caller's buffer", sizes[i]);
    }
    host_ok(closed(&transport.client), "which is closed then");
    answer_data = pattern + 1;
    answer_size = 4000;
    host_ok(blobs_read(blobs, 0, buffer, SIZE_MAX, &length) == 0 && seen_size == LONGEST && length == 4000 &&
                memcmp(buffer, pattern + 1, 4000) == 0,
            "a handler may let the kernel copy from where the data is; no more than 4096 are asked for");
    length = 99;
    host_ok(blobs_read(blobs, 0, buffer, 3999, &length) == -ERROR_ABANDONED && length == 99,
            "more than the caller takes is not sent");
    host_ok(blobs_read(blobs, 1, buffer, 4000, &length) == BLOBS_FAILURE_NO_SPACE && length == 99 &&
                closed(&transport.client),
            "an error has no string, and closes the buffer too");
    transport.client.string_buffers[0] = (struct string_buffer){4711, 0};
    transport.client.string_buffers[1] = (struct string_buffer){5, 9};
    host_ok(blobs_read(blobs, 0, buffer, 4096, &length) == 0 && transport.client.string_buffers[0].address == 4711 &&
                transport.client.string_buffers[1].size == 9,
            "a buffer that was open before is open again");
}

static void test_write(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096};
    uint32_t done = 0;

    for (unsigned i = 0; i < 4; i++) {
        reset();
        host_ok(blobs_write(blobs, 0, pattern, sizes[i], &done) == 0 && done == sizes[i] && seen_size == sizes[i] &&
                    memcmp(seen, pattern, sizes[i]) == 0,
                "%zu bytes arrive", sizes[i]);
    }
    host_ok(!buffers_were_open && transport.server.string_buffers[0].size == 4096,
            "no string can be written over them while the handler runs; the next one can");
    host_ok(transport.items[0] == (4096UL << 32 | 2 << 24), "as a string item with nothing else in it");
    reset();
    host_ok(blobs_write(blobs, 0, pattern, 4097, &done) == -ERROR_BAD_ARGUMENT && transport.request == 0,
            "the stub refuses too many");
    transport.server.string_buffers[0].size = 100;
    host_ok(blobs_write(blobs, 0, pattern, 101, &done) == -ERROR_NO_BUFFER && handler_calls == 0,
            "a server that takes less does not see it");
}

static void test_bad_items(void)
{
    static const struct {
        uint64_t item;
        int result;
        const char *what;
    } cases[] = {
        {0, -ERROR_NO_SLOT, "nothing"},
        {1234, -ERROR_BAD_ARGUMENT, "a capability"},
        {4097UL << 32 | 2 << 24, -ERROR_BAD_ARGUMENT, "a string that is too long for the operation"},
        {10UL << 32 | 3 << 24, -ERROR_BAD_ARGUMENT, "a mapping"},
        {10UL << 32 | 2 << 24 | 1, -ERROR_BAD_ARGUMENT, "a string with a handle"},
        {10UL << 32 | 2 << 24 | 1 << 28, -ERROR_BAD_ARGUMENT, "a string with a reserved bit"},
        {UINT64_MAX, -ERROR_BAD_ARGUMENT, "all ones"},
    };
    uint8_t buffer[LONGEST];
    uint32_t done = 99;
    size_t length = 99;

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        reset();
        transport.replace_item_mask = 1;
        transport.replace_item = cases[i].item;
        host_ok(blobs_write(blobs, 0, pattern, 10, &done) == cases[i].result && handler_calls == 0 && done == 99,
                "%s in place of a string is refused", cases[i].what);
        host_ok(idl_refused_parameter() == 2, "by the parameter's number");
        host_ok(transport.deleted_count == (i == 1) && (i != 1 || transport_deleted(1234)), "%s is %s", cases[i].what,
                i == 1 ? "released" : "not taken for a capability");
        reset();
        transport.replace_in_reply = true;
        transport.replace_item_mask = 1;
        transport.replace_item = cases[i].item;
        host_ok(blobs_read(blobs, 0, buffer, sizeof(buffer), &length) == cases[i].result && length == 99,
                "in an answer too");
        host_ok(transport.deleted_count == (i == 1), "and what is a capability is released");
    }
}

static void test_rename(void)
{
    static char long_name[301];

    memset(long_name, 'n', 300);
    reset();
    host_ok(blobs_rename(blobs, (idl_string){long_name, 300}, (idl_string){long_name, 257}, idl_text("why")) == 0 &&
                seen_size == 257 && seen_text[257] == '\0',
            "two string items and a string in words, all with a terminator");
    long_name[256] = '\xc3';
    handler_calls = 0;
    host_ok(blobs_rename(blobs, idl_text("a"), (idl_string){long_name, 257}, idl_text("")) == -ERROR_BAD_ARGUMENT &&
                handler_calls == 0,
            "a string item that ends within a character is refused");
    host_ok(blobs_rename(blobs, idl_text("a"), (idl_string){long_name, 258}, idl_text("")) == -ERROR_BAD_ARGUMENT,
            "so is one that is too long");
}

static int mixed(blobs_t what, uint8_t *copy, size_t *copied, blobs_t *owner, char *label, size_t *labelled)
{
    return blobs_mixed(blobs, 1, what, pattern, 1000, (blobs_t){6}, idl_text("seven b"), copy, 1001, copied, owner,
                       label, 401, labelled);
}

static void test_mixed(void)
{
    uint8_t copy[1001];
    char label[401];
    size_t copied = 0, labelled = 0;
    blobs_t owner = {0};

    reset();
    host_ok(mixed((blobs_t){5}, copy, &copied, &owner, label, &labelled) == 0 && copied == 1000 &&
                memcmp(copy, pattern, 1000) == 0 && owner.handle == 5 + 2 * SERVER_HANDLE &&
                strcmp(label, "seven b") == 0 && labelled == 7,
            "strings and capabilities go through together");
    host_ok(transport.deleted_count == 1 && transport_deleted(6 + SERVER_HANDLE), "what was not taken is released");
    reset();
    host_ok(mixed((blobs_t){65536}, copy, &copied, &owner, label, &labelled) == -ERROR_BAD_HANDLE,
            "a bad handle beside strings is refused by the stub");
    transport.lost_items = 1;
    host_ok(mixed((blobs_t){5}, copy, &copied, &owner, label, &labelled) == -ERROR_NO_SLOT && handler_calls == 0 &&
                transport.deleted_count == 1 && transport_deleted(6 + SERVER_HANDLE),
            "if one of the capabilities found no slot the other is released, and the string is not");
}

static void test_oneway(void)
{
    reset();
    host_ok(blobs_log(blobs, idl_text("short")) == 0 && strcmp(seen_text, "short") == 0, "a oneway string in words");
    host_ok(blobs_log_long(blobs, idl_text("long")) == 0 && strcmp(seen_text, "long") == 0, "and as an item");
    handler_calls = 0;
    host_ok(blobs_log_long(blobs, idl_text("\x80")) == 0 && handler_calls == 0, "one that is no text is dropped");
}

static void test_crowded(void)
{
    uint8_t fixed[344] = {[343] = 7};
    uint64_t sum = 0;

    reset();
    host_ok(blobs_crowded(blobs, fixed, pattern, 64, pattern, 3, pattern, 2, &sum) == 0 && sum == 64309,
            "bytes that find no more words become an item");
    host_ok(transport.request == 0x540100098000113d && transport.items[0] == (2UL << 32 | 2 << 24),
            "the message has 61 words, which no third would fit beside, and an item");
}

static void test_four(void)
{
    uint8_t out[4][300];
    size_t lengths[4] = {0};

    reset();
    host_ok(blobs_four(blobs, pattern, 257, pattern + 1, 258, pattern + 2, 259, pattern + 3, 260, out[0], 300,
                       &lengths[0], out[1], 300, &lengths[1], out[2], 300, &lengths[2], out[3], 300, &lengths[3]) == 0,
            "four strings each way");
    for (unsigned i = 0; i < 4; i++)
        host_ok(lengths[i] == 257 + i && memcmp(out[i], pattern + i, lengths[i]) == 0, "string %u came back", i);
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t size;
    bool text;
} texts[] = {
    {"", 0, true},
    {"plain ASCII of some length", 26, true},
    {"\x7f\x01", 2, true},
    {"\0", 1, false},
    {"eight by\0", 9, false},
    {"12345678\xc3", 9, false},
    {"\xc2\x80\xdf\xbf", 4, true},
    {"\xc1\xbf", 2, false},
    {"\xe0\xa0\x80\xef\xbf\xbf", 6, true},
    {"\xe0\x9f\xbf", 3, false},
    {"\xed\x9f\xbf", 3, true},
    {"\xed\xa0\x80", 3, false},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, true},
    {"\xf0\x8f\xbf\xbf", 4, false},
    {"\xf4\x90\x80\x80", 4, false},
    {"\xf5\x80\x80\x80", 4, false},
    {"\x80", 1, false},
    {"\xe2\x82", 2, false},
    {"\xe2\x82x", 3, false},
    {"\xf0\x9f\x98", 3, false},
};

static void test_texts(void)
{
    char shifted[64];

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bool right = true;

        for (size_t before = 0; before < 17; before++) {
            memset(shifted, 'x', sizeof(shifted));
            memcpy(shifted + before, texts[i].bytes, texts[i].size);
            right &= idl_is_text(shifted, before + texts[i].size) == texts[i].text;
        }
        host_ok(right, "text %u is %s, wherever it stands", i, texts[i].text ? "text" : "none");
    }
}

int main(void)
{
    for (unsigned i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)(i * 7 + i / 256 + 1);
    test_small();
    test_small_limits();
    test_small_refused();
    test_greet();
    test_read();
    test_write();
    test_bad_items();
    test_rename();
    test_mixed();
    test_oneway();
    test_crowded();
    test_four();
    test_texts();
    return host_done();
}
