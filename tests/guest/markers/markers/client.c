/* SPDX-License-Identifier: BSD-2-Clause */
/* The marked client. See markers.h. */
#include "markers.h"

#include "abi/addresses.h"

#define PATIENCE 2000 /* yields until a client counts as stuck */

void make_calls(struct area *area)
{
    while (area->done < area->count) {
        struct call *call = &calls_of(area)[area->done];
        struct utcb *utcb = ipc_utcb();
        for (uint64_t i = MESSAGE_REGISTER_WORDS; call->utcb_marks && i < MESSAGE_MAX_WORDS; i++)
            utcb->words[i] = call->utcb_marks | i;
        utcb->items[0] = call->item;
        do
            registers_system_call(&call->before, &call->after);
        while (call->retry && call->after.rax == ERROR_WOULD_BLOCK);
        area->done++;
    }
}

struct call *add_call(const struct worker *client, uint64_t tag, uint64_t handle, uint64_t kept, uint64_t words)
{
    struct call *call = &calls_of(client->area)[client->area->count];
    if (!EXPECT(client->area->count < CALLS))
        return &calls_of(client->area)[0];
    client->area->count++;
    marks_fill(&call->before, kept);
    marks_fill_words(&call->before, words);
    call->before.rax = tag;
    call->before.rdi = handle;
    return call;
}

void wait_in_call(uint64_t kept)
{
    for (int i = 0; i < PATIENCE && marks_search(kept, own_task).in_private != KEPT_REGISTERS; i++)
        guest_yield();
    EXPECT_EQUAL(marks_search(kept, own_task).in_private, KEPT_REGISTERS);
}

uint32_t give_badged(const struct worker *client, uint32_t endpoint)
{
    uint32_t handle = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, client->task, KERNEL_RIGHTS_WRITE, BADGE, &handle), 0);
    return handle;
}

void expect_returned(const char *what, const struct registers *before, const struct registers *after)
{
    EXPECT_EQUAL_IN(what, after->rsp, after->rsp_before);
    EXPECT_EQUAL_IN(what, after->flags, before->flags);
    EXPECT_EQUAL_IN(what, after->fs_base, before->fs_base);
    EXPECT_IN(what, after->gs_base >= UTCB_BASE && after->gs_base < UTCB_BASE + MAX_THREADS_PER_TASK * PAGE_SIZE);
    marks_expect_clean_vectors(what, after);
    marks_expect_no_kernel_address(what, after);
}

void expect_caller_kept(const char *what, const struct call *call, uint64_t kept, uint64_t rdi)
{
    const struct registers *before = &call->before, *after = &call->after;
    EXPECT_EQUAL_IN(what, after->rbp, before->rbp);
    EXPECT_EQUAL_IN(what, after->r12, before->r12);
    EXPECT_EQUAL_IN(what, after->r13, before->r13);
    EXPECT_EQUAL_IN(what, after->r14, before->r14);
    EXPECT_EQUAL_IN(what, after->r15, before->r15);
    EXPECT_EQUAL_IN(what, marks_count(after, sizeof(*after), kept), KEPT_REGISTERS);
    EXPECT_EQUAL_IN(what, after->rdi, rdi);
    expect_returned(what, before, after);
}

static bool is_receive(uint32_t low)
{
    return low > TAG_PLAIN_REPLY_LAST && (low >> TAG_OPERATION_SHIFT & TAG_OPERATION_MASK) == MESSAGE_RECEIVE &&
           !(low & TAG_RESERVED);
}

void expect_failed(const char *what, const struct call *call, uint64_t error, uint64_t kept)
{
    EXPECT_EQUAL_IN(what, call->after.rax, error);
    for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        EXPECT_EQUAL_IN(what, marks_word(&call->after, i), marks_word(&call->before, i));
    expect_caller_kept(what, call, kept, is_receive((uint32_t)call->before.rax) ? PHASE_RECEIVE : PHASE_SEND);
}
