/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ordinary Linux program: `musl-gcc -static hello.c` makes it, and the same file runs on Linux. It uses what a C
 * library brings: formatted output, memory, time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The words of the command line, in one string of the caller's. */
static char *join(int count, char **words)
{
    size_t length = 1;
    for (int i = 1; i < count; i++)
        length += strlen(words[i]) + 1;
    char *text = calloc(1, length);
    for (int i = 1; text && i < count; i++) {
        strcat(text, " ");
        strcat(text, words[i]);
    }
    return text;
}

int main(int count, char **arguments)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    char *words = join(count, arguments);
    if (!words)
        return 1;
    printf("Hello, world%s!\n", words);
    free(words);
    double root = 2.0;
    for (int i = 0; i < 6; i++)
        root = (root + 2.0 / root) / 2.0;
    printf("The square root of 2 is %.6f.\n", root);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int forward = after.tv_sec > before.tv_sec || (after.tv_sec == before.tv_sec && after.tv_nsec > before.tv_nsec);
    printf("Time goes %s.\n", forward ? "forward" : "backward");
    return forward ? 0 : 1;
}
