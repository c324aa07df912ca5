/* SPDX-License-Identifier: BSD-2-Clause */
/* A badge is chosen once, by who mints; the receiver is told it whatever the sender does; and rights never grow. */
#include "../common/worker.h"

#define BADGE 0xbad6eUL

static void no_second_badge(void)
{
    uint32_t endpoint = guest_endpoint(), minted = 0, again = 0, copy = 0;
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, own_task, RIGHTS_ALL, BADGE, &minted), 0);
    EXPECT_ERROR(kernel_task_mint(own_task, minted, own_task, RIGHTS_ALL, BADGE + 1, &again), NO_RIGHT);
    EXPECT_EQUAL(kernel_task_copy(own_task, minted, own_task, RIGHTS_ALL, &copy), 0);
    EXPECT_ERROR(kernel_task_mint(own_task, copy, own_task, RIGHTS_ALL, 0, &again), NO_RIGHT);
    guest_delete(copy);
    guest_delete(minted);
    guest_delete(endpoint);
}

static void rights_never_grow(void)
{
    uint32_t endpoint = guest_endpoint(), narrow = guest_copy(endpoint, RIGHT_WRITE | RIGHT_COPY);
    uint32_t wide = guest_copy(narrow, RIGHTS_ALL), last = guest_copy(wide, RIGHT_WRITE), copy = 0;
    EXPECT_EQUAL(guest_rights(wide), RIGHT_WRITE | RIGHT_COPY);
    EXPECT_EQUAL(guest_rights(last), RIGHT_WRITE);
    EXPECT_ERROR(kernel_task_copy(own_task, last, own_task, RIGHTS_ALL, &copy), NO_RIGHT);
    guest_delete(last);
    guest_delete(wide);
    guest_delete(narrow);
    guest_delete(endpoint);
}

/* A task that holds a badged capability sends, with words and a label of its choice: the badge is told as it is. */
static void badge_is_told(void)
{
    struct worker worker;
    struct ipc_message message = {0};
    uint32_t endpoint = guest_endpoint(), minted = 0;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_task_mint(own_task, endpoint, worker.task, RIGHT_WRITE, BADGE, &minted), 0);
    struct step *step = worker_add(&worker, tag_of(7, MESSAGE_SEND, 2, 0), minted);
    step->words[0] = BADGE + 1;
    worker_go(&worker);
    uint64_t tag = ipc_transfer(TAG_NATIVE | MESSAGE_RECEIVE << TAG_OPERATION_SHIFT, endpoint, &message);
    EXPECT_EQUAL(message_label(tag), 7);
    EXPECT_EQUAL(message.badge, BADGE);
    EXPECT_EQUAL(message.words[0], BADGE + 1);
    worker_wait(&worker, 1);
    worker_destroy(&worker);
    guest_delete(endpoint);
}

static const struct guest_test tests[] = {
    {"a badge is given once", no_second_badge},
    {"rights never grow", rights_never_grow},
    {"the receiver is told the badge", badge_is_told},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
