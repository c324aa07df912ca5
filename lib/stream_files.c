/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream transport over file descriptors, on the host.
 *
 * Who writes where nobody reads any more hears of it by the result alone: the signal SIGPIPE, which would end the
 * program, is kept from the thread that writes, and one that was pending before stays so.
 */
#include "salto/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS_IN_MILLISECOND 1000000

/* For poll(), rounded up. */
static int milliseconds(uint64_t nanoseconds)
{
    uint64_t count = nanoseconds / NANOSECONDS_IN_MILLISECOND + 1;

    return count < INT_MAX ? (int)count : INT_MAX;
}

static int64_t files_read(void *where, void *to, size_t size, uint64_t timeout)
{
    struct pollfd input = {((struct stream_files *)where)->input, POLLIN, 0};
    ssize_t count;
    int ready;

    do
        ready = timeout ? poll(&input, 1, milliseconds(timeout)) : 1;
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return -ERROR_TIMEOUT;
    do
        count = read(input.fd, to, size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? 0 : count;
}

/* All of it: 0, or -ERROR_DEAD. */
static int write_all(int output, const char *at, size_t size)
{
    ssize_t count;

    while (size) {
        count = write(output, at, size);
        if (count < 0 && errno != EINTR)
            return -ERROR_DEAD;
        if (count > 0) {
            at += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

static int files_write(void *where, const void *from, size_t size)
{
    const struct timespec now = {0, 0};
    sigset_t broken_pipe, pending, before;
    int result;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    result = write_all(((struct stream_files *)where)->output, from, size);
    if (result != 0 && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&broken_pipe, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

const struct stream_ways stream_of_files = {files_read, files_write};
