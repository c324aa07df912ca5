/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport between client stubs and dispatchers in one process, which does what kernel and server loop do: words 0
 * to 5 by value, the rest from UTCB to UTCB, items with new handles, strings into the buffers that the receiver opened.
 * What does not travel is poisoned, so that nobody reads it unnoticed.
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
    idl_dispatcher *dispatcher;               /* who answers; NULL: `failure` is returned */
    idl_string_dispatcher *string_dispatcher; /* or this one */
    void *object, *buffers;
    uint64_t failure;
    uint64_t replace_tag;       /* not 0: arrives in place of the request's tag */
    uint64_t replace_reply;     /* not 0: arrives in place of the reply's tag */
    uint32_t replace_word_mask; /* words of the request, or of the reply, that are replaced */
    uint64_t replace_word;      /* ...by this */
    bool replace_in_reply;
    uint32_t lost_items;        /* mask of items, request or reply, that find no slot at the receiver's */
    uint32_t replace_item_mask; /* items, request or reply, that are replaced in the receiver's UTCB */
    uint64_t replace_item;      /* ...by this */
    uint64_t badge;
    /* what was seen */
    uint64_t request, reply, handle;
    uint64_t send_deadline, receive_deadline; /* of the request, if its tag says so */
    unsigned polls;                           /* requests that did not want to wait */
    uint64_t words[6];                        /* of the request */
    uint64_t reply_words[6];
    uint64_t items[MESSAGE_MAX_ITEMS], reply_items[MESSAGE_MAX_ITEMS];
    uint32_t deleted[MAX_DELETED];
    unsigned deleted_count;
    uint64_t unmapped[MAX_DELETED]; /* addresses */
    unsigned unmapped_count;
    uint64_t unmapped_pages;       /* in all */
    uint64_t revoked[MAX_DELETED]; /* addresses */
    unsigned revoked_count;
    uint64_t revoked_pages; /* in all */
    struct utcb client, server;
    bool in_server;
};

extern struct transport transport;

/* Forgets everything, and lets `dispatcher` answer with `object`. Nobody takes a string. */
void transport_reset(idl_dispatcher *dispatcher, void *object);
/* The same for a dispatcher with buffers, which the caller must open then, as `transport.in_server`. */
void transport_reset_strings(idl_string_dispatcher *dispatcher, void *object, void *buffers);
bool transport_deleted(uint32_t handle);

#endif
