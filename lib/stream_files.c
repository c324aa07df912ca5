/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream transport over file descriptors, on the host. */
#include "salto/stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define NANOSECONDS_IN_MILLISECOND 1000000

static int64_t files_read(void *where, void *to, size_t size, uint64_t timeout)
{
    struct pollfd input = {((struct stream_files *)where)->input, POLLIN, 0};
    ssize_t count;
    int ready;

    do
        ready = timeout ? poll(&input, 1, (int)(timeout / NANOSECONDS_IN_MILLISECOND + 1)) : 1;
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return -ERROR_TIMEOUT;
    do
        count = read(input.fd, to, size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? 0 : count;
}

static int files_write(void *where, const void *from, size_t size)
{
    const char *at = from;
    ssize_t count;

    while (size) {
        count = write(((struct stream_files *)where)->output, at, size);
        if (count < 0 && errno != EINTR)
            return -ERROR_DEAD;
        if (count > 0) {
            at += count;
            size -= (size_t)count;
        }
    }
    return 0;
}

const struct stream_ways stream_of_files = {files_read, files_write};
