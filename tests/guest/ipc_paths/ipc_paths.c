/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trampoline's paths and the kernel's leave the same registers: the same message, carried in every way there is, to
 * a receiver and back to its caller, between tasks and within one. One of the two is observed: it stops right behind
 * its IPC, and its registers are compared with what docs/ipc.md says, and with those of the first way, the
 * trampoline's.
 */
#include <string.h>

#include "../common/worker.h"
#include "abi/addresses.h"
#include "marked.h"

#define BADGE 0xbadbadbad0UL
#define REQUEST_LABEL 0x80000001U
#define ANSWER_LABEL 0xfffffffeU
#define PATIENCE 2000
#define FLAG_RESUME 0x10000UL /* set by the processor in the frame of a fault */

/* How a request reaches its receiver. The first is the trampoline's. */
enum request { WAITS, POLLED, QUEUED, AFTER_ANSWER, REQUESTS };

/* How an answer reaches its caller: reply-and-wait by the handle waited with before (the trampoline's), by another
 * handle of the same endpoint, with a sender queued; and a reply alone. */
enum answer { SAME_HANDLE, OTHER_HANDLE, SENDER_QUEUED, REPLY_ALONE, ANSWERS };

/* A worker's values. */
enum value { HANDLE, TAG, ANSWERS_FIRST, CLEAN };

/* Constants of the image: not writable for any worker in a task of its own. */
static const struct ipc_message sealed = {.words = {0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666}};

static const uint32_t lengths[] = {0, 1, 5, 6, 7, 8, 63};

/* ---- Observed workers -------------------------------------------------------------------------------------------- */

/* Receives what is to be answered first; answers the tag of the IPC to be observed. */
static uint64_t prepare(struct area *area)
{
    struct ipc_message message = {0};
    if (area->values[ANSWERS_FIRST])
        ipc_transfer(TAG_RECEIVE, area->values[HANDLE], &message);
    return area->values[TAG];
}

static void observe_registers(struct area *area)
{
    uint64_t tag = prepare(area);
    area->begun++;
    marked_transfer(tag, area->values[HANDLE], &sealed);
}

/* Are vector and x87 registers and their controls at their defaults? Intel SDM volume 1, 10.5.1, has the layout. */
static bool is_clean(const uint8_t *state)
{
    static const uint8_t control[] = {0x7f, 0x03, 0, 0, 0}, mxcsr[] = {0x80, 0x1f, 0, 0};
    uint8_t dirt = 0;
    for (int i = 32; i < 32 + 8 * 16 + 16 * 16; i++)
        dirt |= state[i];
    return dirt == 0 && memcmp(state, control, sizeof(control)) == 0 && memcmp(state + 24, mxcsr, sizeof(mxcsr)) == 0;
}

static void observe_vectors(struct area *area)
{
    uint8_t state[FXSAVE_SIZE] __attribute__((aligned(16)));
    struct ipc_message message = sealed;
    uint64_t tag = prepare(area);
    area->begun++;
    tag = vector_transfer(tag, area->values[HANDLE], &message, state);
    area->values[CLEAN] = message_is_tag(tag) && is_clean(state);
    area->done++;
}

/* ---- Scenes ------------------------------------------------------------------------------------------------------ */

static void fill(struct step *step, uint64_t base)
{
    for (uint64_t i = 0; i < MESSAGE_MAX_WORDS; i++)
        step->words[i] = base + i;
}

static uint64_t request_tag(enum request request, uint32_t words)
{
    return request == POLLED ? polled_tag_of(REQUEST_LABEL, MESSAGE_CALL, words, 0)
                             : tag_of(REQUEST_LABEL, MESSAGE_CALL, words, 0);
}

/* The observed one has a task of its own, and its partner too or the same. */
static void create_pair(struct worker *observed, struct worker *partner, bool same)
{
    worker_create(observed, true);
    if (same)
        worker_create_in(partner, observed);
    else
        worker_create(partner, true);
}

/* Waits until the observed worker has stopped on its fault, or has looked at its vector state. */
static void wait_for(const struct worker *observed)
{
    struct kernel_registers registers;
    int result = -ERROR_BUSY;
    for (int i = 0; i < PATIENCE && result == -ERROR_BUSY && observed->area->done == 0; i++) {
        guest_yield();
        result = kernel_thread_registers(observed->thread, &registers);
    }
    EXPECT(result == 0 || observed->area->done == 1);
}

/* The observed worker receives what its partner sends: words 0x1000 and on. It answers an empty call first where it is
 * to receive with a reply-and-wait. */
static void receiver_scene(struct worker *observed, worker_function *function, enum request request, uint32_t words,
                           bool same)
{
    struct worker client;
    uint32_t endpoint = guest_endpoint();
    create_pair(observed, &client, same);
    uint32_t handle = worker_mint(&client, endpoint, RIGHT_WRITE, BADGE);
    observed->area->values[HANDLE] = worker_give(observed, endpoint, RIGHT_READ);
    observed->area->values[TAG] = request == AFTER_ANSWER ? tag_of(0, MESSAGE_REPLY_AND_WAIT, 6, 0) : TAG_RECEIVE;
    observed->area->values[ANSWERS_FIRST] = request == AFTER_ANSWER;
    if (request == AFTER_ANSWER)
        worker_add(&client, tag_of(0, MESSAGE_CALL, 0, 0), handle);
    fill(worker_add(&client, request_tag(request, words), handle), 0x1000);
    if (request == QUEUED)
        worker_go(&client);
    worker_start(observed, function);
    if (request == WAITS || request == POLLED)
        worker_settle(observed, 1);
    if (request != QUEUED)
        worker_go(&client);
    wait_for(observed);
    worker_destroy(&client);
    guest_delete(endpoint);
}

/* What answers the observed worker: receives, lets the test know by `gate`, and answers with words 0x2000 and on. */
static void plan_server(const struct worker *server, uint32_t endpoint, uint32_t gate, enum answer answer,
                        uint32_t words)
{
    uint32_t handle = worker_give(server, endpoint, RIGHT_READ), other = worker_give(server, endpoint, RIGHT_READ);
    uint32_t operation = answer == REPLY_ALONE ? MESSAGE_REPLY : MESSAGE_REPLY_AND_WAIT;
    worker_add(server, TAG_RECEIVE, handle);
    worker_add(server, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(server, gate, RIGHT_WRITE));
    fill(worker_add(server, tag_of(ANSWER_LABEL, operation, words, 0), answer == OTHER_HANDLE ? other : handle),
         0x2000);
}

/* Lets the server answer; where a sender is to be queued, it is `third`. */
static void open_gate(const struct worker *server, const struct worker *third, uint32_t gate, enum answer answer)
{
    struct ipc_message message = {0};
    worker_settle(server, 2);
    if (answer == SENDER_QUEUED)
        worker_go(third);
    EXPECT_EQUAL(ipc_transfer(TAG_RECEIVE, gate, &message), tag_of(0, MESSAGE_SEND, 0, 0));
}

/* The observed worker calls, with the words of `sealed`. */
static void caller_scene(struct worker *observed, worker_function *function, enum request request, enum answer answer,
                         uint32_t words, bool same)
{
    struct worker server, third;
    uint32_t endpoint = guest_endpoint(), gate = guest_endpoint();
    create_pair(observed, &server, same);
    worker_create(&third, true);
    worker_add(&third, tag_of(0, MESSAGE_SEND, 0, 0), worker_give(&third, endpoint, RIGHT_WRITE));
    plan_server(&server, endpoint, gate, answer, words);
    observed->area->values[HANDLE] = worker_mint(observed, endpoint, RIGHT_WRITE, BADGE);
    observed->area->values[TAG] = request_tag(request, words);
    if (request != QUEUED)
        worker_go(&server);
    worker_start(observed, function);
    worker_settle(observed, 1);
    if (request == QUEUED)
        worker_go(&server);
    open_gate(&server, &third, gate, answer);
    wait_for(observed);
    if (answer == SENDER_QUEUED && worker_wait(&third, 1)) /* the server went on to it */
        EXPECT_EQUAL(third.area->steps[0].result, TAG_DONE);
    worker_destroy(&third);
    worker_destroy(&server);
    guest_delete(gate);
    guest_delete(endpoint);
}

/* ---- Registers --------------------------------------------------------------------------------------------------- */

/* The registers of a worker that stopped, those that every IPC loses left out, and addresses relative to its area. */
static struct kernel_registers registers_of(const struct worker *worker)
{
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(kernel_thread_registers(worker->thread, &registers), 0);
    registers.rsp -= (uint64_t)worker->area;
    registers.rflags &= ~FLAG_RESUME;
    registers.rcx = registers.r11 = 0;
    return registers;
}

static void expect_message(const struct kernel_registers *registers, uint64_t tag, uint64_t handle, uint64_t base)
{
    EXPECT_EQUAL(registers->rax, tag);
    EXPECT_EQUAL(registers->rdi, handle);
    EXPECT_EQUAL(registers->rsi, base);
    EXPECT_EQUAL(registers->rdx, base + 1);
    EXPECT_EQUAL(registers->r8, base + 2);
    EXPECT_EQUAL(registers->r9, base + 3);
    EXPECT_EQUAL(registers->r10, base + 4);
    EXPECT_EQUAL(registers->rbx, base + 5);
    EXPECT_EQUAL(registers->fs_base, MARK_FS_BASE);
}

static void expect_zeros(const struct kernel_registers *registers)
{
    EXPECT_EQUAL(registers->rbp | registers->r12 | registers->r13 | registers->r14 | registers->r15, 0);
}

static void expect_marks(const struct kernel_registers *registers)
{
    EXPECT_EQUAL(registers->rbp, MARK_RBP);
    EXPECT_EQUAL(registers->r12, MARK_R12);
    EXPECT_EQUAL(registers->r13, MARK_R13);
    EXPECT_EQUAL(registers->r14, MARK_R14);
    EXPECT_EQUAL(registers->r15, MARK_R15);
}

static void receiver_registers(bool same, uint32_t words)
{
    struct kernel_registers first = {0};
    for (enum request request = WAITS; request < REQUESTS; request++) {
        struct worker observed;
        receiver_scene(&observed, observe_registers, request, words, same);
        struct kernel_registers registers = registers_of(&observed);
        expect_message(&registers, tag_of(REQUEST_LABEL, MESSAGE_CALL, words, 0), BADGE, 0x1000);
        expect_zeros(&registers);
        if (request == WAITS)
            first = registers;
        EXPECT(memcmp(&registers, &first, sizeof(first)) == 0);
        worker_destroy(&observed);
    }
}

static void receivers_apart(void)
{
    for (unsigned i = 0; i < COUNT(lengths); i++)
        receiver_registers(false, lengths[i]);
}

static void receivers_together(void)
{
    for (unsigned i = 0; i < COUNT(lengths); i++)
        receiver_registers(true, lengths[i]);
}

static void caller_registers(bool same, uint32_t words)
{
    struct kernel_registers first = {0};
    for (enum request request = WAITS; request <= QUEUED; request++)
        for (enum answer answer = SAME_HANDLE; answer < ANSWERS; answer++) {
            struct worker observed;
            caller_scene(&observed, observe_registers, request, answer, words, same);
            struct kernel_registers registers = registers_of(&observed);
            expect_message(&registers, tag_of(ANSWER_LABEL, MESSAGE_REPLY_AND_WAIT, words, 0), 0, 0x2000);
            expect_marks(&registers);
            if (request == WAITS && answer == SAME_HANDLE)
                first = registers;
            EXPECT(memcmp(&registers, &first, sizeof(first)) == 0);
            worker_destroy(&observed);
        }
}

static void callers_apart(void)
{
    for (unsigned i = 0; i < COUNT(lengths); i++)
        caller_registers(false, lengths[i]);
}

static void callers_together(void)
{
    for (unsigned i = 0; i < COUNT(lengths); i++)
        caller_registers(true, lengths[i]);
}

/* ---- Vector state ------------------------------------------------------------------------------------------------ */

static void expect_clean(struct worker *observed)
{
    EXPECT_EQUAL(observed->area->values[CLEAN], 1);
    worker_destroy(observed);
}

static void receiver_vectors(void)
{
    struct worker observed;
    for (enum request request = WAITS; request < REQUESTS; request++)
        for (int i = 0; i < 4; i++) {
            receiver_scene(&observed, observe_vectors, request, i / 2 ? 63 : 0, i % 2);
            expect_clean(&observed);
        }
}

static void caller_vectors(void)
{
    struct worker observed;
    for (enum request request = WAITS; request <= QUEUED; request++)
        for (enum answer answer = SAME_HANDLE; answer < ANSWERS; answer++)
            for (int i = 0; i < 4; i++) {
                caller_scene(&observed, observe_vectors, request, answer, i / 2 ? 63 : 0, i % 2);
                expect_clean(&observed);
            }
}

static const struct guest_test tests[] = {
    {"registers of receivers in other tasks", receivers_apart},
    {"registers of receivers in the same task", receivers_together},
    {"registers of callers in other tasks", callers_apart},
    {"registers of callers in the same task", callers_together},
    {"vector registers of receivers", receiver_vectors},
    {"vector registers of callers", caller_vectors},
};

int main(void)
{
    return guest_run(tests, COUNT(tests));
}
