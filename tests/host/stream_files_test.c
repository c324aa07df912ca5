/* SPDX-License-Identifier: BSD-2-Clause */
/* Host test of streams over file descriptors (lib/stream_files.c): whole bytes, ends, time limits, and no signals. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_tap.h"
#include "salto/stream.h"

static int64_t read_from(int input, void *to, size_t size, uint64_t timeout)
{
    struct stream_files files = {input, -1};

    return stream_of_files.read(&files, to, size, timeout);
}

static int write_to(int output, const void *from, size_t size)
{
    struct stream_files files = {-1, output};

    return stream_of_files.write(&files, from, size);
}

static bool is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
}

static bool is_blocked(void)
{
    sigset_t blocked;

    return pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGPIPE);
}

static void bytes_arrive(const int *pipes)
{
    char got[8] = {0};

    host_ok(write_to(pipes[1], "abcdef", 6) == 0 && read_from(pipes[0], got, sizeof(got), 0) == 6 &&
                memcmp(got, "abcdef", 6) == 0,
            "bytes arrive");
    host_ok(read_from(pipes[0], got, sizeof(got), 1) == -ERROR_TIMEOUT, "nothing comes in time");
    host_ok(write_to(pipes[1], "g", 1) == 0 && read_from(pipes[0], got, sizeof(got), UINT64_MAX) == 1,
            "the longest time limit of all is one");
}

/* If the signal came, the program would be gone. */
static void nobody_reads(int output, const char *what)
{
    host_ok(write_to(output, "x", 1) == -ERROR_DEAD && write_to(output, "x", 1) == -ERROR_DEAD, "nobody reads %s",
            what);
    host_ok(!is_pending() && !is_blocked(), "and no signal is left, nor kept away");
}

static void pending_before(int output)
{
    sigset_t broken_pipe;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
    raise(SIGPIPE);
    host_ok(write_to(output, "x", 1) == -ERROR_DEAD && is_pending() && is_blocked(),
            "a signal that was pending before stays so");
}

int main(void)
{
    int pipes[2], sockets[2];
    char byte;

    if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0)
        return 1;
    bytes_arrive(pipes);
    close(pipes[0]);
    nobody_reads(pipes[1], "a pipe");
    close(sockets[0]);
    nobody_reads(sockets[1], "a socket");
    host_ok(read_from(sockets[1], &byte, 1, 0) == 0, "a socket whose other end is gone has come to its end");
    pending_before(pipes[1]);
    return host_done();
}
