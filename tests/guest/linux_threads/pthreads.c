/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain Linux program with POSIX threads, as any C library's user writes it. It does what its first argument names;
 * its status is 0, or the number of the line that found something wrong, as far as it fits.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 300
#define DETACHED 60
#define MILLISECOND 1000000L

#define REQUIRE(condition)                          \
    do {                                            \
        if (!(condition))                           \
            _exit(__LINE__ < 250 ? __LINE__ : 250); \
    } while (0)

static pthread_t threads[THREADS];

static void start(void *(*function)(void *))
{
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, function, (void *)i) == 0);
}

static void join(void)
{
    for (intptr_t i = 0; i < THREADS; i++) {
        void *result;
        REQUIRE(pthread_join(threads[i], &result) == 0);
        REQUIRE((intptr_t)result == i + 1);
    }
}

/* ---- Thread-local variables, registers, numbers ------------------------------------------------------------------ */

static _Thread_local int local = 7;
static pthread_key_t key;
static atomic_int destroyed;
static atomic_int numbers[THREADS];

static void destroy(void *value)
{
    destroyed += (int)(intptr_t)value;
}

static void *use_local(void *argument)
{
    int number = (int)(intptr_t)argument;
    double sum = 0.5;
    REQUIRE(local == 7 && errno == 0);
    local = number;
    errno = number;
    numbers[number] = gettid();
    REQUIRE(pthread_setspecific(key, argument) == 0);
    for (int i = 0; i < 50; i++) {
        sum += number;
        sched_yield();
        REQUIRE(local == number && errno == number && gettid() == numbers[number]);
    }
    REQUIRE(sum == 0.5 + 50.0 * number);
    return (void *)(intptr_t)(number + 1);
}

static void locals(void)
{
    REQUIRE(pthread_key_create(&key, destroy) == 0);
    start(use_local);
    join();
    REQUIRE(local == 7 && destroyed == THREADS * (THREADS - 1) / 2);
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(numbers[i] != getpid());
        for (int j = 0; j < i; j++)
            REQUIRE(numbers[i] != numbers[j]);
    }
    REQUIRE(gettid() == getpid());
}

/* ---- Mutexes, conditions, barriers ------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile int counter, turn;

static void *count(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        REQUIRE(pthread_mutex_lock(&mutex) == 0);
        int before = counter;
        if (i % 8 == 0)
            sched_yield();
        counter = before + 1;
        REQUIRE(pthread_mutex_unlock(&mutex) == 0);
    }
    return (char *)argument + 1;
}

static void mutexes(void)
{
    start(count);
    join();
    REQUIRE(counter == THREADS * ROUNDS);
}

/* One after the other, in turn. */
static void *take_turns(void *argument)
{
    int number = (int)(intptr_t)argument;
    for (int i = 0; i < 20; i++) {
        REQUIRE(pthread_mutex_lock(&mutex) == 0);
        while (turn % THREADS != number)
            REQUIRE(pthread_cond_wait(&condition, &mutex) == 0);
        turn++;
        REQUIRE(pthread_cond_broadcast(&condition) == 0);
        REQUIRE(pthread_mutex_unlock(&mutex) == 0);
    }
    return (char *)argument + 1;
}

static void conditions(void)
{
    start(take_turns);
    join();
    REQUIRE(turn == 20 * THREADS);
}

static pthread_barrier_t barrier;
static atomic_int arrived, serial;

static void *meet(void *argument)
{
    for (int i = 1; i <= 20; i++) {
        arrived++;
        int result = pthread_barrier_wait(&barrier);
        REQUIRE(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
        REQUIRE(arrived >= i * THREADS);
        serial += result == PTHREAD_BARRIER_SERIAL_THREAD;
        pthread_barrier_wait(&barrier);
    }
    return (char *)argument + 1;
}

static void barriers(void)
{
    REQUIRE(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    start(meet);
    join();
    REQUIRE(serial == 20 && pthread_barrier_destroy(&barrier) == 0);
}

static sem_t semaphore;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_once(void)
{
    sched_yield();
    counter = 1000;
}

static void *use_others(void *argument)
{
    REQUIRE(pthread_once(&once, count_once) == 0 && counter >= 1000);
    for (int i = 0; i < 50; i++) {
        REQUIRE(sem_wait(&semaphore) == 0);
        REQUIRE(pthread_rwlock_wrlock(&rwlock) == 0);
        counter++;
        REQUIRE(pthread_rwlock_unlock(&rwlock) == 0);
        REQUIRE(sem_post(&semaphore) == 0);
    }
    return (char *)argument + 1;
}

static void others(void)
{
    REQUIRE(sem_init(&semaphore, 0, 2) == 0);
    start(use_others);
    join();
    REQUIRE(counter == 1000 + 50 * THREADS);
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static int64_t now(void)
{
    struct timespec time;
    REQUIRE(clock_gettime(CLOCK_REALTIME, &time) == 0);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static struct timespec after(long nanoseconds)
{
    int64_t end = now() + nanoseconds;
    return (struct timespec){.tv_sec = end / 1000000000L, .tv_nsec = end % 1000000000L};
}

static void timeouts(void)
{
    static int word = 5;
    int64_t before = now();
    struct timespec end = after(3 * MILLISECOND), none = {0}, bad = {.tv_nsec = -1};
    REQUIRE(pthread_mutex_lock(&mutex) == 0);
    REQUIRE(pthread_cond_timedwait(&condition, &mutex, &end) == ETIMEDOUT);
    REQUIRE(now() >= before + 3 * MILLISECOND);
    REQUIRE(sem_init(&semaphore, 0, 0) == 0);
    end = after(MILLISECOND);
    REQUIRE(sem_timedwait(&semaphore, &end) == -1 && errno == ETIMEDOUT);
    REQUIRE(syscall(SYS_futex, &word, 0, 4, NULL) == -1 && errno == EAGAIN);
    REQUIRE(syscall(SYS_futex, &word, 0, 5, &none) == -1 && errno == ETIMEDOUT);
    REQUIRE(syscall(SYS_futex, &word, 0, 5, &bad) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_futex, (char *)&word + 1, 0, 5, &none) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_futex, 0, 0, 5, &none) == -1 && errno == EFAULT);
    REQUIRE(syscall(SYS_futex, &word, 77, 5, &none) == -1 && errno == ENOSYS);
    REQUIRE(syscall(SYS_futex, &word, 1, 5, NULL) == 0);
    end = after(-5 * MILLISECOND);
    REQUIRE(syscall(SYS_futex, &word, 9, 5, &end, NULL, -1) == -1 && errno == ETIMEDOUT);
}

/* ---- Ends -------------------------------------------------------------------------------------------------------- */

static void *post(void *argument)
{
    REQUIRE(sem_post(&semaphore) == 0);
    return argument;
}

/* Threads that nobody waits for give back their own stacks; more than can be there at once come and go. */
static void detached(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    REQUIRE(sem_init(&semaphore, 0, 0) == 0);
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    for (int i = 0; i < DETACHED; i++) {
        while (pthread_create(&thread, &attributes, post, NULL) != 0)
            sched_yield();
        if (i % 4 == 3)
            REQUIRE(sem_wait(&semaphore) == 0);
    }
    for (int i = 0; i < DETACHED - DETACHED / 4; i++)
        REQUIRE(sem_wait(&semaphore) == 0);
}

static void *stay(void *argument)
{
    for (;;)
        sched_yield();
    return argument;
}

static void *wait_then_end(void *argument)
{
    REQUIRE(sem_wait(&semaphore) == 0);
    return argument;
}

/* As many as there can be, and all of them come back. */
static void many(void)
{
    static pthread_t all[200];
    for (int round = 0; round < 2; round++) {
        int count = 0, error = 0;
        REQUIRE(sem_init(&semaphore, 0, 0) == 0);
        while (count < 200 && (error = pthread_create(&all[count], NULL, wait_then_end, NULL)) == 0)
            count++;
        REQUIRE(error == EAGAIN && count >= THREADS);
        for (int i = 0; i < count; i++)
            REQUIRE(sem_post(&semaphore) == 0);
        for (int i = 0; i < count; i++)
            REQUIRE(pthread_join(all[i], NULL) == 0);
    }
}

static void *end_process(void *argument)
{
    for (int i = 0; i < 5; i++)
        sched_yield();
    exit((int)(intptr_t)argument);
}

/* The process goes on without its first thread, until its last one ends. */
static void first_ends(void)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, end_process, (void *)41) == 0);
    pthread_exit(NULL);
}

/* All threads end with the process. */
static void all_end(void)
{
    start(stay);
    sched_yield();
    exit(42);
}

static void signals(void)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, stay, NULL) == 0);
    REQUIRE(pthread_kill(thread, 0) == 0);
    REQUIRE(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    REQUIRE(syscall(SYS_tgkill, getpid(), 0x7ffffff, 0) == -1 && errno == ESRCH);
    REQUIRE(pthread_kill(thread, SIGTERM) == 0);
    REQUIRE(0);
}

/* What clone does not do is refused. */
static void refusals(void)
{
    static char stack[PATH_MAX + 64];
    const long thread = 0x10900; /* CLONE_VM | CLONE_SIGHAND | CLONE_THREAD */
    REQUIRE(syscall(SYS_clone, thread, 0, NULL, NULL, 0) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_clone, 0x10000, stack + sizeof(stack), NULL, NULL, 0) == -1 && errno == EINVAL);
    REQUIRE(syscall(SYS_clone, thread, 0x100, NULL, NULL, 0) == -1 && errno == EFAULT);
    REQUIRE(syscall(SYS_set_robust_list, stack, 5) == -1 && errno == EINVAL);
}

static const struct {
    const char *name;
    void (*function)(void);
} parts[] = {
    {"locals", locals}, {"mutexes", mutexes},   {"conditions", conditions}, {"barriers", barriers},
    {"others", others}, {"timeouts", timeouts}, {"detached", detached},     {"refusals", refusals},
    {"many", many},     {"first", first_ends},  {"all", all_end},           {"signals", signals},
};

#define TOGETHER 8 /* that can be done one after the other in one process */

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(what, parts[i].name) == 0 || (strcmp(what, "together") == 0 && i < TOGETHER))
            parts[i].function();
    return 0;
}
