/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dispatchers and stubs do seldom: refusing a request, and giving capabilities back.
 */
#include "salto/server.h"

#include "idl/task.h"
#include "salto/idl.h"

#define MAX_PIECE ((size_t)1 << 40) /* bytes that one unmapping takes at once */

uint32_t salto_own_task;
salto_serve_function *salto_serve_rings;

void idl_release(uint32_t handle)
{
    if (handle == 0)
        return;
    /* It fails only where the program has no capability to its own task, and then nothing else could be done. */
    (void)!kernel_task_delete((kernel_task_t){salto_own_task}, handle);
}

void idl_release_pages(struct idl_pages pages)
{
    if (pages.size == 0)
        return;
    /* As above. The size is that of a flexpage, whose pages the operation can count. */
    for (size_t done = 0, piece; done < pages.size; done += piece) {
        piece = pages.size - done < MAX_PIECE ? pages.size - done : MAX_PIECE;
        if (kernel_task_unmap((kernel_task_t){salto_own_task}, (uint64_t)(uintptr_t)pages.address + done,
                              (uint32_t)(piece / PAGE_SIZE)) != 0)
            return;
    }
}

void idl_take_back(struct idl_pages pages)
{
    kernel_page_use_t used;

    for (size_t done = 0, piece; done < pages.size; done += piece) {
        piece = pages.size - done < MAX_PIECE ? pages.size - done : MAX_PIECE;
        if (kernel_task_revoke_pages((kernel_task_t){salto_own_task}, (uint64_t)(uintptr_t)pages.address + done,
                                     (uint32_t)(piece / PAGE_SIZE), RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE,
                                     &used) != 0)
            return;
    }
}

/* Strings need not be given back. Deleting makes an IPC without items, which leaves those of the UTCB alone. */
void idl_release_items(const struct utcb *utcb, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (idl_is_handle(utcb->items[i]))
            idl_release((uint32_t)utcb->items[i]);
        else if (idl_are_pages(utcb->items[i], 0))
            idl_release_pages(idl_arrived_pages(utcb, i));
}

static uint32_t tag_items(uint64_t tag)
{
    return (uint32_t)tag >> TAG_ITEMS_SHIFT & TAG_ITEMS_MASK;
}

void idl_drop_answer(uint64_t tag)
{
    const struct utcb *utcb = ipc_utcb();

    for (uint32_t i = 0; i < tag_items(tag); i++) {
        uint32_t kind = (uint32_t)utcb->items[i] >> ITEM_KIND_SHIFT;

        if (kind == ITEM_MOVE)
            idl_release((uint32_t)utcb->items[i] & ITEM_HANDLE_MASK);
        else if (kind == ITEM_GRANT)
            idl_release_pages(idl_arrived_pages(utcb, i));
    }
}

static uint64_t refusals_count;
static struct idl_refusal last_refusal;

/* Threads of a program may refuse at once: each of the two is written whole. */
static void count_refusal(uint64_t tag, int error, uint32_t parameter)
{
    struct idl_refusal refusal = {message_label(tag), (uint16_t)parameter, (uint16_t)error};

    if (ipc_utcb()->words[IDL_PLACE_WORD] == IDL_AT_CALLER_REFUSED)
        return; /* it was not refused, but comes again */
    __atomic_store(&last_refusal, &refusal, __ATOMIC_RELAXED);
    __atomic_fetch_add(&refusals_count, 1, __ATOMIC_RELEASE);
}

uint64_t salto_refusals(struct idl_refusal *last)
{
    uint64_t count = __atomic_load_n(&refusals_count, __ATOMIC_ACQUIRE);

    __atomic_load(&last_refusal, last, __ATOMIC_RELAXED);
    return count;
}

struct idl_answer idl_refuse(uint64_t tag, int error, uint32_t parameter)
{
    uint32_t operation = (uint32_t)tag >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK;

    if (error == 0)
        error = idl_items_error(ipc_utcb(), tag_items(tag));
    count_refusal(tag, error, parameter);
    if (tag_items(tag))
        idl_release_items(ipc_utcb(), tag_items(tag));
    if (operation == MESSAGE_SEND || operation == MESSAGE_SIGNAL)
        return idl_no_answer();
    return (struct idl_answer){message_labelled_tag((uint32_t)-error, TAG_PLAIN_REPLY + (parameter != 0)), parameter};
}

struct idl_answer idl_conclude(uint64_t tag, struct idl_answer outcome)
{
    int number = (int)message_label(outcome.tag);
    bool (*is_raised)(int error) = (bool (*)(int error))(uintptr_t)outcome.word;

    if ((uint32_t)outcome.tag == IDL_REFUSED)
        return idl_refuse(tag, number, (uint32_t)outcome.word);
    if (number > 0 && !(is_raised && is_raised(number)))
        number = -ERROR_ABANDONED;
    return (struct idl_answer){message_labelled_tag((uint32_t)number, TAG_PLAIN_REPLY), 0};
}
