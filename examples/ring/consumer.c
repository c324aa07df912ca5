/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the numbers, and adds them up. */
#include "attach.h"

#include <inttypes.h>

int main(void)
{
    struct ring *ring = attach_ring();
    uint64_t sum = 0;
    for (uint32_t count = 0; count < NUMBERS; count++) {
        while (ring->written == count)
            wait_for_other();
        sum += ring->slots[count % RING_SLOTS];
        ring->read = count + 1;
        if (ring->written == count + RING_SLOTS) /* it was full */
            wake_other();
    }
    printf("consumer: %d numbers, their sum is %" PRIu64 "\n", NUMBERS, sum);
    return 0;
}
