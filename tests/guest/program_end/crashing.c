/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends by an instruction that does not exist. */
#include <time.h>

int main(void)
{
    const struct timespec pause = {.tv_nsec = 150000000};
    nanosleep(&pause, NULL);
    __builtin_trap();
}
