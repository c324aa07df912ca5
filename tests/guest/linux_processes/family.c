/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain Linux program that forks. It does what its first argument names; its status is 0, or says what was wrong: the
 * number of the line, as far as it fits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define LARGE (64 * PAGE)
#define SMALL (8 * PAGE)
#define CHILDREN 5
#define QUOTA 900 /* pages that memory_ends() has */

#define REQUIRE(condition)             \
    do {                               \
        if (!(condition))              \
            _exit(__LINE__ % 125 + 1); \
    } while (0)

/* The status with which the only child ended. */
static int ended(pid_t child)
{
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

static pid_t must_fork(void)
{
    pid_t child = fork();
    REQUIRE(child >= 0);
    return child;
}

/* ---- What a child has -------------------------------------------------------------------------------------------- */

static void numbers(void)
{
    pid_t parent = getpid(), child = must_fork();
    if (child == 0) {
        REQUIRE(getppid() == parent && getpid() != parent && gettid() == getpid());
        _exit(getpid() == syscall(SYS_getpid) ? 7 : 8);
    }
    REQUIRE(child != parent && getpid() == parent && gettid() == parent);
    int status = ended(child);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static int data = 5;
static _Thread_local int local = 6;
static char zeroes[LARGE];

/* Changes all memory, and finds it as it made it. */
static void use_memory(int number, char *heap, char *mapped, volatile int *on_stack)
{
    for (int round = 0; round < 2; round++) {
        data = local = *on_stack = number + round;
        memset(zeroes, number + round, LARGE);
        memset(heap, number + round, LARGE);
        memset(mapped, number + round, LARGE);
        sched_yield();
        REQUIRE(data == number + round && local == number + round && *on_stack == number + round);
        for (int i = 0; i < LARGE; i++)
            REQUIRE(zeroes[i] == number + round && heap[i] == number + round && mapped[i] == number + round);
    }
}

static void copies(void)
{
    char *heap = malloc(LARGE);
    char *mapped = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int on_stack = 9;
    pid_t children[CHILDREN];
    REQUIRE(heap && mapped != MAP_FAILED);
    memset(heap, 77, LARGE);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = must_fork();
        if (children[i] > 0)
            continue;
        REQUIRE(data == 5 && local == 6 && on_stack == 9 && zeroes[LARGE - 1] == 0 && mapped[PAGE] == 0);
        REQUIRE(heap[0] == 77 && heap[LARGE - 1] == 77);
        use_memory(10 + i, heap, mapped, &on_stack);
        REQUIRE(malloc(100000) != NULL);
        _exit(100 + i);
    }
    use_memory(3, heap, mapped, &on_stack);
    for (int i = CHILDREN; i-- > 0;)
        REQUIRE(ended(children[i]) == (100 + i) << 8);
    REQUIRE(data == 4 && heap[5] == 4);
}

/* What is mapped with MAP_SHARED is one memory for all that descend, whoever touches it first; what one of them unmaps,
 * or may not write any more, the others have. */
static void shares(void)
{
    const int flags = MAP_ANONYMOUS, rights = PROT_READ | PROT_WRITE;
    volatile int *shared = mmap(NULL, LARGE, rights, MAP_SHARED | flags, -1, 0);
    volatile int *own = mmap(NULL, LARGE, rights, MAP_PRIVATE | flags, -1, 0);
    REQUIRE(shared != MAP_FAILED && own != MAP_FAILED);
    shared[0] = own[0] = 1;
    pid_t child = must_fork();
    if (child == 0) {
        pid_t grandchild = must_fork();
        if (grandchild == 0) {
            shared[PAGE] = 3; /* another page, the first to touch it */
            own[0] = 4;
            _exit(0);
        }
        REQUIRE(ended(grandchild) == 0);
        REQUIRE(shared[0] == 1 && shared[PAGE] == 3 && own[0] == 1);
        shared[0] = 2;
        own[0] = 5;
        while (shared[1] == 0)
            sched_yield();
        REQUIRE(mprotect((void *)shared, LARGE, PROT_READ) == 0 && shared[1] == 6);
        REQUIRE(munmap((void *)shared, LARGE) == 0 && munmap((void *)own, LARGE) == 0);
        _exit(0);
    }
    while (shared[0] == 1)
        sched_yield();
    shared[1] = 6;
    REQUIRE(ended(child) == 0);
    REQUIRE(shared[0] == 2 && shared[PAGE] == 3 && own[0] == 1);
    shared[PAGE] = 7;
    REQUIRE(munmap((void *)shared, LARGE) == 0);
}

/* Who made it can have more of it, here or elsewhere: what there was is shared as before. */
static void shares_more(void)
{
    const int flags = MAP_ANONYMOUS | MAP_SHARED, rights = PROT_READ | PROT_WRITE;
    volatile int *shared = mmap(NULL, SMALL, rights, flags, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    pid_t child = must_fork();
    if (child == 0) {
        REQUIRE(mremap((void *)shared, SMALL, SMALL + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
        REQUIRE(errno == EACCES);
        shared[0] = 1;
        while (shared[PAGE] == 0)
            sched_yield();
        shared[PAGE]++;
        _exit(0);
    }
    while (shared[0] == 0)
        sched_yield();
    REQUIRE(mmap((char *)shared + SMALL, PAGE, rights, flags | MAP_FIXED, -1, 0) != MAP_FAILED);
    volatile int *moved = mremap((void *)shared, SMALL, LARGE, MREMAP_MAYMOVE);
    REQUIRE(moved != MAP_FAILED && moved != shared && moved[0] == 1 && moved[LARGE / sizeof(*moved) - 1] == 0);
    moved[PAGE] = 5;
    REQUIRE(ended(child) == 0 && moved[PAGE] == 6);
    REQUIRE(munmap((void *)moved, LARGE) == 0);
}

/* Registers of all kinds: the C library and the compiler keep some of them over the call. */
static void registers(void)
{
    double one = 1.5, two = 2.5;
    unsigned long kept = 0x1234;
    REQUIRE(fesetround(FE_UPWARD) == 0);
    __asm__ volatile("" : "+x"(one), "+x"(two), "+r"(kept));
    pid_t child = must_fork();
    __asm__ volatile("" : "+x"(one), "+x"(two), "+r"(kept));
    REQUIRE(one == 1.5 && two == 2.5 && kept == 0x1234 && fegetround() == FE_UPWARD);
    if (child == 0)
        _exit(0);
    REQUIRE(ended(child) == 0);
}

static void output(void)
{
    pid_t child = must_fork();
    if (child == 0)
        exit(printf("family: the child has the console\n") == 34 ? 0 : 1);
    REQUIRE(ended(child) == 0);
}

/* ---- Ends, and waiting for them ---------------------------------------------------------------------------------- */

static pid_t child_that(void (*function)(void))
{
    pid_t child = must_fork();
    if (child > 0)
        return child;
    function();
    _exit(0);
}

static void spin(void)
{
    for (;;)
        sched_yield();
}

static void fault(void)
{
    *(volatile int *)0x20 = 1;
}

static void terminate(void)
{
    raise(SIGTERM);
}

static void end_137(void)
{
    _exit(137);
}

static void statuses(void)
{
    int status = ended(child_that(fault));
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = ended(child_that(abort));
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = ended(child_that(terminate));
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = ended(child_that(end_137));
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 137);
}

static void kills(void)
{
    int status;
    pid_t child = child_that(spin);
    REQUIRE(kill(child, 0) == 0 && kill(child, SIGCHLD) == 0);
    REQUIRE(waitpid(child, &status, WNOHANG) == 0);
    REQUIRE(kill(child, SIGTERM) == 0);
    status = ended(child);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    child = child_that(spin);
    REQUIRE(kill(child, SIGKILL) == 0 && kill(child, SIGTERM) == 0); /* it has ended, and is still there */
    status = ended(child);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    REQUIRE(kill(child, 0) == -1 && errno == ESRCH);
    REQUIRE(kill(9999, SIGTERM) == -1 && errno == ESRCH);
    REQUIRE(kill(getpid(), 0) == 0 && kill(getpid(), 99) == -1 && errno == EINVAL);
    child = must_fork();
    if (child == 0)
        _exit(kill(getppid(), SIGKILL) == -1 && errno == EPERM ? 3 : 4);
    REQUIRE(ended(child) == 3 << 8);
}

static void end_5(void)
{
    _exit(5);
}

static void waits(void)
{
    int status;
    siginfo_t info;
    struct rusage usage;
    REQUIRE(wait(&status) == -1 && errno == ECHILD);
    REQUIRE(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD);
    pid_t first = child_that(end_5), second = child_that(spin);
    REQUIRE(waitpid(second + 1000, &status, 0) == -1 && errno == ECHILD);
    REQUIRE(wait4(-1, &status, 0, &usage) == first && status == 5 << 8 && usage.ru_maxrss == 0);
    REQUIRE(waitpid(-1, &status, WNOHANG) == 0);
    REQUIRE(waitid(P_PID, (id_t)second, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
    REQUIRE(kill(second, SIGKILL) == 0);
    REQUIRE(waitid(P_ALL, 0, &info, WEXITED) == 0);
    REQUIRE(info.si_pid == second && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
    REQUIRE(waitid(P_ALL, 0, &info, WEXITED) == -1 && errno == ECHILD);
    REQUIRE(waitid(P_ALL, 0, &info, 0) == -1 && errno == EINVAL);
    REQUIRE(waitpid(-1, &status, 0x4000) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_wait4, -1, 8, 0, 0) == -1 && errno == EFAULT);
}

/* Many, one after the other: nothing of them stays. */
static void sequence(void)
{
    for (int i = 0; i < 100; i++)
        REQUIRE(ended(child_that(end_5)) == 5 << 8);
}

static int descend(int depth)
{
    pid_t child = depth > 0 ? must_fork() : -1;
    if (child < 0)
        return 1;
    if (child == 0)
        _exit(descend(depth - 1));
    int status = ended(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 100;
}

/* Children of children, and how many they were. */
static void depth(void)
{
    REQUIRE(descend(2) == 3);
}

/* Those that a child leaves behind end with it. */
static void orphans(void)
{
    pid_t child = must_fork();
    if (child == 0) {
        child_that(spin);
        child_that(spin);
        _exit(0);
    }
    REQUIRE(ended(child) == 0);
}

/* The process ends while children run. */
static void leaves(void)
{
    child_that(spin);
    child_that(spin);
}

/* ---- With threads ------------------------------------------------------------------------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *lock_and_unlock(void *argument)
{
    for (int i = 0; i < 20; i++) {
        pthread_mutex_lock(&mutex);
        sched_yield();
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

/* The child has one thread, and can make others. */
static void *fork_in_thread(void *argument)
{
    pthread_t thread;
    pid_t child = must_fork();
    if (child == 0) {
        REQUIRE(gettid() == getpid());
        REQUIRE(pthread_create(&thread, NULL, lock_and_unlock, NULL) == 0);
        lock_and_unlock(NULL);
        REQUIRE(pthread_join(thread, NULL) == 0);
        exit(11);
    }
    REQUIRE(ended(child) == 11 << 8);
    return argument;
}

static void *wait_in_thread(void *argument)
{
    REQUIRE(ended((pid_t)(intptr_t)argument) == 5 << 8);
    return NULL;
}

static void *wait_for_killed(void *argument)
{
    REQUIRE(ended((pid_t)(intptr_t)argument) == SIGKILL);
    return NULL;
}

static void threads(void)
{
    pthread_t other, one, two;
    REQUIRE(pthread_create(&other, NULL, fork_in_thread, NULL) == 0);
    REQUIRE(pthread_join(other, NULL) == 0);
    /* two wait at once, each for its own child */
    pid_t first = child_that(end_5), second = child_that(end_5);
    REQUIRE(pthread_create(&one, NULL, wait_in_thread, (void *)(intptr_t)second) == 0);
    REQUIRE(pthread_create(&two, NULL, wait_in_thread, (void *)(intptr_t)first) == 0);
    REQUIRE(pthread_join(one, NULL) == 0 && pthread_join(two, NULL) == 0);
    /* who waits for one that does not end keeps nobody else from hearing of his */
    first = child_that(spin);
    REQUIRE(pthread_create(&one, NULL, wait_for_killed, (void *)(intptr_t)first) == 0);
    for (int i = 0; i < 50; i++)
        sched_yield();
    REQUIRE(ended(child_that(end_5)) == 5 << 8 && kill(first, SIGKILL) == 0);
    REQUIRE(pthread_join(one, NULL) == 0);
}

static void refusals(void)
{
    const long shares = 0x100 | SIGCHLD; /* CLONE_VM: processes that share memory */
    REQUIRE(syscall(SYS_clone, shares, zeroes + LARGE, NULL, NULL, 0) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_clone, 0x40000000 | SIGCHLD, 0, NULL, NULL, 0) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_clone, 0x100000 | SIGCHLD, 0, 8, NULL, 0) == -1 && errno == EFAULT);
    pid_t child = vfork();
    if (child == 0)
        _exit(6);
    REQUIRE(ended(child) == 6 << 8);
}

/* ---- Other files ------------------------------------------------------------------------------------------------- */

/* Runs image.c, which finds all as it should be. */
static void execute(const char *path)
{
    static char *const environment[] = {"COLOR=dark red", NULL};
    char number[12];
    snprintf(number, sizeof(number), "%d", getpid());
    char *const arguments[] = {"another name", "check", number, "", NULL};
    memset(zeroes, 9, LARGE);
    data = 99;
    execve(path, arguments, environment);
    _exit(1);
}

static void execute_image(void)
{
    execute("/image");
}

static void executes(void)
{
    REQUIRE(setenv("SHAPE", "round", 1) == 0);
    REQUIRE(ended(child_that(execute_image)) == 42 << 8);
    REQUIRE(ended(child_that(execute_image)) == 42 << 8);
    pid_t child = must_fork();
    if (child == 0) {
        execl("image", "image", "again", "20", NULL);
        _exit(1);
    }
    REQUIRE(ended(child) == 5 << 8);
    execute("./image");
}

static int try(const char *path, char *argument)
{
    static char *const environment[] = {NULL};
    char *const arguments[] = {"image", argument, NULL};
    return execve(path, arguments, environment) == -1 ? errno : 0;
}

/* What cannot be run leaves the process as it was. */
static void not_executed(void)
{
    static char long_text[4000];
    static char *many[100];
    memset(long_text, 'a', sizeof(long_text) - 1);
    for (int i = 0; i < 99; i++)
        many[i] = "x";
    REQUIRE(try("nobody", "x") == ENOENT && try("", "x") == ENOENT && try("/bin/image", "x") == ENOENT);
    REQUIRE(try("set.manifest", "x") == ENOEXEC);
    REQUIRE(try("image", long_text) == E2BIG && try(long_text, "x") == ENAMETOOLONG);
    REQUIRE(execve("image", many, NULL) == -1 && errno == E2BIG);
    REQUIRE(try((char *)8, "x") == EFAULT && try("image", (char *)8) == EFAULT);
    REQUIRE(ended(child_that(end_5)) == 5 << 8);
    execute("image");
}

static void *execute_in_thread(void *argument)
{
    execute("image");
    return argument;
}

static void *spin_in_thread(void *argument)
{
    spin();
    return argument;
}

static void *lock_in_thread(void *argument)
{
    pthread_mutex_lock(&mutex);
    return argument;
}

/* Others end, whether they run or wait: those of another thread, and the first one. */
static void executes_in_thread(void)
{
    pthread_t thread;
    REQUIRE(pthread_mutex_lock(&mutex) == 0);
    for (int i = 0; i < 3; i++) {
        REQUIRE(pthread_create(&thread, NULL, lock_in_thread, NULL) == 0);
        REQUIRE(pthread_create(&thread, NULL, spin_in_thread, NULL) == 0);
    }
    sched_yield();
    REQUIRE(pthread_create(&thread, NULL, execute_in_thread, NULL) == 0);
    spin();
}

/* ---- Quotas ------------------------------------------------------------------------------------------------------ */

/* Forks without end, in depth and in breadth. Whoever cannot any more waits for its own. Where memory is at its end, a
 * fault is, too. */
static void fork_without_end(void)
{
    int forked = 0;
    pid_t child;
    while ((child = fork()) >= 0)
        forked = child > 0 ? forked + 1 : 0;
    REQUIRE(errno == ENOMEM || errno == EAGAIN);
    for (int status; forked > 0; forked--)
        REQUIRE(wait(&status) > 0 && (status == 0 || WTERMSIG(status) == SIGSEGV));
    REQUIRE(wait(NULL) == -1 && errno == ECHILD);
}

static void bomb(void)
{
    pid_t first = getpid();
    for (int round = 0; round < 2; round++) {
        int status = ended(child_that(fork_without_end));
        REQUIRE(status == 0 || WTERMSIG(status) == SIGSEGV);
    }
    fork_without_end();
    if (getpid() != first)
        _exit(0);
    REQUIRE(ended(child_that(end_5)) == 5 << 8);
}

/* The books of mappings count, too: whoever makes more than can be is told. Each lies above those before. */
static void too_many_mappings(void)
{
    char *block, *lowest = NULL, *last = NULL;
    while ((block = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED) {
        lowest = lowest ? lowest : block;
        last = block;
    }
    REQUIRE(errno == ENOMEM && lowest != last && malloc(40 << 20) == NULL && errno == ENOMEM);
    REQUIRE(munmap(lowest, (size_t)(last - lowest) + PAGE) == 0);
}

/* Children have their parent's quota together with it. More than there is ends in an error, and what they had comes
 * back. */
static void memory_ends(void)
{
    size_t size = QUOTA * 6 / 10 * PAGE;
    too_many_mappings();
    char *first = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(first != MAP_FAILED);
    memset(first, 1, size);
    REQUIRE(fork() == -1 && errno == ENOMEM);
    REQUIRE(munmap(first, size / 2) == 0);
    pid_t child = must_fork();
    if (child == 0) {
        memset(first + size / 2, 2, size / 2);
        memset(malloc(size), 3, size);
        _exit(0);
    }
    int status = ended(child);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    REQUIRE(first[size - 1] == 1);
    REQUIRE(ended(child_that(end_5)) == 5 << 8);
}

static const struct {
    const char *name;
    void (*function)(void);
} parts[] = {
    {"numbers", numbers},
    {"copies", copies},
    {"shares", shares},
    {"shares_more", shares_more},
    {"registers", registers},
    {"output", output},
    {"statuses", statuses},
    {"kills", kills},
    {"waits", waits},
    {"sequence", sequence},
    {"depth", depth},
    {"orphans", orphans},
    {"leaves", leaves},
    {"threads", threads},
    {"refusals", refusals},
    {"bomb", bomb},
    {"executes", executes},
    {"refused", not_executed},
    {"thread", executes_in_thread},
    {"memory", memory_ends},
};

int main(int count, char **arguments)
{
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (count > 1 && strcmp(arguments[1], parts[i].name) == 0)
            parts[i].function();
    return 0;
}
