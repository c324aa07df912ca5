/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every Linux call that is provided, and some that are not: whatever it does, all general registers but rax, rcx and
 * r11, the flags, all vector and x87 registers, the 128 bytes below rsp and the UTCB are afterwards as they were.
 */
#include <errno.h>
#include <salto/ipc.h>
#include <salto/tap.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include "state.h"

#define NO_ARGUMENT 0x1badUL /* the register keeps its mark */
#define ANY INT64_MIN        /* whatever the call answers is right */

#define FLAGS_MARKED 0xcd7 /* CF PF AF ZF SF DF OF, and interrupts as they are (bit 9 cannot be changed) */
#define FLAGS_COMPARED 0xcd5

/* In the FXSAVE image (Intel SDM volume 1, 10.5.1): control words, and where registers lie. */
#define FXSAVE_CONTROL 0
#define FXSAVE_TAGS 4
#define FXSAVE_MXCSR 24
#define FXSAVE_X87 32
#define FXSAVE_SSE 160
#define FXSAVE_END 416
#define X87_ROUND_UP 0x0b7f /* not the default rounding */
#define MXCSR_ROUND_DOWN 0x3f80

struct call {
    const char *name;
    uint64_t number;
    uint64_t arguments[6];
    int64_t expected;
};

static char text[300];
static uint64_t scratch[64];
static const struct iovec vectors[2] = {{text, 30}, {text + 30, 60}};
static const struct timespec millisecond = {.tv_nsec = 1000000};

static uint64_t mark(unsigned which)
{
    return 0x5a17000000000000 | (uint64_t)which << 32 | (0xfeed0000 + which);
}

static void mark_vectors(uint8_t *image)
{
    uint16_t control = X87_ROUND_UP;
    uint32_t mxcsr = MXCSR_ROUND_DOWN;
    memset(image, 0, 512);
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 8; j++)
            image[FXSAVE_X87 + 16 * i + j] = (uint8_t)(0x80 + 8 * i + j);
        image[FXSAVE_X87 + 16 * i + 9] = 0x40; /* exponent: a normal number */
    }
    for (unsigned i = 0; i < 256; i++)
        image[FXSAVE_SSE + i] = (uint8_t)(i * 7 + 1);
    image[FXSAVE_TAGS] = 0xff;
    memcpy(image + FXSAVE_CONTROL, &control, sizeof(control));
    memcpy(image + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

static uint64_t argument(const struct call *call, unsigned index)
{
    return call->arguments[index] == NO_ARGUMENT ? mark(index) : call->arguments[index];
}

static void prepare(const struct call *call)
{
    state_before = (struct state){
        .rax = call->number,
        .rdi = argument(call, 0),
        .rsi = argument(call, 1),
        .rdx = argument(call, 2),
        .r10 = argument(call, 3),
        .r8 = argument(call, 4),
        .r9 = argument(call, 5),
        .rbx = mark(6),
        .rcx = mark(7),
        .rbp = mark(8),
        .r11 = mark(9),
        .r12 = mark(10),
        .r13 = mark(11),
        .r14 = mark(12),
        .r15 = mark(13),
        .flags = FLAGS_MARKED,
    };
    for (unsigned i = 0; i < RED_ZONE_SIZE; i++)
        state_before.red_zone[i] = (uint8_t)(i ^ 0xa5);
    mark_vectors(state_before.vectors);
    memset(&state_after, 0, sizeof(state_after));
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++)
        ipc_utcb()->words[i] = mark(i);
}

static bool general_registers_are_kept(void)
{
    const struct state *a = &state_before, *b = &state_after;
    return a->rbx == b->rbx && a->rdx == b->rdx && a->rsi == b->rsi && a->rdi == b->rdi && a->rbp == b->rbp &&
           a->r8 == b->r8 && a->r9 == b->r9 && a->r10 == b->r10 && a->r12 == b->r12 && a->r13 == b->r13 &&
           a->r14 == b->r14 && a->r15 == b->r15 && a->rsp == b->rsp;
}

/* The registers proper, and the control words. x87's last instruction pointers are no register of the program's. */
static bool vectors_are_kept(void)
{
    const uint8_t *a = state_before.vectors, *b = state_after.vectors;
    for (unsigned i = 0; i < 8; i++) {
        if (memcmp(a + FXSAVE_X87 + 16 * i, b + FXSAVE_X87 + 16 * i, 10) != 0)
            return false;
    }
    return memcmp(a + FXSAVE_CONTROL, b + FXSAVE_CONTROL, 5) == 0 &&
           memcmp(a + FXSAVE_MXCSR, b + FXSAVE_MXCSR, 4) == 0 &&
           memcmp(a + FXSAVE_SSE, b + FXSAVE_SSE, FXSAVE_END - FXSAVE_SSE) == 0;
}

static bool utcb_is_kept(void)
{
    for (unsigned i = MESSAGE_REGISTER_WORDS; i < MESSAGE_MAX_WORDS; i++) {
        if (ipc_utcb()->words[i] != mark(i))
            return false;
    }
    return true;
}

#define RESULTS_PER_CALL 5

static void check(const struct call *call)
{
    prepare(call);
    linux_call_marked();
    bool utcb = utcb_is_kept(); /* before anything is reported: that is an IPC */
    struct state after = state_after;
    int64_t result = (int64_t)after.rax;
    if (!tap_ok(call->expected == ANY || result == call->expected, "%s answers", call->name))
        tap_note("it answered %lld, not %lld", (long long)result, (long long)call->expected);
    tap_ok(general_registers_are_kept(), "%s keeps the general registers", call->name);
    if (!tap_ok((after.flags & FLAGS_COMPARED) == (FLAGS_MARKED & FLAGS_COMPARED) &&
                    after.rcx == (uint64_t)linux_call_returns,
                "%s keeps the flags and comes back behind the call", call->name))
        tap_note("flags 0x%llx, rcx 0x%llx", (unsigned long long)after.flags, (unsigned long long)after.rcx);
    tap_ok(vectors_are_kept(), "%s keeps the vector and x87 registers", call->name);
    tap_ok(memcmp(state_before.red_zone, after.red_zone, RED_ZONE_SIZE) == 0 && utcb,
           "%s keeps the red zone and the UTCB", call->name);
}

#define NO NO_ARGUMENT
#define POINTER(object) ((uint64_t)(object))

static const struct call calls[] = {
    {"write of a short text", SYS_write, {1, POINTER(text), 30, NO, NO, NO}, 30},
    {"write of a long text", SYS_write, {1, POINTER(text), 300, NO, NO, NO}, 300},
    {"write to no file", SYS_write, {7, POINTER(text), 300, NO, NO, NO}, -EBADF},
    {"write from a bad address", SYS_write, {1, ~0UL, 300, NO, NO, NO}, -EFAULT},
    {"writev", SYS_writev, {1, POINTER(vectors), 2, NO, NO, NO}, 90},
    {"read", SYS_read, {0, POINTER(scratch), 8, NO, NO, NO}, 0},
    {"readv", SYS_readv, {0, POINTER(vectors), 2, NO, NO, NO}, 0},
    {"close", SYS_close, {9, NO, NO, NO, NO, NO}, -EBADF},
    {"lseek", SYS_lseek, {1, 0, 0, NO, NO, NO}, -ESPIPE},
    {"ioctl", SYS_ioctl, {1, TIOCGWINSZ, POINTER(scratch), NO, NO, NO}, 0},
    {"mmap", SYS_mmap, {0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0UL, 0}, ANY},
    {"mmap of too much", SYS_mmap, {0, 1UL << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, ~0UL, 0}, -ENOMEM},
    {"munmap of nothing", SYS_munmap, {0x700000400000, 4096, NO, NO, NO, NO}, 0},
    {"mprotect", SYS_mprotect, {0x401000, 4096, PROT_READ, NO, NO, NO}, 0},
    {"brk", SYS_brk, {0, NO, NO, NO, NO, NO}, ANY},
    {"madvise", SYS_madvise, {0x700000000000, 4096, MADV_NORMAL, NO, NO, NO}, 0},
    {"mremap", SYS_mremap, {0x700000000000, 4096, 8192, 0, NO, NO}, -ENOMEM},
    {"rt_sigaction", SYS_rt_sigaction, {SIGINT, 0, POINTER(scratch), 8, NO, NO}, 0},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, 0, POINTER(scratch), 8, NO, NO}, 0},
    {"kill", SYS_kill, {1, 0, NO, NO, NO, NO}, 0},
    {"tkill", SYS_tkill, {2, SIGABRT, NO, NO, NO, NO}, -ESRCH},
    {"tgkill", SYS_tgkill, {1, 1, SIGCHLD, NO, NO, NO}, 0},
    {"sched_yield", SYS_sched_yield, {NO, NO, NO, NO, NO, NO}, 0},
    {"nanosleep", SYS_nanosleep, {POINTER(&millisecond), 0, NO, NO, NO, NO}, 0},
    {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, POINTER(&millisecond), 0, NO, NO}, 0},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_REALTIME, POINTER(scratch), NO, NO, NO, NO}, 0},
    {"clock_getres", SYS_clock_getres, {CLOCK_REALTIME, POINTER(scratch), NO, NO, NO, NO}, 0},
    {"gettimeofday", SYS_gettimeofday, {POINTER(scratch), 0, NO, NO, NO, NO}, 0},
    {"time", SYS_time, {0, NO, NO, NO, NO, NO}, ANY},
    {"getpid", SYS_getpid, {NO, NO, NO, NO, NO, NO}, 1},
    {"gettid", SYS_gettid, {NO, NO, NO, NO, NO, NO}, 1},
    {"getppid", SYS_getppid, {NO, NO, NO, NO, NO, NO}, 0},
    {"getuid", SYS_getuid, {NO, NO, NO, NO, NO, NO}, 0},
    {"uname", SYS_uname, {POINTER(scratch), NO, NO, NO, NO, NO}, 0},
    {"prlimit64", SYS_prlimit64, {0, RLIMIT_STACK, 0, POINTER(scratch), NO, NO}, 0},
    {"set_tid_address", SYS_set_tid_address, {POINTER(scratch), NO, NO, NO, NO, NO}, 1},
    {"arch_prctl to read FS", SYS_arch_prctl, {0x1003, POINTER(scratch), NO, NO, NO, NO}, 0},
    {"arch_prctl with a bad base", SYS_arch_prctl, {0x1002, 1UL << 63, NO, NO, NO, NO}, -EPERM},
    {"getrandom", SYS_getrandom, {POINTER(scratch), 64, 0, NO, NO, NO}, 64},
    {"a call that is not provided", SYS_io_uring_setup, {NO, NO, NO, NO, NO, NO}, -ENOSYS},
    {"the same again", SYS_io_uring_setup, {NO, NO, NO, NO, NO, NO}, -ENOSYS},
    {"a number that Linux has not", 99999, {NO, NO, NO, NO, NO, NO}, -ENOSYS},
    {"number -1", ~0UL, {NO, NO, NO, NO, NO, NO}, -ENOSYS},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

_Static_assert(sizeof(struct utsname) <= sizeof(scratch), "uname's answer fits");

/* FS is set to what it is, which is all that can be compared. */
static void check_set_fs(void)
{
    uint64_t base;
    __asm__("movq %%fs:0, %0" : "=r"(base)); /* musl keeps the base there */
    const struct call call = {"arch_prctl to set FS", SYS_arch_prctl, {0x1002, base, NO, NO, NO, NO}, 0};
    check(&call);
}

int main(void)
{
    tap_plan((CALLS + 1) * RESULTS_PER_CALL);
    memset(text, '.', sizeof(text));
    for (unsigned i = 29; i < sizeof(text); i += 30)
        text[i] = '\n';
    for (unsigned i = 0; i < CALLS; i++)
        check(&calls[i]);
    check_set_fs();
    return tap_status();
}
