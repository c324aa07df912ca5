/* SPDX-License-Identifier: BSD-2-Clause */
/* See victim.h. */
#include "victim.h"

#include <inttypes.h>
#include <salto/startup.h>
#include <salto/tap.h>
#include <salto/wait.h>
#include <string.h>

#include "../common/worker.h"
#include "abi/addresses.h"
#include "idl/clock.h"

#define BADGE 0x7601c71aUL
#define LABEL 0x5a17
#define SECRET_PAGES 4
#define SECRET_WORDS (SECRET_PAGES * PAGE_SIZE / 8)
#define SECRET_ADDRESS 0x300000000000UL
#define TABLE_HANDLES 24 /* of each task that are compared */
#define FACTOR 0x9e3779b97f4a7c15UL
#define INVERSE 0xf1de83e19937733dUL /* FACTOR * INVERSE is 1 */
#define PATIENCE 16                  /* rests, each twice as long as the one before: more than a second in all */
#define PRIORITY 220                 /* above that of hunters, which may be any below */
#define FIRST_REST 20000UL           /* nanoseconds */

/* Of the client's area. */
enum client_value { CLIENT_GO, CLIENT_PARTNER, CLIENT_ROUNDS, CLIENT_WRONG };
/* Of the partner's area. */
enum partner_value { PARTNER_ENDPOINT, PARTNER_WRONG };

enum wrong { WRONG_MEMORY = 1, WRONG_ANSWER = 2, WRONG_REQUEST = 4, WRONG_RESULT = 8 };

struct slot {
    uint32_t type, rights;
};

static struct worker client, partner;
static uint32_t go, partner_endpoint, secret;
static struct slot tables[2][TABLE_HANDLES];

static uint64_t secret_word(uint64_t round, uint64_t i)
{
    return (round * SECRET_WORDS + i + 1) * FACTOR;
}

/* First word of the UTCB that a message of `words` words does not write. */
static unsigned first_kept(uint32_t words)
{
    return words < MESSAGE_REGISTER_WORDS ? MESSAGE_REGISTER_WORDS : words;
}

/* ---- The partner: answers each word with its complement. ------------------------------------------------------- */

/* Is the request one of the client's, and does the UTCB hold behind it what it held before? */
static bool request_good(uint64_t tag, uint64_t badge, const uint64_t *before)
{
    if (!message_is_tag(tag) || badge != BADGE || message_label(tag) != LABEL)
        return false;
    for (unsigned i = first_kept((uint32_t)tag & TAG_WORDS_MASK); i < MESSAGE_MAX_WORDS; i++)
        if (ipc_utcb()->words[i] != before[i])
            return false;
    return true;
}

static void answer_requests(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t before[MESSAGE_MAX_WORDS] = {0};
    uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[PARTNER_ENDPOINT], &message);
    for (;;) {
        uint32_t words = (uint32_t)tag & TAG_WORDS_MASK;
        struct utcb *utcb = ipc_utcb();
        if (!request_good(tag, message.badge, before))
            area->values[PARTNER_WRONG]++;
        for (unsigned i = 0; i < MESSAGE_REGISTER_WORDS; i++)
            message.words[i] = ~message.words[i];
        for (unsigned i = MESSAGE_REGISTER_WORDS; i < words; i++)
            utcb->words[i] = ~utcb->words[i];
        memcpy(before, utcb->words, sizeof(before));
        tag = ipc_transfer(tag_of(LABEL, MESSAGE_REPLY_AND_WAIT, words, 0), area->values[PARTNER_ENDPOINT], &message);
    }
}

/* ---- The client ------------------------------------------------------------------------------------------------ */

/* Words of the UTCB beyond those of the message stay as they are. */
static bool partner_answers(struct area *area, uint64_t request, uint64_t round, uint32_t words)
{
    struct ipc_message message = {0};
    struct utcb *utcb = ipc_utcb();
    for (unsigned i = 0; i < MESSAGE_MAX_WORDS; i++)
        *(i < MESSAGE_REGISTER_WORDS ? &message.words[i] : &utcb->words[i]) = secret_word(round, i);
    uint64_t tag = ipc_transfer(request, area->values[CLIENT_PARTNER], &message);
    if (!message_is_tag(tag) || message_label(tag) != LABEL || message.badge != 0)
        return false;
    for (unsigned i = 0; i < words; i++)
        if ((i < MESSAGE_REGISTER_WORDS ? message.words[i] : utcb->words[i]) != ~secret_word(round, i))
            return false;
    for (unsigned i = first_kept(words); i < MESSAGE_MAX_WORDS; i++)
        if (utcb->words[i] != secret_word(round, i))
            return false;
    return true;
}

/* A call that takes the kernel's path. The partner waits, so the poll finds it. */
static uint32_t polled_call(uint32_t words)
{
    return TAG_NATIVE | TAG_POLL | MESSAGE_CALL << TAG_OPERATION_SHIFT | words;
}

static void check_round(struct area *area, uint64_t round)
{
    static const uint8_t sizes[] = {0, 3, 6, 7, 20, 63};
    uint64_t *words = (uint64_t *)SECRET_ADDRESS;
    for (uint64_t i = 0; i < SECRET_WORDS; i++) {
        if (words[i] != secret_word(round, i))
            area->values[CLIENT_WRONG] |= WRONG_MEMORY;
        words[i] = secret_word(round + 1, i);
    }
    for (unsigned i = 0; i < sizeof(sizes); i++) {
        uint64_t poll = message_labelled_tag(LABEL, polled_call(sizes[i]));
        if (!partner_answers(area, tag_of(LABEL, MESSAGE_CALL, sizes[i], 0), round, sizes[i]) ||
            !partner_answers(area, poll, round, sizes[i]))
            area->values[CLIENT_WRONG] |= WRONG_ANSWER;
    }
}

static void check_when_told(struct area *area)
{
    struct ipc_message message = {0};
    uint64_t *words = (uint64_t *)SECRET_ADDRESS;
    for (uint64_t i = 0; i < SECRET_WORDS; i++)
        words[i] = secret_word(0, i);
    for (;;) {
        uint64_t tag = ipc_transfer(TAG_RECEIVE, area->values[CLIENT_GO], &message);
        if (!message_is_tag(tag))
            area->values[CLIENT_WRONG] |= WRONG_RESULT;
        check_round(area, area->values[CLIENT_ROUNDS]);
        area->values[CLIENT_ROUNDS]++;
    }
}

/* ---- The first program's side ---------------------------------------------------------------------------------- */

static void read_table(kernel_task_t task, struct slot *table)
{
    for (uint32_t handle = 0; handle < TABLE_HANDLES; handle++) {
        kernel_rights_t rights = 0;
        table[handle].type = 0;
        EXPECT_EQUAL(kernel_task_inspect(task, handle, &table[handle].type, &rights), 0);
        table[handle].rights = rights;
    }
}

static bool table_equal(kernel_task_t task, const struct slot *before, const char *name)
{
    struct slot now[TABLE_HANDLES];
    read_table(task, now);
    for (uint32_t handle = 0; handle < TABLE_HANDLES; handle++)
        if (now[handle].type != before[handle].type || now[handle].rights != before[handle].rights) {
            tap_note("handle %u of the %s was type %u with rights %u, and is type %u with rights %u", handle, name,
                     before[handle].type, before[handle].rights, now[handle].type, now[handle].rights);
            return false;
        }
    return true;
}

void victim_create(void)
{
    uint32_t minted = 0;
    worker_create(&partner, true);
    worker_create(&client, true);
    partner_endpoint = guest_endpoint();
    go = guest_endpoint();
    secret = guest_memory(SECRET_PAGES);
    EXPECT_EQUAL(kernel_memory_map((kernel_memory_t){secret}, client.task, SECRET_ADDRESS, 0, SECRET_PAGES,
                                   RIGHT_READ | RIGHT_WRITE),
                 0);
    EXPECT_EQUAL(kernel_task_mint(own_task, partner_endpoint, client.task, RIGHT_WRITE, BADGE, &minted), 0);
    client.area->values[CLIENT_PARTNER] = minted;
    client.area->values[CLIENT_GO] = worker_give(&client, go, RIGHT_READ);
    partner.area->values[PARTNER_ENDPOINT] = worker_give(&partner, partner_endpoint, RIGHT_READ);
    worker_start(&partner, answer_requests);
    worker_start(&client, check_when_told);
    EXPECT_EQUAL(kernel_thread_set_priority(client.thread, PRIORITY), 0);
    EXPECT_EQUAL(kernel_thread_set_priority(partner.thread, PRIORITY), 0);
    read_table(client.task, tables[0]);
    read_table(partner.task, tables[1]);
}

void victim_go(void)
{
    struct ipc_message message = {0};
    (void)ipc_transfer(tag_of(0, MESSAGE_SEND, 0, 0) | TAG_POLL, go, &message);
}

/* Lets the victim run. */
static void rest(uint64_t nanoseconds)
{
    uint64_t now = 0;
    EXPECT_EQUAL(kernel_clock_now((kernel_clock_t){salto_require("clock")}, &now), 0);
    EXPECT_EQUAL(ipc_sleep_until(now + nanoseconds), 0);
}

bool victim_intact(void)
{
    uint64_t wanted = client.area->values[CLIENT_ROUNDS] + 2; /* one may have begun before the last damage was done */
    for (int i = 0; i < PATIENCE && client.area->values[CLIENT_ROUNDS] < wanted; i++) {
        victim_go();
        rest(FIRST_REST << i); /* a kernel that looks at itself may need longer than that to put this thread to sleep */
    }
    if (client.area->values[CLIENT_ROUNDS] < wanted)
        tap_note("the victim does not come back from its round");
    if (client.area->values[CLIENT_WRONG] || partner.area->values[PARTNER_WRONG])
        tap_note("the victim found memory (1), answers (2) or results (8) changed: %" PRIu64 "; its partner %" PRIu64
                 " false requests",
                 client.area->values[CLIENT_WRONG], partner.area->values[PARTNER_WRONG]);
    return table_equal(client.task, tables[0], "victim") && table_equal(partner.task, tables[1], "victim's partner") &&
           client.area->values[CLIENT_ROUNDS] >= wanted && client.area->values[CLIENT_WRONG] == 0 &&
           partner.area->values[PARTNER_WRONG] == 0;
}

bool victim_owns(uint64_t word)
{
    uint64_t known = (client.area->values[CLIENT_ROUNDS] + 2) * SECRET_WORDS;
    return word * INVERSE - 1 < known || ~word * INVERSE - 1 < known;
}

void victim_destroy(void)
{
    worker_destroy(&client);
    worker_destroy(&partner);
    guest_delete(go);
    guest_delete(partner_endpoint);
    guest_delete(secret);
}
