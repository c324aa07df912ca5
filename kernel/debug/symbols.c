/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for addresses. See symbols.h. The table ends each run of text with a symbol without a name. */
#include "debug/symbols.h"

#include <stddef.h>

#include "abi/addresses.h"

const char *symbols_lookup(uint64_t address, uint64_t *offset)
{
    uint64_t wanted = address - SHARED_BASE;
    uint32_t low = 0, high = symbols_count; /* the first symbol behind `address` is in [low, high] */

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symbols_table[middle].offset <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (address < SHARED_BASE || low == 0 || symbols_names[symbols_table[low - 1].name] == '\0')
        return NULL;
    *offset = wanted - symbols_table[low - 1].offset;
    return symbols_names + symbols_table[low - 1].name;
}
