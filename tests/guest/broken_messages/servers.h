/* SPDX-License-Identifier: BSD-2-Clause */
/* The servers of the set, as the kernel knows them: the same tasks and threads from the first look to the last. */
#ifndef BROKEN_SERVERS_H
#define BROKEN_SERVERS_H

/* Takes a capability to the task and the thread of each server, once. EXPECTs that they are found. */
void servers_remember(void);

/* EXPECTs that the same threads live, and stand still nowhere. */
void servers_expect_same(void);

#endif
