/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes numbers into the ring. Nothing is copied by the kernel or a server: both programs have the same memory. */
#include "attach.h"

int main(void)
{
    struct ring *ring = attach_ring();
    for (uint32_t number = 0; number < NUMBERS; number++) {
        while (number - ring->read == RING_SLOTS)
            wait_for_other();
        ring->slots[number % RING_SLOTS] = number;
        ring->written = number + 1;
        if (ring->read == number) /* it was empty */
            wake_other();
    }
    return 0;
}
