/* SPDX-License-Identifier: BSD-2-Clause */
/* What hunters leave behind, which would live on without them. */
#ifndef FUZZER_LEFTOVERS_H
#define FUZZER_LEFTOVERS_H

#include <stdint.h>

/* Tasks that hold capabilities to each other live on when nobody else holds them: ends all `count` youngest tasks, and
 * empties their tables. Hunters do not run meanwhile, below this thread's priority, and no task goes while this program
 * names it: else the numbers of the others would change. */
void leftovers_end_tasks(uint32_t count);

/* Hunters may have bound the interrupt line, which is there for ever, to a notification of theirs: it would live on,
 * and so would the factory that paid for it. The line is bound to another one, and that taken away. */
void leftovers_unbind_line(void);

#endif
