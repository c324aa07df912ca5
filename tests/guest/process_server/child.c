/* SPDX-License-Identifier: BSD-2-Clause */
/* A plain Linux program that does what its first argument says; its status tells what came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER 5

static int variable = NUMBER;
static char zeroes[100000];

/* Are the arguments and the environment those of the test? */
static int check_arguments(int count, char **arguments)
{
    const char *value = getenv("COLOR"), *empty = getenv("EMPTY");
    return count == 4 && strcmp(arguments[0], "child") == 0 && strcmp(arguments[2], "two words") == 0 &&
                   arguments[3][0] == 0 && value && strcmp(value, "dark red") == 0 && empty && !*empty
               ? 0
               : 1;
}

/* Its data are its own, whatever other processes of the file have done. */
static int check_data(void)
{
    int good = variable == NUMBER;
    for (size_t i = 0; i < sizeof(zeroes); i++)
        good &= zeroes[i] == 0;
    variable++;
    memset(zeroes, 1, sizeof(zeroes));
    return good ? 0 : 1;
}

static int recurse(volatile char *above)
{
    volatile char room[1000];
    room[0] = above[0];
    return room[0] == 1 ? 0 : recurse(room) + room[0]; /* it never is */
}

/* Everything that lies behind it in the order of addresses is looked at, too. */
static int check_heap(void)
{
    unsigned char *blocks[20];
    for (int i = 0; i < 20; i++) {
        blocks[i] = malloc((size_t)i * 5000 + 1);
        if (!blocks[i])
            return 1;
        memset(blocks[i], i, (size_t)i * 5000 + 1);
    }
    for (int i = 0; i < 20; i++) {
        for (int at = 0; at <= i * 5000; at++)
            if (blocks[i][at] != i)
                return 2;
        free(blocks[i]);
    }
    return 0;
}

int main(int count, char **arguments)
{
    char first = 0;
    const char *what = count > 1 ? arguments[1] : "";
    if (strcmp(what, "status") == 0)
        return atoi(arguments[2]);
    if (strcmp(what, "arguments") == 0)
        return check_arguments(count, arguments);
    if (strcmp(what, "data") == 0)
        return check_data();
    if (strcmp(what, "heap") == 0)
        return check_heap();
    if (strcmp(what, "write") == 0)
        return printf("child: here I am\n") == 17 ? 0 : 1;
    if (strcmp(what, "fault") == 0)
        *(volatile int *)0x1000 = 1;
    if (strcmp(what, "text") == 0)
        *(volatile char *)main = 1;
    if (strcmp(what, "stack") == 0)
        return recurse(&first);
    for (;;)
        first = (char)(first + 1);
}
