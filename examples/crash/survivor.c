/* SPDX-License-Identifier: BSD-2-Clause */
/* Goes on beside a program that crashes, for long enough to outlive it. */
#include <stdio.h>
#include <time.h>

int main(void)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    for (int i = 1; i <= 3; i++) {
        printf("survivor: still here, %d of 3\n", i);
        nanosleep(&pause, NULL);
    }
    printf("survivor: done\n");
    return 0;
}
