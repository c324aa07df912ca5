/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of bytes and strings: a note, its name and its title. */
#include "idl/notes.h"
#include "idl/notes_server.h"
#include "salto/startup.h"

#include <string.h>

static char note[NOTES_LONGEST];
static size_t note_size;
static char name[101], title[1001];

static int notes_on_write(void *object, const struct idl_call *call, uint64_t offset, const void *text,
                          size_t text_size, uint64_t *size)
{
    (void)object;
    (void)call;
    if (offset > sizeof(note) || text_size > sizeof(note) - offset)
        return -ERROR_BAD_ARGUMENT;
    if (text_size)
        memcpy(note + offset, text, text_size);
    note_size = offset + text_size;
    *size = note_size;
    return 0;
}

static int notes_on_read(void *object, const struct idl_call *call, uint64_t offset, struct idl_outbuf *text)
{
    (void)object;
    (void)call;
    if (offset > note_size)
        return NOTES_ERROR_NO_NOTE;
    text->data = note + offset;
    text->length = note_size - offset < text->capacity ? note_size - offset : text->capacity;
    return 0;
}

static int notes_on_set_name(void *object, const struct idl_call *call, idl_string text)
{
    (void)object;
    (void)call;
    memcpy(name, text.text, text.size + 1);
    return 0;
}

static int notes_on_set_title(void *object, const struct idl_call *call, idl_string text)
{
    (void)object;
    (void)call;
    memcpy(title, text.text, text.size + 1);
    return 0;
}

static int notes_on_describe(void *object, const struct idl_call *call, struct idl_outbuf *name_out,
                             struct idl_outbuf *title_out)
{
    size_t length = strlen(name) + strlen(title);

    (void)object;
    (void)call;
    if (strlen(name) > name_out->capacity || length > title_out->capacity)
        return -ERROR_NO_BUFFER;
    name_out->data = name;
    name_out->length = strlen(name);
    memcpy(title_out->data, name, strlen(name));
    memcpy((char *)title_out->data + strlen(name), title, strlen(title));
    title_out->length = length;
    return 0;
}

static int notes_on_forward(void *object, const struct idl_call *call, idl_string text, struct idl_cap *other,
                            bool *same, struct idl_outbuf *title_out)
{
    char kept[1001], other_name[101], other_title[1102];
    size_t name_length, title_length;
    int result;

    (void)object;
    (void)call;
    memcpy(kept, text.text, text.size + 1);
    result = notes_describe((notes_t){other->handle}, other_name, sizeof(other_name), &name_length, other_title,
                            sizeof(other_title), &title_length);
    if (result != 0)
        return result;
    *same = strlen(text.text) == text.size && strcmp(kept, text.text) == 0;
    if (title_length > title_out->capacity)
        return -ERROR_NO_BUFFER;
    memcpy(title_out->data, other_title, title_length);
    title_out->length = title_length;
    return 0;
}

static int notes_on_wait(void *object, const struct idl_call *call, idl_string text, struct idl_outbuf *title_out)
{
    (void)object;
    (void)call;
    (void)text;
    (void)title_out;
    return 0;
}

NOTES_SERVER(serve_notes, notes_on)

int main(void)
{
    static struct notes_buffers buffers;

    return notes_serve(salto_require("notes"), serve_notes, NULL, &buffers) == 0 ? 0 : 1;
}
