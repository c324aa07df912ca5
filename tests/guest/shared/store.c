/* SPDX-License-Identifier: BSD-2-Clause */
/* A server of strings; nothing here tells how it is called. */
#include <string.h>

#include <salto/startup.h>

#include "idl/desk.h"
#include "idl/desk_server.h"

static uint64_t letters;

static int on_echo(void *object, const struct idl_call *call, const void *data, size_t data_size,
                   struct idl_outbuf *back)
{
    (void)object, (void)call;
    if (data_size > back->capacity)
        return -ERROR_NO_BUFFER;
    back->data = (void *)(uintptr_t)data; /* which stays until the next request */
    back->length = data_size;
    return 0;
}

static int on_join(void *object, const struct idl_call *call, idl_string first, idl_string second,
                   struct idl_outbuf *joined)
{
    (void)object, (void)call;
    if (first.size + second.size > joined->capacity)
        return -ERROR_NO_BUFFER;
    memcpy(joined->data, first.text, first.size);
    memcpy((char *)joined->data + first.size, second.text, second.size);
    joined->length = first.size + second.size;
    return 0;
}

static void on_tell(void *object, const struct idl_call *call, idl_string text)
{
    (void)object, (void)call;
    letters += text.size;
}

static int on_letters(void *object, const struct idl_call *call, uint64_t *count)
{
    (void)object, (void)call;
    *count = letters;
    letters = 0;
    return 0;
}

DESK_STORE_SERVER(serve_store, on)

int main(void)
{
    static struct desk_store_buffers buffers;

    return desk_store_serve(salto_require("store"), serve_store, NULL, &buffers) == 0 ? 0 : 1;
}
