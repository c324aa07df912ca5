/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that the memory server works with: handles, from its start-up table. */
#ifndef SALTO_MEMORY_SERVICE_H
#define SALTO_MEMORY_SERVICE_H

#include <stdint.h>

struct service {
    uint32_t task, factory, endpoint;
    uint32_t physical; /* 0: the manifest gives none */
};

extern struct service service;

#endif
