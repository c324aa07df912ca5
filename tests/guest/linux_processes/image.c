/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain Linux program that others run in place of themselves. `image check NUMBER`: finds everything as a program
 * does that was just started, in the process of that number. `image again COUNT`: runs itself that often.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

static int data = 5;
static char zeroes[100000];

static int check(int count, char **arguments)
{
    char *heap = malloc(100000);
    const char *value = getenv("COLOR");
    if (count != 4 || strcmp(arguments[0], "another name") != 0 || arguments[3][0] != 0 || arguments[4])
        return 1;
    if (!value || strcmp(value, "dark red") != 0 || getenv("SHAPE"))
        return 2;
    if (getpid() != atoi(arguments[2]) || syscall(SYS_gettid) != getpid())
        return 3;
    if (data != 5 || zeroes[99999] != 0 || !heap || heap[99999] != 0)
        return 4;
    if (getauxval(AT_ENTRY) == 0 || (uintptr_t)__builtin_frame_address(0) % 16 != 0)
        return 5;
    data = 6;
    memset(zeroes, 1, sizeof(zeroes));
    memset(heap, 1, 100000);
    return 42;
}

int main(int count, char **arguments)
{
    char number[12];
    if (count > 1 && strcmp(arguments[1], "check") == 0)
        return check(count, arguments);
    int left = count > 2 ? atoi(arguments[2]) : 0;
    if (left == 0 || data != 5)
        return data;
    data = left;
    snprintf(number, sizeof(number), "%d", left - 1);
    execl("/image", "image", "again", number, (char *)NULL);
    return 99;
}
