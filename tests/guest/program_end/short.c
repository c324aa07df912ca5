/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses some memory, and ends without giving it back. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(void)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int i = 0; i < 10; i++) {
        char *block = malloc(300000);
        if (!block)
            return 1;
        memset(block, i, 300000);
    }
    nanosleep(&pause, NULL);
    return 0;
}
