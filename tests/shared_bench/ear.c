/* SPDX-License-Identifier: BSD-2-Clause */
/* The server of the rows send.16, shared.send.16 and shared.string.4k. */
#include <salto/startup.h>

#include "idl/rings_server.h"

static uint32_t heard;

static void on_tell(void *object, const struct idl_call *call, uint32_t number)
{
    (void)object, (void)call;
    heard += number == heard;
}

static int on_heard(void *object, const struct idl_call *call, uint32_t *count)
{
    (void)object, (void)call;
    *count = heard;
    heard = 0;
    return 0;
}

static int on_swallow(void *object, const struct idl_call *call, const void *data, size_t data_size, uint32_t *count)
{
    (void)object, (void)call, (void)data;
    *count = (uint32_t)data_size;
    return 0;
}

RINGS_EAR_SERVER(dispatch, on)

int main(void)
{
    static struct rings_ear_buffers buffers;

    return -rings_ear_serve(salto_require("ear"), dispatch, 0, &buffers);
}
