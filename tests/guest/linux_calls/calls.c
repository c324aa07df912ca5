/* SPDX-License-Identifier: BSD-2-Clause */
/* What Linux calls do: arguments, memory, time, output, errors. */
#include <errno.h>
#include <salto/tap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define BLOCKS 200
#define MILLISECOND 1000000

static void *map(void *address, size_t length, int protection, int flags)
{
    return mmap(address, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void test_start(int count, char **arguments)
{
    tap_ok(count == 4 && strcmp(arguments[0], "calls") == 0 && strcmp(arguments[1], "one") == 0 &&
               strcmp(arguments[2], "two words") == 0 && arguments[3][0] == 0 && !arguments[4],
           "arguments arrive");
    tap_ok(getenv("NAME") && strcmp(getenv("NAME"), "value") == 0, "the environment arrives");
    tap_ok(getauxval(AT_PAGESZ) == PAGE && getauxval(AT_RANDOM) != 0 && getauxval(AT_ENTRY) != 0 &&
               getauxval(AT_PHNUM) > 0,
           "the auxiliary vector arrives");
    tap_ok((uintptr_t)__builtin_frame_address(0) % 16 == 0, "the stack is aligned");
}

static void test_malloc(void)
{
    static unsigned char *blocks[BLOCKS];
    bool good = true;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            size_t size = (size_t)(i * i * 3 + 1);
            blocks[i] = realloc(blocks[i], size);
            good &= blocks[i] != NULL;
            if (blocks[i])
                memset(blocks[i], (int)i, size);
        }
        for (unsigned i = 0; i < BLOCKS; i++)
            good &= blocks[i] && blocks[i][0] == (unsigned char)i && blocks[i][i * i * 3] == (unsigned char)i;
        for (unsigned i = round % 2; i < BLOCKS; i += 2) {
            free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    tap_ok(good, "malloc, realloc and free keep what is in their blocks");
    void *volatile huge = malloc(1UL << 40); /* volatile: compilers may otherwise assume that it succeeds */
    tap_ok(huge == NULL && errno == ENOMEM, "malloc of more than there is fails");
}

static void test_large_blocks(void)
{
    bool good = true;
    for (int round = 0; round < 200 && good; round++) {
        unsigned char *block = malloc(4 << 20);
        good = block != NULL;
        if (block)
            block[0] = block[(4 << 20) - 1] = 1;
        free(block);
    }
    tap_ok(good, "800 MiB are had and given back in pieces of 4 MiB out of a quota of 24 MiB");
}

static void test_mmap(void)
{
    unsigned char *memory = map(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, 0);
    if (!tap_ok(memory != MAP_FAILED, "mmap"))
        return;
    bool zero = true;
    for (int i = 0; i < 8 * PAGE; i++)
        zero &= memory[i] == 0;
    tap_ok(zero, "what mmap gives is zeroed");
    memset(memory, 7, 8 * PAGE);
    tap_ok(munmap(memory + 2 * PAGE, 2 * PAGE) == 0 && memory[2 * PAGE - 1] == 7 && memory[4 * PAGE] == 7,
           "munmap takes the middle out");
    unsigned char *again = map(memory + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED);
    tap_ok(again == memory + 2 * PAGE && again[0] == 0 && again[2 * PAGE - 1] == 0, "which can be mapped again");
    tap_ok(mprotect(memory, 4 * PAGE, PROT_READ) == 0 && memory[0] == 7 && memory[3 * PAGE] == 0,
           "mprotect to read-only keeps what is there");
    tap_ok(mprotect(memory, 8 * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect back, over several mappings");
    memory[0] = memory[8 * PAGE - 1] = 9;
    tap_ok(memory[0] == 9 && memory[PAGE] == 7 && memory[8 * PAGE - 1] == 9, "and they are writable");
    tap_ok(munmap(memory, 8 * PAGE) == 0 && mprotect(memory, PAGE, PROT_READ) == -1 && errno == ENOMEM,
           "munmap of several mappings");
}

static void test_reserved(void)
{
    unsigned char *memory = map(NULL, 1UL << 30, PROT_NONE, 0);
    tap_ok(memory != MAP_FAILED, "a reservation costs no memory");
    tap_ok(mprotect(memory + 16 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0 && memory[16 * PAGE] == 0,
           "a page in the middle of it is made usable");
    memory[16 * PAGE] = 1;
    tap_ok(mprotect(memory + 16 * PAGE, PAGE, PROT_NONE) == 0 && mprotect(memory + 16 * PAGE, PAGE, PROT_READ) == 0 &&
               memory[16 * PAGE] == 1,
           "and keeps its contents while it cannot be used");
    tap_ok(munmap(memory, 1UL << 30) == 0, "it is given back");
}

static void test_bad_maps(void)
{
    tap_ok(map(NULL, 0, PROT_READ, 0) == MAP_FAILED && errno == EINVAL, "mmap of nothing");
    tap_ok(map(NULL, PAGE, PROT_WRITE | PROT_EXEC, 0) == MAP_FAILED && errno == EINVAL, "mmap writable and executable");
    tap_ok(map((void *)0x400000, PAGE, PROT_READ, MAP_FIXED) == MAP_FAILED && errno == EINVAL, "mmap over the program");
    tap_ok(map((void *)0x7f8000000000, PAGE, PROT_READ, MAP_FIXED) == MAP_FAILED && errno == EINVAL,
           "mmap over the UTCB");
    tap_ok(map(NULL, ~0UL, PROT_READ, 0) == MAP_FAILED && errno == ENOMEM, "mmap of everything");
    tap_ok(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 3, 0) == MAP_FAILED && errno == ENODEV, "mmap of a file");
    tap_ok(munmap((void *)0x700000000001, PAGE) == -1 && errno == EINVAL, "munmap of half a page");
    tap_ok(munmap((void *)0x7ffffffff000, PAGE) == -1 && errno == EINVAL, "munmap at the end of the user half");
}

static void test_brk(void)
{
    char *start = (char *)syscall(SYS_brk, 0);
    char *grown = (char *)syscall(SYS_brk, start + 100000);
    bool good = grown == start + 100000;
    if (good)
        memset(start, 1, 100000);
    tap_ok(good, "brk grows");
    tap_ok((char *)syscall(SYS_brk, start) == start, "and shrinks");
    tap_ok((char *)syscall(SYS_brk, start + 100000) == start + 100000 && start[50000] == 0,
           "and what it gives is zeroed");
    tap_ok((char *)syscall(SYS_brk, 4096) == start + 100000 && (char *)syscall(SYS_brk, ~0UL) == start + 100000,
           "a bad break changes nothing");
}

static int64_t nanoseconds(const struct timespec *time)
{
    return time->tv_sec * 1000000000L + time->tv_nsec;
}

static int64_t now(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return nanoseconds(&time);
}

static void test_time(void)
{
    int64_t start = now(CLOCK_MONOTONIC), last = start;
    bool forward = true;
    for (int i = 0; i < 1000; i++) {
        int64_t next = now(CLOCK_MONOTONIC);
        forward &= next >= last;
        last = next;
    }
    tap_ok(forward && last > start, "the clock goes forward");
    struct timespec pause = {.tv_nsec = 20 * MILLISECOND};
    start = now(CLOCK_MONOTONIC);
    int result = nanosleep(&pause, NULL);
    int64_t slept = now(CLOCK_MONOTONIC) - start;
    tap_ok(result == 0 && slept >= 20 * MILLISECOND && slept < 2000L * MILLISECOND, "nanosleep sleeps");
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 10 * MILLISECOND;
    until.tv_sec += until.tv_nsec / (1000 * MILLISECOND);
    until.tv_nsec %= 1000 * MILLISECOND;
    tap_ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0 &&
               now(CLOCK_MONOTONIC) >= nanoseconds(&until),
           "clock_nanosleep sleeps until a time");
    pause.tv_nsec = 1000000000;
    tap_ok(nanosleep(&pause, NULL) == -1 && errno == EINVAL, "a second has fewer than 1000000000 nanoseconds");
    tap_ok(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &until) == -1 && errno == EINVAL, "time of the process: unknown");
}

static void test_errors(void)
{
    struct iovec bad = {(void *)0x10, 10};
    tap_ok(syscall(SYS_write, 1, (void *)0, 5) == -1 && errno == EFAULT, "write from the null page");
    tap_ok(syscall(SYS_write, 1, (void *)0xffff800000000000, 5) == -1 && errno == EFAULT,
           "write from the kernel's half");
    tap_ok(syscall(SYS_write, 1, (void *)0x7fffffffe000, 0x10000) == -1 && errno == EFAULT,
           "write from over the end of the user half");
    tap_ok(writev(1, &bad, 1) == -1 && errno == EFAULT, "writev from the null page");
    tap_ok(writev(1, &bad, 100000) == -1 && errno == EINVAL, "writev of too many parts");
    tap_ok(write(5, "", 0) == -1 && errno == EBADF, "write to a file that is not open");
    tap_ok(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8) == -1 && errno == EFAULT, "time into the null page");
    tap_ok(fork() == -1 && errno == ENOSYS, "fork is not provided");
}

static void test_rest(void)
{
    unsigned char first[32] = {0}, second[32] = {0};
    struct utsname names;
    sigset_t set, old;
    tap_ok(getrandom(first, 32, 0) == 32 && getrandom(second, 32, 0) == 32 && memcmp(first, second, 32) != 0,
           "random numbers are not the same twice");
    tap_ok(uname(&names) == 0 && strcmp(names.sysname, "Linux") == 0 && strcmp(names.machine, "x86_64") == 0, "uname");
    tap_ok(getpid() == 1 && getuid() == 0, "process 1 of user 0");
    tap_ok(isatty(1) && !isatty(7), "standard output is a terminal");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    tap_ok(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && sigprocmask(SIG_SETMASK, NULL, &old) == 0 &&
               sigismember(&old, SIGUSR1) == 1,
           "the signal mask is kept");
    tap_ok(signal(SIGPIPE, SIG_IGN) == SIG_DFL, "signal");
    tap_ok(raise(SIGCHLD) == 0, "a signal that is ignored by default");
}

/* Lines of every length, to be seen on the serial line: the expected file compares some. */
static void test_output(void)
{
    static char line[2000];
    memset(line, 'x', sizeof(line));
    tap_ok(printf("calls: %s %d %.3f %c\n", "text", -42, 3.14159, 'c') == 24, "printf");
    bool good = true;
    for (int length = 38; length <= 42; length++)
        good &= write(1, line, (size_t)length) == length && write(1, "\n", 1) == 1;
    for (int length = 478; length <= 482; length++)
        good &= write(1, line, (size_t)length) == length && write(1, "\n", 1) == 1;
    good &= write(1, line, sizeof(line)) == sizeof(line) && write(1, "\ncalls: done\n", 13) == 13;
    tap_ok(good, "long lines are written whole");
}

int main(int count, char **arguments)
{
    tap_plan(53);
    test_start(count, arguments);
    test_malloc();
    test_large_blocks();
    test_mmap();
    test_reserved();
    test_bad_maps();
    test_brk();
    test_time();
    test_errors();
    test_rest();
    test_output();
    return tap_status();
}
