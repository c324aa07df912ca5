/* SPDX-License-Identifier: BSD-2-Clause */
/* Lives through what the others do, with its memory and its calls as they were. */
#include <salto/tap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 40
#define BYTES 100000

int main(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    unsigned char *block = malloc(BYTES);
    bool kept = block != NULL;
    bool slept = true;
    tap_plan(3);
    if (block)
        memset(block, 0x5a, BYTES);
    for (int round = 0; round < ROUNDS; round++)
        slept &= nanosleep(&pause, NULL) == 0;
    for (int i = 0; kept && i < BYTES; i++)
        kept = block[i] == 0x5a;
    tap_ok(kept, "memory is as it was");
    tap_ok(slept, "Linux calls work");
    tap_ok(printf("survivor: alive\n") == 16, "so does the console");
    return tap_status();
}
