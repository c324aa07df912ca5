/* SPDX-License-Identifier: BSD-2-Clause */
/* The row `fork`: a small Linux program that forks, and waits for its child, which ends at once. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bench/markers.h"

#define MARKER_FORK 45 /* as tools/salto/memory_benchmark.py has it */
#define ROUNDS 41
#define STATUS 7

static int fork_once(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(STATUS);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == STATUS;
}

int main(void)
{
    int good = fork_once();
    for (int round = 0; round < ROUNDS; round++) {
        MARKER_BEGIN(MARKER_FORK);
        int one = fork_once();
        MARKER_END(MARKER_FORK);
        good &= one;
    }
    if (!good)
        printf("memory_bench: fork did not do what is measured\n");
    return good ? 0 : 1;
}
