/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of I/O ports, and to which tasks they are granted. Each grant is a record that stands in two lists, of the
 * task and of the range, so that either can go and take its grants with it.
 *
 * Invariants: a bit of a task's I/O bitmap is zero (the port is open) exactly if a grant of the task covers the port; a
 * bitmap page of the task's own exists from the first grant that needs it until the task dies; the task's list is
 * sorted by the first port. The sorting makes taking back cheap: each port is looked at once, however many grants
 * overlap.
 */
#ifndef SALTO_IRQ_PORTS_H
#define SALTO_IRQ_PORTS_H

#include "abi/errors.h"
#include "cap/object.h"

#define PORTS_COUNT 65536
#define PORT_GRANTS_MOST 64 /* of a task */

struct task;

struct ports {
    struct object object;
    uint32_t first, end; /* ports `first` to `end` - 1 */
    struct port_grant *grants;
};

struct port_grant {
    struct ports *ports;
    struct task *task;
    struct port_grant *ports_next, *ports_previous;
    struct port_grant *task_next, *task_previous;
};

/* The object for all ports, which is there for ever. */
struct ports *ports_all(void);

/* A range of `count` ports from `first` on within `parent`, charged to `payer`; 0 and `*error` (BAD_ARGUMENT,
 * NO_MEMORY). */
struct ports *ports_create(struct factory *payer, const struct ports *parent, uint32_t first, uint32_t count,
                           enum error *error);

/* See Ports.grant and Ports.withdraw. */
enum error ports_grant(struct ports *ports, struct task *task);
enum error ports_withdraw(struct ports *ports, struct task *task);

/* Drops some of the grants to a task that dies; its bitmap stays as it is. */
void ports_forget_task_piece(struct task *task);

/* The last capability is gone: takes the ports back from one of those who have them. */
void ports_destroy_piece(struct ports *ports);

#endif
