/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State that a program may set before it enters the kernel: flags, segment bases, stack pointer, and `syscall` as the
 * last instruction that can be mapped. Each worker does it in a task of its own; the kernel and this program go on.
 */
#include <sys/syscall.h>

#include "../common/worker.h"
#include "abi/addresses.h"
#include "canonical.h"

#define FLAG_TRAP 0x100UL
#define FLAG_DIRECTION 0x400UL
#define FLAG_NESTED_TASK 0x4000UL
#define FLAG_ALIGNMENT 0x40000UL
#define KERNEL_LOOKING 0xffffffffc0000000UL
#define NON_CANONICAL 0x0000900000000000UL

/* A call with `flags` set; answers the flags afterwards. The handle names nothing: the kernel answers with an error. */
static uint64_t flags_through_call(uint64_t flags, uint64_t *result)
{
    uint64_t after, saved;
    __asm__ volatile("pushfq\n\tpop %[saved]\n\t"
                     "push %[flags]\n\tpopfq\n\tsyscall\n\tpushfq\n\tpop %[after]\n\t"
                     "push %[saved]\n\tpopfq"
                     : "=a"(*result), [after] "=&r"(after), [saved] "=&r"(saved)
                     : "a"(TAG_PLAIN_CALL), "D"(60000), [flags] "r"(flags | 0x202)
                     : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "rbx", "memory", "cc");
    return after;
}

static void flags_come_back(void)
{
    static const uint64_t flags[] = {0, FLAG_DIRECTION, FLAG_NESTED_TASK, FLAG_ALIGNMENT,
                                     FLAG_DIRECTION | FLAG_NESTED_TASK};
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        uint64_t result, after = flags_through_call(flags[i], &result);
        EXPECT_EQUAL(result, ERROR_BAD_HANDLE);
        EXPECT_EQUAL(after & (FLAG_DIRECTION | FLAG_NESTED_TASK | FLAG_ALIGNMENT), flags[i]);
    }
}

/* The same through a Linux call, which comes back by another way. */
static void flags_through_linux_call(void)
{
    static const uint64_t flags[] = {FLAG_DIRECTION, FLAG_NESTED_TASK, FLAG_ALIGNMENT};
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        uint64_t result = SYS_getpid, after, saved;
        __asm__ volatile("pushfq\n\tpop %[saved]\n\t"
                         "push %[flags]\n\tpopfq\n\tsyscall\n\tpushfq\n\tpop %[after]\n\t"
                         "push %[saved]\n\tpopfq"
                         : "+a"(result), [after] "=&r"(after), [saved] "=&r"(saved)
                         : [flags] "r"(flags[i] | 0x202)
                         : "rcx", "r11", "memory", "cc");
        EXPECT_EQUAL(result, 1);
        EXPECT_EQUAL(after & (FLAG_DIRECTION | FLAG_NESTED_TASK | FLAG_ALIGNMENT), flags[i]);
    }
}

#define LONG_WORDS 20

/* Sends the words in the UTCB with the direction flag set. The words are copied upwards all the same. */
static void send_backwards(uint64_t tag, uint64_t handle)
{
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        ipc_utcb()->words[i] = 1000 + i;
    __asm__ volatile("std\n\tsyscall\n\tcld"
                     : "+a"(tag), "+D"(handle)
                     :
                     : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "rbx", "memory", "cc");
    EXPECT(message_is_tag(tag));
}

static void words_go_upwards(void)
{
    struct worker worker;
    uint32_t endpoint = guest_endpoint();
    worker_create(&worker, true);
    uint32_t server = worker_give(&worker, endpoint, RIGHT_READ);
    const struct step *called = worker_add(&worker, TAG_RECEIVE, server);
    worker_add(&worker, tag_of(0, MESSAGE_REPLY_AND_WAIT, 0, 0), server);
    worker_go(&worker);
    send_backwards(tag_of(0, MESSAGE_CALL, LONG_WORDS, 0), endpoint);
    send_backwards(tag_of(0, MESSAGE_SEND, LONG_WORDS, 0), endpoint);
    worker_wait(&worker, 2);
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++) {
        EXPECT_EQUAL(called[0].words[i], i < LONG_WORDS ? 1000 + i : 0);
        EXPECT_EQUAL(called[1].words[i], i < LONG_WORDS ? 1000 + i : 0);
    }
    worker_destroy(&worker);
    guest_delete(endpoint);
}

/* Runs `function` in a task of its own: it must get as far as `done` 1, and not to 2 if it is to be stopped. */
static void in_own_task(worker_function *function, uint64_t value, uint32_t expected)
{
    struct worker worker;
    worker_create(&worker, true);
    worker.area->values[0] = value;
    worker_start(&worker, function);
    worker_wait(&worker, 1);
    for (int i = 0; i < 4; i++)
        guest_yield();
    EXPECT_EQUAL(worker.area->done, expected);
    worker_destroy(&worker);
}

static void trap_after_call(struct area *area)
{
    uint64_t result;
    area->done = 1;
    flags_through_call(FLAG_TRAP, &result);
    area->done = 2;
}

static void trap_stops_who_set_it(void)
{
    in_own_task(trap_after_call, 0, 1);
}

static uint64_t call_nothing(void)
{
    uint64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(TAG_PLAIN_CALL), "D"(60000)
                     : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "rbx", "memory");
    return result;
}

/* FS base survives a call; GS base is the UTCB again after it, whatever it was set to. */
static void set_bases(struct area *area)
{
    uint64_t fs = 0, gs = 0, utcb;
    area->done = 1;
    __asm__ volatile("rdgsbase %0" : "=r"(utcb));
    __asm__ volatile("wrfsbase %0\n\twrgsbase %0" : : "r"(area->values[0]));
    uint64_t result = call_nothing();
    __asm__ volatile("rdfsbase %0" : "=r"(fs));
    __asm__ volatile("rdgsbase %0" : "=r"(gs));
    area->values[1] = result == ERROR_BAD_HANDLE && fs == area->values[0] && gs == utcb;
    area->done = area->values[1] ? 3 : 2;
}

static void bases_are_the_programs(void)
{
    in_own_task(set_bases, 0, 3);
    in_own_task(set_bases, KERNEL_LOOKING, 3);
    in_own_task(set_bases, SHARED_BASE, 3);
}

/* A null selector in GS and FS, then a call, then spinning until a tick takes the CPU away. */
static void null_selectors(struct area *area)
{
    __asm__ volatile("mov %0, %%gs\n\tmov %0, %%fs" : : "r"(0));
    area->values[1] = call_nothing();
    for (area->done = area->values[1] == ERROR_BAD_HANDLE ? 1 : 2;;)
        ;
}

static void selectors_do_not_matter(void)
{
    in_own_task(null_selectors, 0, 1);
}

/* The stack pointer is the program's own: a call does not touch it. Afterwards a tick and a fault meet it. */
static void call_with_stack(struct area *area)
{
    uint64_t result = TAG_PLAIN_CALL, before = area->values[0], after, saved;
    __asm__ volatile(
        "mov %%rsp, %[saved]\n\tmov %[before], %%rsp\n\tsyscall\n\tmov %%rsp, %[after]\n\tmov %[saved], %%rsp"
        : "+a"(result), [after] "=&r"(after), [saved] "=&r"(saved)
        : "D"(60000), [before] "r"(before)
        : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "rbx", "memory");
    area->done = result == ERROR_BAD_HANDLE && after == before ? 1 : 2;
    __asm__ volatile("mov %[before], %%rsp\n\tud2" : : [before] "r"(before));
}

static void any_stack_pointer(void)
{
    in_own_task(call_with_stack, 0, 1);
    in_own_task(call_with_stack, KERNEL_LOOKING, 1);
    in_own_task(call_with_stack, NON_CANONICAL, 1);
}

/* `syscall` as the very last instruction that can be mapped: the next address is canonical, and never mapped. */
static void jump_to_last(struct area *area)
{
    area->done = 1;
    __asm__ volatile("jmp *%0" : : "r"(USER_END - 2), "a"(TAG_PLAIN_CALL), "D"(60000) : "memory");
}

static void last_instruction(void)
{
    struct worker worker;
    kernel_memory_t memory = {guest_memory(1)};
    uint8_t *page = (uint8_t *)0x300000000000;
    EXPECT_EQUAL(kernel_memory_map(memory, own_task, (uint64_t)page, 0, 1, KERNEL_RIGHTS_WRITE), 0);
    page[PAGE_SIZE - 2] = 0x0f;
    page[PAGE_SIZE - 1] = 0x05;
    worker_create(&worker, true);
    EXPECT_EQUAL(kernel_memory_map(memory, worker.task, USER_END - PAGE_SIZE, 0, 1, KERNEL_RIGHTS_EXECUTE), 0);
    worker_start(&worker, jump_to_last);
    worker_wait(&worker, 1);
    guest_yield();
    struct kernel_registers registers = {0};
    EXPECT_EQUAL(kernel_thread_registers(worker.thread, &registers), 0);
    EXPECT_EQUAL(registers.rip, USER_END);
    EXPECT_EQUAL(registers.rax, ERROR_BAD_HANDLE);
    worker_destroy(&worker);
    guest_delete(memory.handle);
}

static const struct guest_test tests[] = {
    {"flags come back from a call", flags_come_back},
    {"flags come back from a Linux call", flags_through_linux_call},
    {"words are copied upwards whatever the direction flag is", words_go_upwards},
    {"the trap flag stops only who set it", trap_stops_who_set_it},
    {"segment bases of any kind", bases_are_the_programs},
    {"null selectors, and a tick", selectors_do_not_matter},
    {"any stack pointer in a call and in a fault", any_stack_pointer},
    {"entry points, stacks and handlers outside the user half are refused", entry_points_are_checked},
    {"jumps, stacks and bases outside the user half", steps_outside_the_user_half},
    {"ticks with any stack pointer", ticks_with_any_stack_pointer},
    {"an answer at the last instruction that can be mapped", answer_at_the_last_instruction},
    {"a Linux call at the last instruction that can be mapped", linux_call_at_the_last_instruction},
    {"syscall as the last instruction that can be mapped", last_instruction},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
