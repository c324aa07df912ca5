/* SPDX-License-Identifier: BSD-2-Clause */
/* See borrower.h. */
#include "borrower.h"

/* Carries out the way; the handler's result. */
static int go(struct area *area, const struct idl_pages *memory, loans_way_t way, kernel_rights_t rights)
{
    const kernel_task_t task = {salto_own_task};
    struct ipc_message message = {0};

    area->done++;
    if (way == LOANS_WAY_MAP_ON || way == LOANS_WAY_WAIT)
        area->values[BORROWER_MAPPED_ON] = (uint64_t)kernel_task_map_on(task, (uint64_t)memory->address, task, KEPT,
                                                                        (uint32_t)(memory->size / PAGE_SIZE), rights);
    if (way == LOANS_WAY_WAIT)
        ipc_transfer(tag_of(0, MESSAGE_CALL, 0, 0), area->values[BORROWER_PAUSE], &message); /* keeps its caller */
    return way == LOANS_WAY_REFUSE ? LOANS_ERROR_UNWILLING : 0;
}

static int on_read(void *object, const struct idl_call *call, const struct idl_pages *memory, loans_way_t way,
                   uint64_t *sum)
{
    (void)call;
    for (size_t at = 0; at < memory->size; at += PAGE_SIZE)
        *sum += ((const volatile uint8_t *)memory->address)[at];
    return go(object, memory, way, RIGHT_READ);
}

static int on_write(void *object, const struct idl_call *call, const struct idl_pages *memory, loans_way_t way,
                    uint8_t byte)
{
    (void)call;
    for (size_t at = 0; at < memory->size; at += PAGE_SIZE)
        ((volatile uint8_t *)memory->address)[at] = byte;
    return go(object, memory, way, RIGHT_READ | RIGHT_WRITE);
}

LOANS_BORROWER_SERVER(serve_borrower, on)

void borrower_serve(struct area *area)
{
    idl_set_window(ipc_utcb(), (struct idl_pages){(void *)WINDOW, WINDOW_SIZE});
    salto_serve((uint32_t)area->values[BORROWER_ENDPOINT], serve_borrower, area);
}
