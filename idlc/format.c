/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formatter.
 */
#include "emit.h"

void format_unit(FILE *output, const struct unit *unit)
{
    fprintf(output, "library %s;\n", unit->library.text);
}
