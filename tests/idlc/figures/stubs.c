/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts the instructions of generated stubs (figures.idl) by executing them one at a time. A child calls client stubs,
 * each between two breakpoints, and serves; its parent steps it and stands in for the kernel: at each IPC it puts in
 * the answer, or the next request, and goes on behind the system call. Of a client all is counted from before the
 * stub's arguments to behind the look at its result, of a server all between two system calls: loop, dispatcher and
 * handler. Prints a line for each: name, instructions. Ends with 1 where an answer is wrong.
 */
#include <asm/prctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#undef PAGE_SIZE /* the C library's, which is not constant */
#include "figures.h"
#include "figures_server.h"

#define NOT_PERMITTED 77 /* exit status: this machine lets nobody trace a process */
#define MOST_STEPS 100000
#define BYTES 4096
#define CASES 3

/* Both see it. */
struct shared {
    struct utcb utcb;
    uint8_t buffer[BYTES];
};

static struct shared *shared;
static uint8_t file[BYTES];
static struct figures_reader_buffers buffers;

/* ---- The child --------------------------------------------------------------------------------------------------- */

static int on_add(void *object, const struct idl_call *call, uint32_t a, uint32_t b, uint32_t *sum)
{
    (void)object, (void)call;
    *sum = a + b;
    return 0;
}

static int on_four(void *object, const struct idl_call *call, const struct figures_four *value,
                   struct figures_four *same)
{
    (void)object, (void)call;
    *same = *value;
    return 0;
}

static int on_read(void *object, const struct idl_call *call, uint64_t offset, struct idl_outbuf *data)
{
    (void)object, (void)call, (void)offset;
    data->data = file;
    data->length = data->capacity;
    return 0;
}

FIGURES_ADDER_SERVER(serve_adder, on)
FIGURES_FOURS_SERVER(serve_fours, on)
FIGURES_READER_SERVER(serve_reader, on)

#define MARK() __asm__ volatile("int3" ::: "memory")

static void require(bool right)
{
    if (!right)
        _exit(1);
}

static __attribute__((noinline)) void call_add(figures_adder_t self, uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    int result;

    MARK();
    result = figures_adder_add(self, a, b, &sum);
    MARK();
    require(result == 0 && sum == a + b);
}

static __attribute__((noinline)) void call_four(figures_fours_t self, const struct figures_four *value)
{
    struct figures_four same;
    int result;

    MARK();
    result = figures_fours_four(self, value, &same);
    MARK();
    require(result == 0 && memcmp(value, &same, sizeof(same)) == 0);
}

static __attribute__((noinline)) void call_read(figures_reader_t self, uint64_t offset, void *buffer, size_t size)
{
    size_t length = 0;
    int result;

    MARK();
    result = figures_reader_read(self, offset, buffer, size, &length);
    MARK();
    require(result == 0 && length == size);
}

static void child(bool server, unsigned which)
{
    const struct figures_four value = {1, 2, 3, 4};

    shared->utcb.self = (uint64_t)(uintptr_t)&shared->utcb;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(NOT_PERMITTED);
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &shared->utcb) != 0)
        _exit(2);
    raise(SIGSTOP);
    if (server && which < 2)
        salto_serve(1, which == 0 ? serve_adder : serve_fours, NULL);
    else if (server)
        figures_reader_serve(1, serve_reader, NULL, &buffers);
    else if (which == 0)
        call_add((figures_adder_t){5}, 7, 8);
    else if (which == 1)
        call_four((figures_fours_t){5}, &value);
    else
        call_read((figures_reader_t){5}, 0, shared->buffer, BYTES);
    _exit(0);
}

/* ---- The parent -------------------------------------------------------------------------------------------------- */

/* What arrives in the registers: tag, badge, words 0 to 3. */
struct message {
    uint64_t tag, words[4];
};

static const struct message requests[CASES] = {{FIGURES_ADDER_ADD_REQUEST, {7, 8}},
                                               {FIGURES_FOURS_FOUR_REQUEST, {1, 2, 3, 4}},
                                               {FIGURES_READER_READ_REQUEST, {0, BYTES}}};
static const struct message replies[CASES] = {
    {FIGURES_ADDER_ADD_REPLY, {15}}, {FIGURES_FOURS_FOUR_REPLY, {1, 2, 3, 4}}, {FIGURES_READER_READ_REPLY, {0}}};

static _Noreturn void fail(const char *text)
{
    fprintf(stderr, "stubs: %s\n", text);
    exit(1);
}

static bool is_breakpoint(unsigned char first)
{
    return first == 0xcc;
}

static struct user_regs_struct registers_of(pid_t child)
{
    struct user_regs_struct registers;

    if (ptrace(PTRACE_GETREGS, child, NULL, &registers) != 0)
        fail("the child is gone");
    return registers;
}

/* Goes on behind the system call, with what came in. */
static void deliver(pid_t child, struct user_regs_struct registers, const struct message *message)
{
    registers.rip += 2;
    registers.rax = message->tag;
    registers.rdi = 0;
    registers.rsi = message->words[0];
    registers.rdx = message->words[1];
    registers.r8 = message->words[2];
    registers.r9 = message->words[3];
    registers.r10 = registers.rbx = 0;
    ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

static void step(pid_t child)
{
    int status;

    if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 || waitpid(child, &status, 0) != child)
        fail("cannot step the child");
    if (WIFEXITED(status))
        fail("the child ended too early: an answer was wrong");
}

static void skip_breakpoint(pid_t child, struct user_regs_struct registers)
{
    registers.rip++;
    ptrace(PTRACE_SETREGS, child, NULL, &registers);
}

/* Has the answer that the server sends the right tag and first word? */
static void check_answer(const struct user_regs_struct *registers, unsigned which)
{
    if (registers->rax != replies[which].tag || registers->rsi != replies[which].words[0])
        fail("the server's answer is wrong");
}

/* The instructions of one case; those that the parent stands in for are not counted. */
static unsigned count(pid_t child, bool server, unsigned which)
{
    unsigned counted = 0;
    bool counting = false;

    for (unsigned steps = 0; steps < MOST_STEPS; steps++) {
        struct user_regs_struct registers = registers_of(child);
        uint64_t code = (uint64_t)ptrace(PTRACE_PEEKTEXT, child, registers.rip, NULL);
        bool is_ipc = (code & 0xffff) == 0x050f && (int32_t)registers.rax < 0;

        if ((is_ipc && server && counting) || (is_breakpoint((unsigned char)code) && counting)) {
            if (server)
                check_answer(&registers, which);
            return counted;
        }
        if (is_ipc) {
            deliver(child, registers, server ? &requests[which] : &replies[which]);
            counting = true;
        } else if (is_breakpoint((unsigned char)code)) {
            skip_breakpoint(child, registers);
            counting = true;
        } else {
            step(child);
            counted += counting;
        }
    }
    fail("the child goes on for ever");
}

static unsigned run(bool server, unsigned which)
{
    pid_t pid = fork();
    unsigned counted;
    int status;

    if (pid == 0)
        child(server, which);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        fail("cannot start a child to step");
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED)
        exit(NOT_PERMITTED);
    if (!WIFSTOPPED(status))
        fail("cannot start a child to step");
    shared->utcb.items[0] = (uint64_t)ITEM_STRING << ITEM_KIND_SHIFT | (uint64_t)BYTES << ITEM_LENGTH_SHIFT;
    counted = count(pid, server, which);
    if (!server) { /* to its end, where it looks at what it got */
        skip_breakpoint(pid, registers_of(pid));
        ptrace(PTRACE_CONT, pid, NULL, NULL);
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail("a stub's result is wrong");
        return counted;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return counted;
}

int main(void)
{
    static const char *const names[CASES] = {"add", "four", "read"};

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("no memory");
    for (unsigned which = 0; which < CASES; which++) {
        printf("client %s %u\n", names[which], run(false, which));
        printf("server %s %u\n", names[which], run(true, which));
    }
    return 0;
}
