/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of idl/memory.idl, and the dispatcher for all that arrives on the server's endpoint. */
#ifndef SALTO_MEMORY_OPERATIONS_H
#define SALTO_MEMORY_OPERATIONS_H

#include <salto/server.h>

#include "books.h"
#include "idl/memory_service.h"

/* For salto_serve(). */
struct idl_answer memory_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                  uint64_t word3, struct idl_frame *frame);

/* What is told of a client, and of a region. */
void describe_client(const struct client *client, struct memory_statistics *statistics);
void describe_region(const struct region *region, struct memory_region *result);

/* ---- inspect.c --------------------------------------------------------------------------------------------------- */
struct idl_answer inspector_dispatch(uint64_t badge, uint64_t word0, uint64_t word1, uint64_t tag, uint64_t word2,
                                     uint64_t word3, struct idl_frame *frame);

#endif
