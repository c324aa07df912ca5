/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport between client stubs and dispatchers in one process, which does what kernel and server loop do: words 0
 * to 5 by value, the rest from UTCB to UTCB, items with new handles. What does not travel is poisoned, so that nobody
 * reads it unnoticed.
 */
#ifndef SALTO_TESTS_TRANSPORT_H
#define SALTO_TESTS_TRANSPORT_H

#include "salto/server.h"

#include <stdbool.h>

#define OWN_TASK 7         /* handle of the program's own task, for deletions */
#define SERVER_HANDLE 1000 /* added to a handle that travels to the server, and to one that travels back */
#define MAX_DELETED 16
#define POISON 0xbad0bad0bad0bad0

struct transport {
    idl_dispatcher *dispatcher; /* who answers; NULL: `failure` is returned */
    void *object;
    uint64_t failure;
    uint64_t replace_tag;       /* not 0: arrives in place of the request's tag */
    uint64_t replace_reply;     /* not 0: arrives in place of the reply's tag */
    uint32_t replace_word_mask; /* words of the request, or of the reply, that are replaced */
    uint64_t replace_word;      /* ...by this */
    bool replace_in_reply;
    uint32_t lost_items; /* mask of items, request or reply, that find no slot at the receiver's */
    uint64_t badge;
    /* what was seen */
    uint64_t request, reply, handle;
    uint64_t words[6]; /* of the request */
    uint64_t reply_words[6];
    uint64_t items[MESSAGE_MAX_ITEMS], reply_items[MESSAGE_MAX_ITEMS];
    uint32_t deleted[MAX_DELETED];
    unsigned deleted_count;
    struct utcb client, server;
    bool in_server;
};

extern struct transport transport;

/* Forgets everything, and lets `dispatcher` answer with `object`. */
void transport_reset(idl_dispatcher *dispatcher, void *object);
bool transport_deleted(uint32_t handle);

#endif
