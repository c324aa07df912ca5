/* SPDX-License-Identifier: BSD-2-Clause */
/* A client that keeps to the rules, in a task of its own: calls every server without a pause, and checks each
 * answer. */
#ifndef BROKEN_HONEST_H
#define BROKEN_HONEST_H

#include "targets.h"

struct honest {
    struct worker worker;
    memory_space_t space;
    memory_object_t object;
    process_child_t child;
    kernel_notification_t notification;
};

/* It runs from then on. */
void honest_create(struct honest *honest, uint64_t seed);

/* EXPECTs that every answer was right, and that there were some; answers how many. */
uint64_t honest_destroy(struct honest *honest);

#endif
