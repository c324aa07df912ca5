/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping one page by making a mapping beside it longer: no record is made, and hardly a tree is touched. */
#ifndef SALTO_MEM_EXTEND_H
#define SALTO_MEM_EXTEND_H

#include <stdbool.h>

#include "mem/mapping.h"

/* Maps the one page of `request`, whose source its giver has mapped, with these rights at least, as part of a mapping
 * that ends before it or begins behind it and came from the page beside its source. False: nothing was done, since
 * there is none, or it cannot be made longer, or something is mapped there already; `is_free` says whether it is known
 * that nothing is, and `gap` where. */
bool mapping_extend(struct map_request *request);

#endif
